import { expect, test } from "vitest";
import { agentStoppedError, poisonedError, workerError } from "../../src/agent/worker-error.ts";
import type { CrashRecord } from "../../src/crash.ts";
import { crashRecord } from "./values.ts";

test("a run learns who ended, how, and what was last said", () => {
  const crash = crashRecord({ stderrTail: ["1", "2", "3", "4", "5", "6"] });
  const error = workerError(crash, "r1");
  expect(error).toMatchObject({ code: "worker_exited", agentId: "poet", runId: "r1", exitCode: 7, crash });
  expect(error.stderrTail).toBe(crash.stderrTail);
  expect(error.message.split("\n")).toEqual([
    '[worker_exited] agent "poet": its worker (pid 4194999) exited with code 7 after 1235 ms while it held run "r1"',
    "last lines of its stderr:",
    "  2",
    "  3",
    "  4",
    "  5",
    "  6",
  ]);
});

const failure = (kind: string) => ({
  kind,
  message: "m",
  retriable: false,
  pythonType: "ValueError",
  traceback: "Traceback: t\n",
});

test.each([
  ["worker_exited", { cause: "signaled", signal: "SIGKILL" }],
  ["worker_exited", { cause: "killed" }],
  ["worker_exited", { cause: "load_failed" }],
  ["worker_exited", { cause: "signaled", signal: "SIGKILL", wasReady: false }],
  ["worker_exited", { cause: "signaled", signal: "SIGSEGV" }],
  ["worker_start_failed", { cause: "signaled", signal: "SIGSEGV", wasReady: false }],
  ["worker_start_failed", { cause: "signaled", signal: "SIGABRT", wasReady: false }],
  ["worker_start_failed", { cause: "exited", exitCode: 1, wasReady: false }],
  ["worker_start_failed", { cause: "load_failed", loadFailure: failure("serve_failed") }],
  ["worker_import_failed", { cause: "load_failed", loadFailure: failure("import_failed") }],
  ["worker_start_timeout", { cause: "start_timeout" }],
  ["worker_spawn_failed", { cause: "spawn_failed" }],
  ["worker_exited", { cause: "zygote_lost", pid: 7 }],
  ["worker_spawn_failed", { cause: "zygote_lost" }],
  ["worker_protocol_mismatch", { cause: "protocol_mismatch" }],
  ["worker_connection_lost", { cause: "connection_lost" }],
  ["entry_module_missing", { cause: "load_failed", loadFailure: failure("module_missing") }],
  ["entry_module_failed", { cause: "load_failed", loadFailure: failure("module_failed") }],
  ["entry_attribute_missing", { cause: "load_failed", loadFailure: failure("attribute_missing") }],
  ["entry_not_an_agent", { cause: "load_failed", loadFailure: failure("not_an_agent") }],
  ["entry_warmup_failed", { cause: "load_failed", loadFailure: failure("warmup_failed") }],
] as const)("%s is the code of %o", (code, changes) => {
  expect(workerError(crashRecord(changes as Partial<CrashRecord>)).code).toBe(code);
});

test("a load failure shows Python's traceback and keeps its type", () => {
  const loadFailure = { ...failure("module_failed"), kind: "module_failed" as const };
  const error = workerError(crashRecord({ cause: "load_failed", loadFailure, stderrTail: ["noise"] }));
  expect(error).toMatchObject({ pythonType: "ValueError", pythonTraceback: "Traceback: t\n" });
  expect(error.message).toContain("\nTraceback: t");
  expect(error.message).not.toContain("noise");
});

test("an agent that stopped after a crash names it as the cause", () => {
  const crash = crashRecord();
  const error = agentStoppedError("poet", "shutdown", crash, "r1");
  expect(error).toMatchObject({ code: "agent_stopped", runId: "r1", crash, cause: { code: "worker_exited" } });
  expect(error.message).toBe(`[agent_stopped] agent "poet" is stopped (shutdown); its last crash: ${crash.describe}`);
});

test("an agent that stopped without one has no cause", () => {
  const error = agentStoppedError("poet", "shutdown", undefined);
  expect(error.message).toBe('[agent_stopped] agent "poet" is stopped (shutdown)');
  expect([error.cause, error.crash, error.runId]).toEqual([undefined, undefined, undefined]);
});

test("the error of a poisonous run has every crash in its message and as a value, and its JSON no output of a worker", () => {
  const crashes = [1, 2].map((incarnation) => crashRecord({ incarnation, stderrTail: ["a secret line"] }));
  const error = poisonedError(crashes, "r1");
  expect(error).toMatchObject({ code: "run_poisoned", runId: "r1", crashes, crash: crashes[1] });
  expect(error.message).toContain("was in flight at the deaths of 2 workers in a row");
  expect(error.message.split("\n")).toHaveLength(3);
  expect(JSON.stringify(error)).not.toContain("a secret line");
  expect(JSON.parse(JSON.stringify(error)).crashes).toHaveLength(2);
});
