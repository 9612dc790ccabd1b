/** Ends what a killed guardian has left behind: the zygote may have been killed with it, and then nobody else is there to do it. Linux. */

import { type Clock, realClock } from "./clock.ts";
import { processesOf } from "./mark.ts";

const roundMs = 5;
const limitMs = 5_000;

/**
 * SIGKILL to every process of the system, again and again until there is none. One that has changed its user cannot be ended and is not waited for; after
 * 5 seconds no other is.
 */
export function endSystem(system: number, clock: Clock = realClock): void {
  const giveUpAtMs = clock.now() + limitMs;
  const refused = new Set<number>();
  const look = () => {
    const left = processesOf(system).filter((pid) => !refused.has(pid));
    for (const pid of left) if (!end(pid)) refused.add(pid);
    if (left.some((pid) => !refused.has(pid)) && clock.now() < giveUpAtMs) clock.setTimeout(look, roundMs);
  };
  look();
}

/** Whether it may be ended, or has ended by itself. */
function end(pid: number): boolean {
  try {
    return process.kill(pid, "SIGKILL");
  } catch (error) {
    return (error as NodeJS.ErrnoException).code !== "EPERM";
  }
}
