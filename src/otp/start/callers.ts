/** On whose behalf a process works, and below whom it lives. Source: Elixir's `$callers` and OTP's `$ancestors`. */

import { self } from "../process/current.ts";
import type { Process } from "../process/process.ts";
import { checkRef } from "../process/target.ts";

/** A chain that is longer is cut: of a task that starts the next one, and that the next, none would ever be forgotten. */
const maxCallers = 100;

const callersOf = new WeakMap<Process, readonly Process[]>();

/** The callers of what a process starts: itself, and its own. */
export function callersFor(caller: Process): readonly Process[] {
  const own = callersOf.get(caller);
  return own === undefined ? [caller] : [caller, ...own.slice(0, maxCallers - 1)];
}

/** Remembers on whose behalf a process was started, until it ends: each of them would keep its own. */
export function setCallers(process: Process, callers: readonly Process[]): void {
  callersOf.set(process, callers);
  process.addExitHook(() => callersOf.delete(process));
}

/**
 * The processes on whose behalf a task (default: the one that is running) works, nearest first, the nearest 100 at most; a supervisor that started it
 * is none of them. One that has ended has none.
 */
export function callers(process: Process = self()): Process[] {
  checkRef("process", process);
  return [...(callersOf.get(process) ?? [])];
}

/** The processes that a process (default: the one that is running) was started by, nearest first: its supervisors, in a tree. */
export function ancestors(process: Process = self()): Process[] {
  checkRef("process", process);
  const found: Process[] = [];
  for (let { parent } = process; parent !== undefined; { parent } = parent) found.push(parent);
  return found;
}
