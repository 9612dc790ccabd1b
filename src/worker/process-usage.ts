/** What the kernel tells of a process that lives. Linux reads /proc; elsewhere nothing is known. */

import { readdirSync, readFileSync } from "node:fs";
import type { WorkerUsage } from "./launcher.ts";

/** A tick of the times in /proc: Linux shows hundredths of a second to every program, whatever its kernel counts in. */
const tickMs = 10;

/** What a process that has not been reaped uses; undefined where that cannot be told. */
export function processUsage(pid: number): WorkerUsage | undefined {
  if (process.platform !== "linux") return undefined;
  try {
    const fields = statFields(readFileSync(`/proc/${pid}/stat`, "utf8"));
    const peak = /^VmHWM:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"));
    return {
      cpuMs: (Number(fields[11]) + Number(fields[12])) * tickMs,
      stopped: fields[0] === "T" || fields[0] === "t",
      ...(peak === null ? {} : { peakMemoryBytes: Number(peak[1]) * 1024 }),
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
    return readdirSync(`/proc/${pid}/task`).some((thread) => {
      const [state] = statFields(readFileSync(`/proc/${pid}/task/${thread}/stat`, "utf8"));
      return state === "R";
    });
  } catch {
    return true; // A thread ended while it was looked at: something runs.
  }
}

/** The fields after the name, which may itself contain spaces and parentheses; the state is the first. */
function statFields(stat: string): string[] {
  return stat.slice(stat.lastIndexOf(")") + 2).split(" ");
}
