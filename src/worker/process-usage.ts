/** What the kernel tells of a process that lives. Linux reads /proc; elsewhere nothing is known. */

import { readdirSync } from "node:fs";
import type { WorkerUsage } from "./launcher.ts";
import { memoryBytes, statFields } from "./proc.ts";

/** A tick of the times in /proc: Linux shows hundredths of a second to every program, whatever its kernel counts in. */
const tickMs = 10;

/** What a process that has not been reaped uses; undefined where that cannot be told. */
export function processUsage(pid: number): WorkerUsage | undefined {
  if (process.platform !== "linux") return undefined;
  try {
    const fields = statFields(pid);
    const peakMemoryBytes = memoryBytes(pid, "VmHWM");
    return {
      cpuMs: (Number(fields[11]) + Number(fields[12])) * tickMs,
      stopped: fields[0] === "T" || fields[0] === "t",
      ...(peakMemoryBytes === undefined ? {} : { peakMemoryBytes }),
      get runnable() {
        return hasRunnableThread(pid);
      },
    };
  } catch {
    return undefined; // It is gone: its exit is on the way.
  }
}

/** Whether a thread of it runs, or would if it were its turn. */
function hasRunnableThread(pid: number): boolean {
  try {
    return readdirSync(`/proc/${pid}/task`).some((thread) => statFields(`${pid}/task/${thread}`)[0] === "R");
  } catch {
    return true; // A thread ended while it was looked at: something runs.
  }
}
