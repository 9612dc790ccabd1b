/** What Linux tells of a process in /proc. Elsewhere, and of one that is gone, every function here throws. */

import { readFileSync } from "node:fs";

/**
 * The fields of its "stat" after the name, which may itself contain spaces and parentheses; the state is the first.
 * @param process its number, or that of one of its threads: "12/task/13"
 */
export function statFields(process: number | string): string[] {
  const stat = readFileSync(`/proc/${process}/stat`, "utf8");
  return stat.slice(stat.lastIndexOf(")") + 2).split(" ");
}

/**
 * Its memory in bytes, what it shares with others included: now (VmRSS), or the most that it had at a time (VmHWM). Undefined of a zombie. "statm" would
 * have it in pages, whose size Node does not know.
 */
export function memoryBytes(pid: number, name: "VmRSS" | "VmHWM"): number | undefined {
  const status = readFileSync(`/proc/${pid}/status`, "utf8");
  const kilobytes = new RegExp(`^${name}:\\s+(\\d+) kB$`, "m").exec(status)?.[1];
  return kilobytes === undefined ? undefined : Number(kilobytes) * 1024;
}
