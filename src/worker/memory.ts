/** How much memory a process has in use, where the system tells. */

import { readFileSync } from "node:fs";

/** Whether this system tells the memory of a process: Linux does. */
export const tellsMemory: boolean = process.platform === "linux";

/** Resident memory of a process in bytes, what it shares with others included; undefined when it is gone or the system does not tell. */
export function residentBytes(pid: number): number | undefined {
  if (!tellsMemory) return undefined;
  try {
    // "status" has it in kB; "statm" would have it in pages, whose size Node does not know.
    const kilobytes = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1];
    return kilobytes === undefined ? undefined : Number(kilobytes) * 1024;
  } catch {
    return undefined; // It has just ended.
  }
}
