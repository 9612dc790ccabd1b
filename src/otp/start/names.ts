/** Names of processes: local ones, and keys in whatever looks them up. */

import { CallerError, invalidArgument, ProcessError } from "../../errors.ts";
import { carriedReason, monitorExit } from "../process/exited.ts";
import type { Process } from "../process/process.ts";
import {
  contextRuntime,
  describeTarget,
  type NameService,
  resolveTarget,
  type Target,
  type Via,
} from "../process/target.ts";
import type { ExitReason } from "../report/exit-reason.ts";
import type { Protocol, Ref, TypedVia } from "../request/protocol.ts";

/** The live process behind a name, a key or a ref; undefined when there is none. */
export function whereis<P extends Protocol>(target: Ref<P> | TypedVia<P>): Ref<P> | undefined;
export function whereis(target: Target): Process | undefined;
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

/** Takes a name away. @throws CallerError "not_found" or "invalid_argument" */
export function unregister(name: string): void {
  if (typeof name !== "string") throw invalidArgument("name", name, "a string");
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
  return carriedReason(process, reason);
}

/** @throws CallerError "invalid_argument" */
export function checkName(name: string | Via | undefined, field = "options.name"): void {
  if (name === undefined || (typeof name === "string" && name !== "")) return;
  const via = typeof name === "object" && name !== null ? (name.via as NameService | undefined) : undefined;
  if (typeof via?.registerName === "function") return;
  throw invalidArgument(field, name, "a non-empty string or { via, key }");
}

/** Gives a process a name. @throws CallerError "already_started" with the holder as its value */
export function registerAs(process: Process, name: string | Via): void {
  if (typeof name !== "string") {
    name.via.registerName(name.key, process);
    return;
  }
  const { names } = process.runtime;
  const holder = names.get(name);
  if (holder?.alive === true) {
    throw new CallerError("already_started", `the name ${describeTarget(name)} is taken by ${holder}`, {
      field: "name",
      value: holder,
    });
  }
  names.set(name, process);
  process.name = name;
}
