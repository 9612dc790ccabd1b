/** Ends what a killed guardian has left behind: the zygote may have been killed with it, and then nobody else is there to do it. Linux. */

import { type Clock, realClock } from "./clock.ts";
import { processesOf } from "./mark.ts";

const roundMs = 5;
const limitMs = 5_000;

/** SIGKILL to every process of the system, again and again until there is none; what one of another user starts is given up after 5 seconds. */
export function endSystem(system: number, clock: Clock = realClock): void {
  const giveUpAtMs = clock.now() + limitMs;
  const look = () => {
    const left = processesOf(system);
    for (const pid of left) end(pid);
    if (left.length > 0 && clock.now() < giveUpAtMs) clock.setTimeout(look, roundMs);
  };
  look();
}

function end(pid: number): void {
  try {
    process.kill(pid, "SIGKILL");
  } catch {
    // It has ended by itself (ESRCH), or has changed its user (EPERM).
  }
}
