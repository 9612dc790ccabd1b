/** What a process holds in memory, as Linux accounts for it. */

import { readFileSync } from "node:fs";

/** In megabytes of 1,048,576 bytes. */
export interface ProcessMemory {
  /** Pages that no other process shares: what its end would give back. */
  readonly ussMb: number;
  /** Its own pages, and of each shared one the share of one process: these add up. */
  readonly pssMb: number;
}

/** Reads the memory of a process. */
export function memoryOf(pid: number): ProcessMemory {
  const text = readFileSync(`/proc/${pid}/smaps_rollup`, "utf8");
  const mb = (field: string) => Number(new RegExp(`^${field}:\\s+(\\d+) kB`, "m").exec(text)?.[1]) / 1024;
  return { ussMb: mb("Private_Clean") + mb("Private_Dirty"), pssMb: mb("Pss") };
}

/** A process and all its descendants. */
export function familyOf(pid: number): number[] {
  return [pid, ...childrenOf(pid).flatMap(familyOf)];
}

/** The children of a process. */
export function childrenOf(pid: number): number[] {
  const text = readFileSync(`/proc/${pid}/task/${pid}/children`, "utf8").trim();
  return text === "" ? [] : text.split(" ").map(Number);
}
