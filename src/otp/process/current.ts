/** Which process is running: the one whose code is on the stack, also after an `await` and in callbacks it has started. */

import { AsyncLocalStorage, AsyncResource } from "node:async_hooks";
import { CallerError } from "../../errors.ts";
import type { Process } from "./process.ts";

const storage = new AsyncLocalStorage<Process | undefined>();

/**
 * The context of a process's code: the one it is started in, with the process as the one that is running. Made once, because `storage.run` copies
 * the whole context twice each time.
 */
export function openContext(process: Process): AsyncResource {
  return storage.run(process, makeContext);
}

function makeContext(): AsyncResource {
  return new AsyncResource("SynapseProcess");
}

/** Runs code as a process. */
export function runAs<A, R>(process: Process, code: (argument: A) => R, argument: A): R {
  return process.context.runInAsyncScope(code, undefined, argument);
}

/** Runs code as nobody's: outside any process. */
export function runOutside<A, R>(code: (argument: A) => R, argument: A): R {
  return storage.run(undefined, code, argument);
}

/** The same code, which runs as whoever runs now, whoever calls it later. */
export function bindHere<A extends unknown[]>(code: (...given: A) => void): (...given: A) => void {
  return AsyncResource.bind(code, "SynapseListener") as (...given: A) => void;
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
