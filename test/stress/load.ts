/** How long something may take on a machine that has other things to do too. */

import { availableParallelism, loadavg } from "node:os";

/**
 * A bound that holds where a core is to spare, in milliseconds, as it is fair now: so many times longer as there were processes for each core in
 * the last minute.
 */
export function fairly(boundMs: number): number {
  return boundMs * Math.max(1, (loadavg()[0] ?? 0) / availableParallelism());
}
