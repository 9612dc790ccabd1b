import { expect, test } from "vitest";
import { helloLine, hostHello, importsLine, readWorkerLine, shutdownLine } from "../../src/worker/handshake.ts";
import type { WorkerSpec } from "../../src/worker/launcher.ts";

const expected = { pid: 42, socketPath: "/tmp/x/s", token: "ab".repeat(32) };
const read = (message: unknown) => readWorkerLine(JSON.stringify(message), expected);
const ready = { type: "ready", framework: 1, contract: 1, pid: 42, socketPath: "/tmp/x/s" };

test("the host's hello is one line with both versions and all it was given", () => {
  const hello = {
    agentId: "a\nb",
    incarnation: 2,
    socketPath: "/tmp/x/s",
    token: expected.token,
    hostPid: 1,
    maxMessageBytes: 5,
    logLevel: "info",
    startTimeoutMs: 30_000,
    tracebacks: false,
  } as const;
  const line = helloLine(hello);
  expect(line.indexOf("\n")).toBe(line.length - 1);
  expect(JSON.parse(line)).toEqual({ type: "hello", framework: 1, contract: 1, ...hello });
});

test("a hello of the host has a limit of memory where the worker's specification has one", () => {
  const spec = { agentId: "a", incarnation: 1, maxMessageBytes: 5, startTimeoutMs: 30_000 } as WorkerSpec;
  expect(hostHello(spec, expected)).not.toHaveProperty("memoryLimitBytes");
  expect(hostHello({ ...spec, memoryLimitBytes: 99 }, expected)).toMatchObject({ memoryLimitBytes: 99 });
});

test("a grace without end is written as a number", () => {
  expect(JSON.parse(shutdownLine(Number.POSITIVE_INFINITY))).toEqual({
    type: "shutdown",
    graceMs: Number.MAX_SAFE_INTEGER,
  });
  expect(JSON.parse(shutdownLine(12.6)).graceMs).toBe(13);
});

test("the part of a grace that runs have is told beside it", () => {
  expect(JSON.parse(shutdownLine(5_000, 0))).toEqual({ type: "shutdown", graceMs: 5_000, drainMs: 0 });
});

test("a worker is asked for its files in one line, and answers with texts", () => {
  expect(importsLine()).toBe('{"type":"imports"}\n');
  expect(read({ type: "imports", files: ["/a.py", 7] })).toEqual({ type: "imports", files: ["/a.py"] });
  expect(read({ type: "imports" })).toEqual({ type: "imports", files: [] });
});

test("a worker that answers a signal with its stacks says so when it is ready", () => {
  expect(read({ ...ready, stacks: "SIGUSR1" })).toMatchObject({ type: "ready", dumpsStacks: true });
  expect(read({ ...ready, stacks: "SIGUSR3" })).not.toHaveProperty("dumpsStacks");
});

test("a signal from outside, the phases of the end and what holds it up are told in words", () => {
  expect(read({ type: "draining", signal: "SIGINT" })).toEqual({ type: "draining", signal: "SIGINT" });
  expect(read({ type: "draining" })).toEqual({ type: "draining", signal: "SIGTERM" });
  expect(read({ type: "phase", phase: "leaving the agent" })).toEqual({ type: "phase", phase: "leaving the agent" });
  expect(read({ type: "overdue", phase: "x", heldBy: ["a thread", 7] })).toEqual({
    type: "overdue",
    heldBy: ["a thread"],
  });
  expect(read({ type: "overdue" })).toEqual({ type: "overdue", heldBy: [] });
  expect(read({ type: "tasks", tasks: ["task 'a'", 7] })).toEqual({ type: "tasks", tasks: ["task 'a'"] });
});

test("a ready line becomes what the host needs to connect", () => {
  expect(read({ ...ready, answersText: true })).toMatchObject({ ready: { answersText: true } });
  expect(
    read({ ...ready, agentName: "a", modelName: null, answersText: false, versions: { python: "3", odd: 1 } }),
  ).toEqual({
    type: "ready",
    ready: {
      pid: 42,
      socketPath: "/tmp/x/s",
      token: expected.token,
      agentName: "a",
      modelName: undefined,
      versions: { python: "3" },
    },
  });
});

test("a hello of the right version, pid and group is accepted", () => {
  expect(read({ type: "hello", framework: 1, pid: 42, pgid: 42, python: "3.11.7" })).toEqual({
    type: "hello",
    python: "3.11.7",
  });
});

test("an unknown type is tolerated", () => {
  expect(read({ type: "weather", sky: "blue" })).toEqual({ type: "other", name: "weather" });
});

test("a failure without details is still a failure", () => {
  expect(read({ type: "failed", error: { kind: "not_an_agent" } })).toEqual({
    type: "failed",
    failure: {
      kind: "not_an_agent",
      message: "it gave no reason",
      retriable: false,
      pythonType: undefined,
      traceback: undefined,
    },
  });
});

test.each(["import_failed", "module_failed", "warmup_failed", "serve_failed"])(
  "a failure of kind %s says whether the next start may succeed",
  (kind) => {
    const error = { kind, message: "the network is down", retriable: true };
    expect(read({ type: "failed", error })).toMatchObject({ type: "failed", failure: { kind, retriable: true } });
  },
);

test.each([
  [{ type: "hello", framework: "1", pid: 42, pgid: 42 }, 'speaks framework version "1"'],
  [{ type: "hello", framework: 1, pid: 43, pgid: 42 }, "process 43 answered, but process 42 was started"],
  [{ type: "hello", framework: 1, pid: 42, pgid: 7 }, "its process group is 7, not 42"],
  [{ ...ready, contract: undefined }, "speaks contract version undefined"],
  [{ ...ready, pid: 1 }, "process 1 says it is ready"],
  [{ ...ready, socketPath: "/elsewhere" }, 'serves on "/elsewhere"'],
  [{ type: "failed", error: { kind: "protocol_mismatch", message: "too old" } }, "it refused this host: too old"],
  [{ type: "failed", error: { kind: "bad_hair" } }, "a way that this host does not know"],
  [{ type: 3 }, "a line without a type"],
  [[], "a line without a type"],
  [null, "a line without a type"],
])("%j is a mismatch", (message, words) => {
  expect(read(message)).toMatchObject({ type: "mismatch", detail: expect.stringContaining(words) });
});

test("a line that is not JSON is quoted, and cut when it is long", () => {
  const { detail = "" } = readWorkerLine("x".repeat(10_000), expected) as { detail?: string };
  expect(detail).toContain("not JSON");
  expect(detail.length).toBeLessThan(300);
});
