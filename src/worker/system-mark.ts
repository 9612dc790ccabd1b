/**
 * The mark by which a system knows its own processes, read from outside: python/src/synapse_otp/mark.py sets it. It is the soft limit of file locks,
 * which every descendant inherits and everybody can read; where that limit is too low for a mark, SYNAPSE_SYSTEM in the environment. Linux.
 */

import { readdirSync, readFileSync, statSync } from "node:fs";
import type { Clock } from "./clock.ts";
import { hasOwnNumbers, lookAt } from "./proc.ts";
import { killProcessAndGroup } from "./terminate.ts";

const magic = 0x5a7n;
const systemBits = 32n;
const workerBits = 20n;

/** The largest number that a system may have. */
export const largestSystem = 2 ** 32 - 1;

/** How long processes that are marked are looked for and ended, and how long a pass waits for the one before. */
const sweepMs = 2_000;
const roundMs = 5;

/** What a zygote of the system, and what it forks, has in SYNAPSE_SYSTEM: the system's number, and that of the worker, 0 for none. */
export function environmentMark(system: number): string {
  return `${system}:0`;
}

/** Whose a process is. */
export interface ProcessMark {
  /** The number of its system. */
  readonly system: number;
  /** The number of the worker that it descends from; 0 for guardian and zygote. */
  readonly worker: number;
}

/** The mark of a process; undefined of one that has none, and of one that is gone. */
export function markOf(pid: number): ProcessMark | undefined {
  try {
    const soft = /^Max file locks +(\d+) +(\d+|unlimited)/m.exec(readFileSync(`/proc/${pid}/limits`, "utf8"));
    const value = BigInt(soft?.[1] ?? 0);
    if (value >> (systemBits + workerBits) === magic) {
      const worker = value & ((1n << workerBits) - 1n);
      return { system: Number((value >> workerBits) & BigInt(largestSystem)), worker: Number(worker) };
    }
    // Whose limit can be raised to a mark has none, or another one: the environment may be an inherited one.
    return soft === null || soft[2] === "unlimited" ? undefined : markInEnvironment(pid);
  } catch {
    return undefined;
  }
}

/** The number of the system that a process belongs to; undefined for one of no system, and for one that is gone. */
export function systemOf(pid: number): number | undefined {
  return markOf(pid)?.system;
}

/** Kills a process and its group, unless it is not, or no longer, one of the system's. */
export function killIfMarked(pid: number, system: number): void {
  if (systemOf(pid) === system) killProcessAndGroup(pid);
}

/** Lets a process go on that a signal has stopped, unless it is not, or no longer, one of the system's. */
export function continueIfMarked(pid: number, system: number): void {
  if (systemOf(pid) === system) signal(pid, "SIGCONT");
}

/**
 * Ends every process of this user that carries the system's mark, and settles when none is left: for a system whose guardian and zygote are gone. This
 * process is never among them, and neither is one that is dead but not reaped.
 */
export async function endMarked(system: number, clock: Clock): Promise<void> {
  const untilMs = clock.now() + sweepMs;
  for (let found = markedProcesses(system); found.length > 0; found = markedProcesses(system)) {
    for (const { pid, started } of found) {
      // Looked at once more: its number may have become a stranger's since.
      if (startOf(pid) === started && systemOf(pid) === system) signal(pid, "SIGKILL");
    }
    if (clock.now() >= untilMs) return;
    await new Promise<void>((resolve) => clock.setTimeout(resolve, roundMs));
  }
}

function markedProcesses(system: number): { pid: number; started: string }[] {
  if (!hasOwnNumbers()) return [];
  return readdirSync("/proc").flatMap((name) => {
    const pid = Number(name);
    if (!Number.isInteger(pid) || pid === process.pid || systemOf(pid) !== system || !isOurs(pid)) return [];
    const started = startOf(pid);
    return started === undefined ? [] : [{ pid, started }];
  });
}

/** When it started; undefined when it is dead. */
function startOf(pid: number): string | undefined {
  const found = lookAt(pid);
  return found?.dead === false ? found.started : undefined;
}

function isOurs(pid: number): boolean {
  return statSync(`/proc/${pid}`, { throwIfNoEntry: false })?.uid === process.geteuid?.();
}

function signal(pid: number, name: "SIGKILL" | "SIGCONT"): void {
  try {
    process.kill(pid, name);
  } catch {
    // It has ended meanwhile, or has changed its user.
  }
}

function markInEnvironment(pid: number): ProcessMark | undefined {
  const environment = readFileSync(`/proc/${pid}/environ`, "latin1");
  const [, system, worker] = /(?:^|\0)SYNAPSE_SYSTEM=(\d+):(\d+)/.exec(environment) ?? [];
  return system === undefined ? undefined : { system: Number(system), worker: Number(worker) };
}
