/** From a fault to what the agent is told of its worker's end: the same record as of a live one. */

import { createCrashRecord } from "../agent/crash-record.ts";
import type { CrashRecord, WorkerExitCause, WorkerLoadFailure } from "../crash.ts";
import type { WorkerExit } from "../worker/launcher.ts";
import type { CrashKind, StartFaultKind } from "./faults.ts";

/** Where a worker was when it ended. */
export interface EndPlace {
  readonly agentId: string;
  readonly incarnation: number;
  readonly atMs: number;
  readonly wasReady: boolean;
  readonly uptimeMs: number;
  readonly runsInFlight: readonly string[];
  readonly lastEvents: readonly string[];
}

type Facts = Partial<WorkerExit> & { readonly cause: WorkerExitCause };

const loadFailure = (retriable: boolean): WorkerLoadFailure => ({
  kind: retriable ? "warmup_failed" : "module_failed",
  message: retriable ? "the agent could not be entered" : "the entry's module raised",
  retriable,
  pythonType: undefined,
  traceback: undefined,
});

const crashes: Readonly<Record<CrashKind, Facts>> = {
  exited: { cause: "exited", exitCode: 1 },
  finished: { cause: "exited", exitCode: 0 },
  signaled: { cause: "signaled", signal: "SIGKILL" },
  crashed: { cause: "signaled", signal: "SIGSEGV" },
  out_of_memory: { cause: "out_of_memory", signal: "SIGKILL" },
  hung: { cause: "killed", signal: "SIGKILL" },
  connection_lost: { cause: "killed", signal: "SIGKILL" },
};

const startFaults: Readonly<Record<StartFaultKind, Facts>> = {
  load_failed: { cause: "load_failed", exitCode: 1, loadFailure: loadFailure(false) },
  load_failed_once: { cause: "load_failed", exitCode: 1, loadFailure: loadFailure(true) },
  start_timeout: { cause: "start_timeout", signal: "SIGKILL" },
  spawn_failed: { cause: "spawn_failed", detail: "no process could be made for now", errno: "EAGAIN" },
  exited: { cause: "exited", exitCode: 1 },
};

/** The record of a worker that ended by a fault. `hungAfterMs` is its agent's. */
export function crashOf(kind: CrashKind | StartFaultKind, place: EndPlace, hungAfterMs: number): CrashRecord {
  const facts = place.wasReady ? crashes[kind as CrashKind] : startFaults[kind as StartFaultKind];
  const exit: WorkerExit = {
    pid: undefined,
    exitCode: undefined,
    signal: undefined,
    loadFailure: undefined,
    detail: undefined,
    stderrTail: [],
    ...facts,
    incarnation: place.incarnation,
    wasReady: place.wasReady,
    uptimeMs: place.uptimeMs,
  };
  const { agentId, atMs, runsInFlight, lastEvents } = place;
  return createCrashRecord(exit, {
    agentId,
    atMs,
    connectionLost: kind === "connection_lost",
    ...(kind === "hung" ? { hung: { silentMs: Math.min(hungAfterMs, place.uptimeMs), stacks: [] } } : {}),
    runsInFlight,
    runFingerprints: runsInFlight,
    lastEvents,
  });
}
