import { expect, test } from "vitest";
import { createCrashRecord, exitBySignalFromOutside } from "../../src/agent/crash-record.ts";
import { workerExit } from "./values.ts";

const about = {
  agentId: "poet",
  atMs: 1_000,
  connectionLost: false,
  runsInFlight: ["r1"],
  runFingerprints: ["f1"],
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
    runFingerprints: ["f1"],
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
  ["zygote_lost", {}, "its worker (pid 4194999) ended with the zygote that had forked it after 1235 ms"],
  ["zygote_lost", { pid: undefined, detail: "3 zygotes" }, "its worker could not be started: 3 zygotes"],
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

test("a kill after a stop says how long the worker had, and what it was doing", () => {
  const exit = workerExit({ cause: "killed", signal: "SIGKILL", detail: 'its last phase was "leaving the agent"' });
  expect(createCrashRecord(exit, { ...about, graceMs: 5_000 }).describe).toBe(
    'its worker (pid 4194999) did not end within shutdownMs (5000 ms) and was killed; its last phase was "leaving the agent"',
  );
});

test("an end in good order that a signal from outside had asked for is that signal's", () => {
  const stopped = workerExit({ cause: "stopped", exitCode: 0 });
  expect(exitBySignalFromOutside(stopped)).toBe(stopped);
  expect(exitBySignalFromOutside({ ...stopped, outsideSignal: "SIGTERM" })).toMatchObject({
    cause: "signaled",
    signal: "SIGTERM",
  });
  const itself = workerExit({ cause: "exited", exitCode: 0, outsideSignal: "SIGINT" });
  expect(exitBySignalFromOutside(itself)).toMatchObject({ cause: "signaled", signal: "SIGINT" });
  const failed = workerExit({ cause: "exited", exitCode: 3, outsideSignal: "SIGTERM" });
  expect(exitBySignalFromOutside(failed)).toBe(failed);
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

test("the end of a worker whose place was taken is called retired where it ended in time, and what it was otherwise", () => {
  const retired = { ...about, retired: true };
  const inTime = createCrashRecord(workerExit({ cause: "stopped", exitCode: 0 }), retired);
  expect(inTime).toMatchObject({ cause: "retired", exitCode: 0 });
  expect(inTime.describe).toMatch(/^its worker \(pid \d+\) was retired after \d+ ms$/);
  const crashed = createCrashRecord(workerExit({ cause: "signaled", signal: "SIGSEGV" }), retired);
  expect(crashed).toMatchObject({ cause: "signaled", signal: "SIGSEGV" });
});

test("a worker that was never reached is told with the reason", () => {
  const exit = workerExit({ cause: "killed", signal: "SIGKILL" });
  const neverReached = 'Error: "/tmp/s" is no socket';
  const record = createCrashRecord(exit, { ...about, connectionLost: true, neverReached });
  expect(record).toMatchObject({ cause: "connection_lost", detail: neverReached });
  expect(record.describe).toBe(
    `its worker (pid 4194999) said that it is ready, could not be reached and was killed after 1235 ms: ${neverReached}`,
  );
  expect(createCrashRecord(exit, { ...about, neverReached })).not.toHaveProperty("detail");
});
test("a worker that hung has that as its cause, with its stacks; its peak of memory and the fault handler's words are kept", () => {
  const hung = { silentMs: 60_000, stacks: ["a stack"] };
  const record = createCrashRecord(
    workerExit({ cause: "killed", signal: "SIGKILL", peakMemoryBytes: 1_024, faultTrace: ["Fatal Python error: X"] }),
    { ...about, hung },
  );
  expect(record).toMatchObject({
    cause: "hung",
    describe:
      "its worker (pid 4194999) hung, its event loop had not answered for 60000 ms, and was killed after 1235 ms",
    stackDump: ["a stack"],
    peakMemoryBytes: 1_024,
    faultTrace: ["Fatal Python error: X"],
  });
});
