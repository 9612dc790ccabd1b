/** From a fault to what a live launcher would say of the worker's end, and to the record that its agent makes of that. */

import { createCrashRecord } from "../agent/crash-record.ts";
import type { CrashRecord, WorkerExitCause, WorkerLoadFailure } from "../crash.ts";
import type { WorkerExit } from "../worker/launcher.ts";
import type { CrashKind, StartFaultKind } from "./faults.ts";

type Facts = Partial<WorkerExit> & { readonly cause: WorkerExitCause };

const loadFailure = (retriable: boolean): WorkerLoadFailure => ({
  kind: retriable ? "warmup_failed" : "module_failed",
  message: retriable ? "the agent could not be entered" : "the entry's module raised",
  retriable,
  pythonType: undefined,
  traceback: undefined,
});

/** Ends of workers that serve. Undefined: the process lives on, and is killed by the agent, which finds out what is wrong with it. */
export const crashExits: Readonly<Record<CrashKind, Facts | undefined>> = {
  exited: { cause: "exited", exitCode: 1 },
  finished: { cause: "exited", exitCode: 0 },
  signaled: { cause: "signaled", signal: "SIGKILL" },
  crashed: { cause: "signaled", signal: "SIGSEGV" },
  out_of_memory: { cause: "out_of_memory", signal: "SIGKILL" },
  hung: undefined,
  connection_lost: undefined,
};

/** Ends of workers that have never served. */
export const startExits: Readonly<Record<StartFaultKind, Facts>> = {
  load_failed: { cause: "load_failed", exitCode: 1, loadFailure: loadFailure(false) },
  load_failed_once: { cause: "load_failed", exitCode: 1, loadFailure: loadFailure(true) },
  start_timeout: { cause: "start_timeout", signal: "SIGKILL" },
  spawn_failed: { cause: "spawn_failed", detail: "no process could be made for now", errno: "EAGAIN" },
  exited: { cause: "exited", exitCode: 1 },
};

/** A worker at its end. */
export interface EndPlace {
  readonly incarnation: number;
  readonly wasReady: boolean;
  readonly uptimeMs: number;
}

/** The exit of a worker, as its launcher tells it. */
export function exitOf(facts: Facts, { incarnation, wasReady, uptimeMs }: EndPlace): WorkerExit {
  return {
    pid: undefined,
    exitCode: undefined,
    signal: undefined,
    loadFailure: undefined,
    detail: undefined,
    stderrTail: [],
    ...facts,
    incarnation,
    wasReady,
    uptimeMs,
  };
}

/** The record of an idle worker that ended by a fault. `hungAfterMs` is its agent's. */
export function crashOf(
  kind: CrashKind | StartFaultKind,
  place: EndPlace & { readonly agentId: string; readonly atMs: number },
  hungAfterMs: number,
): CrashRecord {
  const crash = crashExits[kind as CrashKind] ?? { cause: "killed", signal: "SIGKILL" };
  const { agentId, atMs, wasReady, uptimeMs } = place;
  return createCrashRecord(exitOf(wasReady ? crash : startExits[kind as StartFaultKind], place), {
    agentId,
    atMs,
    connectionLost: kind === "connection_lost",
    ...(kind === "hung" ? { hung: { silentMs: Math.min(hungAfterMs, uptimeMs), stacks: [] } } : {}),
    runsInFlight: [],
    runFingerprints: [],
    lastEvents: [],
  });
}
