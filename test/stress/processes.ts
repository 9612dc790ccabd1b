/** What Linux tells of the processes of a test that kills: which of those it knows live, and which there are that nobody has told it of. */

import { readdirSync, readFileSync } from "node:fs";
import { statFields } from "../../src/worker/proc.ts";

/** A process, told from every other one that was or will be. */
export interface Identity {
  readonly pid: number;
  /** When it started, in the kernel's ticks. */
  readonly started: string;
}

/** Who a process is now. Throws when it is gone. */
export function identityOf(pid: number): Identity {
  return { pid, started: statFields(pid)[19] ?? "" };
}

/** Whether a process lives: it has its number, and is no zombie. */
export function lives({ pid, started }: Identity): boolean {
  try {
    const fields = statFields(pid);
    return fields[19] === started && fields[0] !== "Z" && fields[0] !== "X";
  } catch {
    return false;
  }
}

/** The parent of a process. Throws when it is gone. */
export function parentOf(pid: number): number {
  return Number(statFields(pid)[1]);
}

/** All processes that live and fulfil a condition; one that ends while it is looked at does not live. */
export function findProcesses(matches: (pid: number) => boolean): Identity[] {
  return readdirSync("/proc").flatMap((name) => {
    const pid = Number(name);
    if (!Number.isInteger(pid)) return [];
    try {
      const found = identityOf(pid);
      return matches(pid) && lives(found) ? [found] : [];
    } catch {
      return [];
    }
  });
}

/** Whether a process was given a text in its environment or its arguments. What a stranger was given, or one that is gone, is not known. */
export function wasGiven(pid: number, text: string): boolean {
  return ["environ", "cmdline"].some((file) => {
    try {
      return readFileSync(`/proc/${pid}/${file}`, "latin1").includes(text);
    } catch {
      return false;
    }
  });
}

/** SIGKILL or SIGSTOP to a process that this test has started, if it is still the same one. */
export function strike(process_: Identity, signal: "SIGKILL" | "SIGSTOP"): void {
  if (!lives(process_)) return;
  try {
    process.kill(process_.pid, signal);
  } catch {
    // It has ended in this instant.
  }
}

/** A process for a message: its number and what it runs. */
export function nameOf({ pid }: Identity): string {
  try {
    return `${pid} (${readFileSync(`/proc/${pid}/cmdline`, "utf8").replaceAll("\0", " ").trim()}, ${statFields(pid)[0]}, parent ${parentOf(pid)})`;
  } catch {
    return `${pid} (gone by now)`;
  }
}
