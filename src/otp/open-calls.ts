/**
 * The calls that a process has not answered and those that it waits for. Every call enters and leaves both lists, so they are threaded through the
 * calls themselves: no set to keep, constant time.
 */

import type { Process } from "./process.ts";

/** What a call knows of its neighbours. */
export interface ListedCall {
  olderToTarget: ListedCall | undefined;
  newerToTarget: ListedCall | undefined;
  olderOfCaller: ListedCall | undefined;
  newerOfCaller: ListedCall | undefined;
  /** The target has ended without an answer. */
  processEnded(reason: unknown): void;
  /** The caller has ended. */
  release(): void;
}

/** Puts a call into the lists of both its processes. A dead caller waits for nothing. */
export function listCall(call: ListedCall, target: Process, caller: Process | undefined): void {
  const toTarget = target.openCalls;
  if (toTarget !== undefined) {
    call.olderToTarget = toTarget;
    toTarget.newerToTarget = call;
  }
  target.openCalls = call;
  if (caller === undefined || !caller.alive) return;
  const ofCaller = caller.awaitedCalls;
  if (ofCaller !== undefined) {
    call.olderOfCaller = ofCaller;
    ofCaller.newerOfCaller = call;
  }
  caller.awaitedCalls = call;
}

/** Takes a call out of both lists. */
export function unlistCall(call: ListedCall, target: Process, caller: Process | undefined): void {
  const { olderToTarget, newerToTarget, olderOfCaller, newerOfCaller } = call;
  if (newerToTarget !== undefined) newerToTarget.olderToTarget = olderToTarget;
  else if (target.openCalls === call) target.openCalls = olderToTarget;
  if (olderToTarget !== undefined) olderToTarget.newerToTarget = newerToTarget;
  if (newerOfCaller !== undefined) newerOfCaller.olderOfCaller = olderOfCaller;
  else if (caller?.awaitedCalls === call) caller.awaitedCalls = olderOfCaller;
  if (olderOfCaller !== undefined) olderOfCaller.newerOfCaller = newerOfCaller;
}

/** The calls of one list, oldest first. */
export function callsIn(newest: ListedCall | undefined, older: "olderToTarget" | "olderOfCaller"): ListedCall[] {
  const calls: ListedCall[] = [];
  for (let call = newest; call !== undefined; call = call[older]) calls.push(call);
  return calls.reverse();
}
