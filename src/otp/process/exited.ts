/** The end of a process as a promise. */

import type { BoxedReason, ExitReason } from "../report/exit-reason.ts";
import { isThenable } from "../scheduler/thenable.ts";
import type { Process } from "./process.ts";

/** Settles when the process has ended; at once when it has. The reason is in a box: one that is a promise would be waited for. */
export function monitorExit(process: Process): Promise<BoxedReason> {
  if (!process.alive) return Promise.resolve({ reason: process.exitReason });
  return new Promise((resolve) => process.addExitHook((reason) => resolve({ reason })));
}

/** The reason as a promise can carry it: of one that is a promise itself an Error, whose cause it is. */
export function carriedReason(process: Process, reason: ExitReason): ExitReason {
  if (!isThenable(reason)) return reason;
  return new Error(`${process} ended with a promise as its reason`, { cause: reason });
}
