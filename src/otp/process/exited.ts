/** The end of a process as a promise. */

import type { BoxedReason } from "../report/exit-reason.ts";
import type { Process } from "./process.ts";

/** Settles when the process has ended; at once when it has. The reason is in a box: one that is a promise would be waited for. */
export function monitorExit(process: Process): Promise<BoxedReason> {
  if (!process.alive) return Promise.resolve({ reason: process.exitReason });
  return new Promise((resolve) => process.addExitHook((reason) => resolve({ reason })));
}
