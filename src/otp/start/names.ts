/** Local names of processes. */

import { CallerError, invalidArgument, ProcessError } from "../../errors.ts";
import { monitorExit } from "../process/exited.ts";
import type { Process } from "../process/process.ts";
import { contextRuntime, describeTarget, resolveTarget, type Target } from "../process/target.ts";
import type { ExitReason } from "../report/exit-reason.ts";
import { isThenable } from "../scheduler/thenable.ts";
import { registerAs } from "./start.ts";

/** The live process behind a name, a key or a ref; undefined when there is none. */
export function whereis(target: Target): Process | undefined {
  const process = resolveTarget(target);
  return process?.alive === true ? process : undefined;
}

/**
 * Gives a live process a name; it is free again the moment the process ends.
 * @throws CallerError "already_started" (`value` is the holder) or "invalid_argument"; ProcessError "noproc" for a dead process
 */
export function register(name: string, target: Target): void {
  if (typeof name !== "string" || name === "") throw invalidArgument("name", name, "a non-empty string");
  const process = whereis(target);
  if (process === undefined) throw new ProcessError("noproc", `cannot name ${describeTarget(target)}: it is not alive`);
  if (process.name !== undefined) {
    throw new CallerError("already_started", `${process} has a name already`, { field: "name", value: process });
  }
  registerAs(process, name);
}

/** Takes a name away. @throws CallerError "not_found" */
export function unregister(name: string): void {
  const { names } = contextRuntime();
  const process = names.get(name);
  if (process === undefined) throw new CallerError("not_found", `no process has the name "${name}"`, { value: name });
  names.delete(name);
  process.name = undefined;
}

/** Whether a process is alive. */
export function isAlive(target: Target): boolean {
  return whereis(target) !== undefined;
}

/**
 * Settles with the reason when a process has ended; "noproc" for an unknown one. For code outside any process; processes monitor. Never rejects. A
 * promise cannot carry a promise: of a reason that is one it answers an Error, whose cause is the reason.
 */
export async function exited(target: Target): Promise<ExitReason> {
  const process = resolveTarget(target);
  if (process === undefined) return "noproc";
  const { reason } = await monitorExit(process);
  if (!isThenable(reason)) return reason;
  return new Error(`${process} ended with a promise as its reason`, { cause: reason });
}
