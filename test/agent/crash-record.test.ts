import { expect, test } from "vitest";
import { createCrashRecord } from "../../src/agent/crash-record.ts";
import { workerExit } from "./values.ts";

const about = {
  agentId: "poet",
  atMs: 1_000,
  connectionLost: false,
  runsInFlight: ["r1"],
  lastEvents: ["worker.ready"],
};

test("a record has every fact of the exit and the circumstances, and unknown facts are absent", () => {
  const record = createCrashRecord(workerExit({ exitCode: 7, stderrTail: ["boom"] }), about);
  expect(record).toEqual({
    agentId: "poet",
    incarnation: 1,
    atMs: 1_000,
    describe: "its worker (pid 4194999) exited with code 7 after 1235 ms",
    cause: "exited",
    pid: 4_194_999,
    exitCode: 7,
    stderrTail: ["boom"],
    wasReady: true,
    uptimeMs: 1_234.6,
    runsInFlight: ["r1"],
    lastEvents: ["worker.ready"],
  });
});

test.each([
  ["signaled", { signal: "SIGKILL" }, "its worker (pid 4194999) was ended by SIGKILL after 1235 ms"],
  [
    "exited",
    {
      exitCode: 1,
      wasReady: false,
      stderrTail: ["ModuleNotFoundError: No module named 'encodings'", "  <no Python frame>"],
    },
    "its worker (pid 4194999) exited with code 1 after 1235 ms, before it was ready: ModuleNotFoundError: No module named 'encodings'",
  ],
  [
    "signaled",
    { signal: "SIGABRT", wasReady: false },
    "its worker (pid 4194999) was ended by SIGABRT after 1235 ms, before it was ready",
  ],
  ["stopped", {}, "its worker (pid 4194999) was stopped after 1235 ms"],
  ["killed", {}, "its worker (pid 4194999) was killed after 1235 ms"],
  ["start_timeout", {}, "its worker (pid 4194999) was not ready after 1235 ms and was killed"],
  ["load_failed", { loadFailure: { kind: "not_an_agent", message: "x is a dict" } }, "x is a dict"],
  ["load_failed", {}, "its worker (pid 4194999) could not load its agent"],
  [
    "protocol_mismatch",
    { detail: "version 2" },
    "its worker (pid 4194999) does not speak this version's protocol: version 2",
  ],
  ["spawn_failed", { pid: undefined, detail: "ENOENT" }, "its worker could not be started: ENOENT"],
] as const)("%s is one sentence", (cause, changes, sentence) => {
  expect(createCrashRecord(workerExit({ cause, ...(changes as object) }), about)).toMatchObject({
    cause,
    describe: sentence,
  });
});

test("what the system said of a process that it did not start is a fact of its own", () => {
  const exit = workerExit({ cause: "spawn_failed", pid: undefined, detail: "spawn EAGAIN", errno: "EAGAIN" });
  expect(createCrashRecord(exit, about).errno).toBe("EAGAIN");
});

test("a kill because of a lost connection is told as that", () => {
  const exit = workerExit({ cause: "killed", signal: "SIGKILL" });
  const record = createCrashRecord(exit, { ...about, connectionLost: true });
  expect(record).toMatchObject({ cause: "connection_lost", signal: "SIGKILL" });
  expect(record.describe).toBe("its worker (pid 4194999) could no longer be reached and was killed after 1235 ms");
});
