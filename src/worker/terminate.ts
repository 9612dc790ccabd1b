/** SIGKILL to a worker's process group, and what can be known of a process without reaping it. */

import type { Clock } from "./clock.ts";
import { lookAt } from "./proc.ts";

const pollMs = 2;

/**
 * SIGKILL to every process of the group. True when there was one to kill; a zombie counts until its parent has reaped it.
 * Never throws: a group that is gone (ESRCH), or that holds zombies only (EPERM on macOS), is what was wanted.
 */
export function killGroup(pgid: number): boolean {
  return signal(-pgid, "SIGKILL");
}

/**
 * SIGKILL to a process that has not been reaped yet, and to its group. The process itself is named too, because user code may have moved
 * it to another group.
 */
export function killProcessAndGroup(pid: number): void {
  killGroup(pid);
  signal(pid, "SIGKILL");
}

/** SIGUSR1 to a process that has not been reaped yet and has said that it answers with its stacks. */
export function askForStacks(pid: number): void {
  signal(pid, "SIGUSR1");
}

/**
 * Whether a process is dead, reaped or not, so that its exit happened before now although no event has told of it. Linux reads /proc; elsewhere nothing
 * is known and the answer is false.
 */
export function hasDied(pid: number): boolean {
  if (process.platform !== "linux") return false;
  const found = lookAt(pid);
  // Where not even this process is to be seen, /proc is not mounted.
  return found === undefined ? lookAt(process.pid) !== undefined : found.dead;
}

/** Waits until no process is left in the group that was just killed. `cancel` ends the waiting; the promise then stays open. */
export function whenGroupEmpty(pgid: number, clock: Clock): { empty: Promise<void>; cancel: () => void } {
  let handle: unknown;
  const empty = new Promise<void>((resolve) => {
    const look = () => {
      // Signal 0 only looks. The number cannot belong to a stranger while a member of the group lives.
      if (signal(-pgid, 0)) handle = clock.setTimeout(look, pollMs);
      else resolve();
    };
    look();
  });
  return { empty, cancel: () => clock.clearTimeout(handle) };
}

function signal(pid: number, name: "SIGKILL" | "SIGUSR1" | 0): boolean {
  try {
    return process.kill(pid, name);
  } catch {
    return false; // ESRCH or EPERM, see killGroup.
  }
}
