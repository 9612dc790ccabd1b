/** The end of a process as a promise. */

import type { ExitReason } from "../report/exit-reason.ts";
import type { Process } from "./process.ts";

/** Settles with the reason when the process has ended; at once when it has. */
export function monitorExit(process: Process): Promise<ExitReason> {
  if (!process.alive) return Promise.resolve(process.exitReason ?? "noproc");
  return new Promise((resolve) => process.addExitHook(resolve));
}
