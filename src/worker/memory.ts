/** How much memory a process has in use, where the system tells. */

import { memoryBytes } from "./proc.ts";

/** Whether this system tells the memory of a process: Linux does. */
export const tellsMemory: boolean = process.platform === "linux";

/** Whether this system limits the memory of a process as `memoryLimitBytes` says: Linux does. */
export const limitsMemory: boolean = process.platform === "linux";

/** Resident memory of a process in bytes, what it shares with others included; undefined when it is gone or the system does not tell. */
export function residentBytes(pid: number): number | undefined {
  if (!tellsMemory) return undefined;
  try {
    return memoryBytes(pid, "VmRSS");
  } catch {
    return undefined; // It has just ended.
  }
}
