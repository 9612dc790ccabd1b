/** On whose behalf a process works, and below whom it lives. Source: Elixir's `$callers` and OTP's `$ancestors`. */

import { self } from "../process/current.ts";
import type { Process } from "../process/process.ts";

const callerOf = new WeakMap<Process, Process>();

/** Remembers on whose behalf a process was started. */
export function setCaller(process: Process, caller: Process): void {
  callerOf.set(process, caller);
}

/** The processes on whose behalf a task (default: the one that is running) works, nearest first; a supervisor that started it is none of them. */
export function callers(process: Process = self()): Process[] {
  return chain(process, (link) => callerOf.get(link));
}

/** The processes that a process (default: the one that is running) was started by, nearest first: its supervisors, in a tree. */
export function ancestors(process: Process = self()): Process[] {
  return chain(process, (link) => link.parent);
}

function chain(process: Process, next: (process: Process) => Process | undefined): Process[] {
  const found: Process[] = [];
  for (let link = next(process); link !== undefined; link = next(link)) found.push(link);
  return found;
}
