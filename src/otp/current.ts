/** Which process is running: the one whose code is on the stack, also after an `await` and in callbacks it has started. */

import { AsyncLocalStorage } from "node:async_hooks";
import { CallerError } from "../errors.ts";
import type { Process } from "./process.ts";

const storage = new AsyncLocalStorage<Process>();

/** Runs code as a process. */
export function runAs<A, R>(process: Process, code: (argument: A) => R, argument: A): R {
  return storage.run(process, code, argument);
}

/** Gives a process its turn. */
export function runTurn(process: Process, budget: number): number {
  return storage.run(process, turn, process, budget);
}

function turn(process: Process, budget: number): number {
  return process.handleSome(budget);
}

/** The process that is running, or undefined outside any. */
export function currentProcess(): Process | undefined {
  return storage.getStore();
}

/**
 * The process that is running.
 * @throws CallerError "invalid_argument" outside any process
 */
export function self(): Process {
  const process = storage.getStore();
  if (process !== undefined) return process;
  throw new CallerError("invalid_argument", "this is not a process: self() works in the code of a process only", {
    field: "self",
    rule: "called by a process",
  });
}
