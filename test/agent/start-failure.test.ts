import { expect, test } from "vitest";
import { endedAtStart, startFailureOf } from "../../src/agent/start-failure.ts";
import type { CrashRecord, WorkerLoadFailure } from "../../src/crash.ts";
import { crashRecord } from "./values.ts";

const loadFailure = (kind: WorkerLoadFailure["kind"], retriable: boolean): Partial<CrashRecord> => ({
  cause: "load_failed",
  loadFailure: { kind, message: "m", retriable, pythonType: undefined, traceback: undefined },
});
const early = (changes: Partial<CrashRecord>): CrashRecord => crashRecord({ wasReady: false, ...changes });

test.each<["lasting" | "passing" | undefined, Partial<CrashRecord>]>([
  ["lasting", loadFailure("import_failed", false)],
  ["lasting", loadFailure("module_missing", false)],
  ["passing", loadFailure("module_failed", true)],
  ["passing", loadFailure("warmup_failed", true)],
  ["lasting", { cause: "load_failed" }],
  ["lasting", { cause: "protocol_mismatch" }],
  ["lasting", { cause: "contract_mismatch", wasReady: true }],
  ["lasting", { cause: "spawn_failed" }],
  ["lasting", { cause: "spawn_failed", errno: "ENOENT" }],
  ["lasting", { cause: "spawn_failed", errno: "EACCES" }],
  ["lasting", { cause: "spawn_failed", errno: "ENOEXEC" }],
  ["lasting", { cause: "spawn_failed", errno: "E2BIG" }],
  ["passing", { cause: "spawn_failed", errno: "EAGAIN" }],
  ["passing", { cause: "spawn_failed", errno: "ENOMEM" }],
  ["passing", { cause: "spawn_failed", errno: "EMFILE" }],
  ["passing", { cause: "spawn_failed", errno: "ENFILE" }],
  ["passing", { cause: "spawn_failed", errno: "ENOSPC" }],
  ["passing", { cause: "connection_lost" }],
  ["passing", { cause: "zygote_lost" }],
  ["lasting", { cause: "exited", exitCode: 1 }],
  ["lasting", { cause: "exited", exitCode: 127 }],
  ["passing", { cause: "exited", exitCode: 0 }],
  ["lasting", { cause: "signaled", signal: "SIGABRT" }],
  ["lasting", { cause: "signaled", signal: "SIGILL" }],
  ["passing", { cause: "signaled", signal: "SIGSEGV" }],
  [undefined, { cause: "signaled", signal: "SIGKILL" }],
  [undefined, { cause: "signaled", signal: "SIGTERM" }],
  [undefined, { cause: "zygote_lost", pid: 7, signal: "SIGKILL" }],
  [undefined, { cause: "start_timeout", signal: "SIGKILL" }],
  [undefined, { cause: "killed", signal: "SIGKILL" }],
  [undefined, { cause: "stopped", exitCode: 0 }],
])("%s is a start that ended so: %o", (failure, changes) => {
  const { exitCode: _code, ...rest } = early({});
  expect(startFailureOf({ ...rest, ...changes })).toBe(failure);
});

test("a worker that was ready has not ended at its start", () => {
  expect(endedAtStart(early({ cause: "exited", exitCode: 1 }))).toBe(true);
  expect(endedAtStart(crashRecord({ wasReady: true, cause: "exited", exitCode: 1 }))).toBe(false);
  expect(startFailureOf(crashRecord({ wasReady: true, cause: "signaled", signal: "SIGABRT" }))).toBeUndefined();
});
