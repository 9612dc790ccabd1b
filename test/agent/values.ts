/** Values that the tests of this room share. */

import type { CrashRecord } from "../../src/crash.ts";
import type { CallerError } from "../../src/errors.ts";
import type { WorkerExit } from "../../src/worker/launcher.ts";

/** The exit of a worker that ended by itself. */
export function workerExit(changes: Partial<WorkerExit> = {}): WorkerExit {
  return {
    cause: "exited",
    pid: 4_194_999,
    incarnation: 1,
    exitCode: undefined,
    signal: undefined,
    loadFailure: undefined,
    detail: undefined,
    stderrTail: [],
    wasReady: true,
    uptimeMs: 1_234.6,
    ...changes,
  };
}

/** The record of a worker that exited with code 7. */
export function crashRecord(changes: Partial<CrashRecord> = {}): CrashRecord {
  return {
    agentId: "poet",
    incarnation: 1,
    atMs: 1_000,
    describe: "its worker (pid 4194999) exited with code 7 after 1235 ms",
    cause: "exited",
    exitCode: 7,
    stderrTail: [],
    wasReady: true,
    uptimeMs: 1_235,
    runsInFlight: [],
    runFingerprints: [],
    lastEvents: [],
    ...changes,
  };
}

/** What code throws; it fails where it throws nothing. */
export function thrownBy(code: () => unknown): CallerError {
  try {
    code();
  } catch (error) {
    return error as CallerError;
  }
  throw new Error("it has thrown nothing");
}
