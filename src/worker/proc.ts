/** What is to be seen of a process that is somebody else's, most of it in Linux's /proc. */

import { readFileSync, readlinkSync } from "node:fs";

/** A process that has its number still. */
export interface SeenProcess {
  /** Whether it has ended: nobody has reaped it yet. */
  readonly dead: boolean;
  /** When it started, in the kernel's ticks. A number is used again: with this it names one process. */
  readonly started: string;
}

/**
 * Whether the numbers in /proc are those that this process knows. They are another namespace's where /proc was not mounted anew for a new one
 * (`unshare --pid` without `--mount-proc`): then nothing that is found by its number there is what it seems.
 * @param proc default: "/proc"
 */
export function hasOwnNumbers(proc = "/proc"): boolean {
  try {
    return readlinkSync(`${proc}/self`) === String(process.pid);
  } catch {
    return false; // Not Linux, or not mounted.
  }
}

/** A look at a process; undefined of one that is gone, and where there is no /proc, or that of another namespace. */
export function lookAt(pid: number): SeenProcess | undefined {
  if (!hasOwnNumbers()) return undefined;
  try {
    const fields = statFields(pid);
    return { dead: fields[0] === "Z" || fields[0] === "X", started: fields[19] ?? "" };
  } catch {
    return undefined; // Not Linux, or it has ended in this instant.
  }
}

/** Whether a number is a process's, or that of one that is not reaped yet. */
export function exists(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EPERM"; // Another user's process has this number.
  }
}

/**
 * The fields of its "stat" after the name, which may itself contain spaces and parentheses; the state is the first.
 * @param process its number, or that of one of its threads: "12/task/13"
 * @throws Error where it is gone, and where there is no /proc
 */
export function statFields(process: number | string): string[] {
  const stat = readFileSync(`/proc/${process}/stat`, "utf8");
  return stat.slice(stat.lastIndexOf(")") + 2).split(" ");
}

/**
 * Its memory in bytes, what it shares with others included: now (VmRSS), or the most that it had at a time (VmHWM). Undefined of a zombie. "statm" would
 * have it in pages, whose size Node does not know.
 * @throws Error as `statFields`
 */
export function memoryBytes(pid: number, name: "VmRSS" | "VmHWM"): number | undefined {
  const status = readFileSync(`/proc/${pid}/status`, "utf8");
  const kilobytes = new RegExp(`^${name}:\\s+(\\d+) kB$`, "m").exec(status)?.[1];
  return kilobytes === undefined ? undefined : Number(kilobytes) * 1024;
}
