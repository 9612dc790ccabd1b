/** The mark that a guardian puts on all that descends from it (python/src/synapse_otp/mark.py), read by the host. Linux. */

import { readdirSync, readFileSync } from "node:fs";
import { statFields } from "./proc.ts";

const magic = 0x5a7n;

/** Whose a process is. */
export interface ProcessMark {
  /** The number of the zygote's system. */
  readonly system: number;
  /** The number of the worker that it descends from; 0 for the guardian and the zygote. */
  readonly worker: number;
}

/** The mark of a process; undefined of one that has none, or is gone. */
export function markOf(pid: number): ProcessMark | undefined {
  try {
    const soft = /^Max file locks\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/limits`, "utf8"))?.[1];
    const value = BigInt(soft ?? 0);
    if (value >> 52n !== magic) return undefined;
    return { system: Number((value >> 20n) & 0xffff_ffffn), worker: Number(value & 0xf_ffffn) };
  } catch {
    return undefined;
  }
}

/** The processes of a system that live; a zombie does not. */
export function processesOf(system: number): number[] {
  return readdirSync("/proc").flatMap((name) => {
    const pid = Number(name);
    return Number.isInteger(pid) && markOf(pid)?.system === system && isRunning(pid) ? [pid] : [];
  });
}

function isRunning(pid: number): boolean {
  try {
    return !["Z", "X"].includes(statFields(pid)[0] ?? "");
  } catch {
    return false; // It has ended in this instant.
  }
}
