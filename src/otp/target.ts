/** What a message can be addressed to: a ref, a name, a registry's key, or the XState actor of a process. */

import type { AnyActorRef } from "xstate";
import { describeValue, invalidArgument } from "../errors.ts";
import { currentProcess } from "./current.ts";
import { Process } from "./process.ts";
import { defaultRuntime, type Runtime } from "./runtime.ts";

/** Looks a key up; registries that name processes implement it. */
export interface NameService {
  whereisName(key: unknown): Process | undefined;
  /** @throws CallerError "already_started" */
  registerName(key: unknown, process: Process): void;
}

/** A name in a registry. */
export interface Via {
  readonly via: NameService;
  readonly key: unknown;
}

/** Something that has a process: a supervisor, a registry, a task. */
export interface HasProcess {
  readonly process: Process;
}

/** Whether a value has a process. */
export function hasProcess(value: unknown): value is HasProcess {
  return typeof value === "object" && value !== null && "process" in value && value.process instanceof Process;
}

/** A process, by ref, by local name, or by a registry's key. */
export type Target = Process | string | Via;

const processOfActor = new WeakMap<object, Process>();

/** Remembers whose actor it is, so that XState's refs can be used as targets. */
export function bindActor(actor: AnyActorRef, process: Process): void {
  processOfActor.set(actor, process);
}

/** The process of an XState actor; undefined when it is none. */
export function processOf(actor: AnyActorRef): Process | undefined {
  return processOfActor.get(actor);
}

/**
 * The process behind a target, alive or dead; undefined when a name is not taken.
 * @throws CallerError "invalid_argument"
 */
export function resolveTarget(
  target: Target | HasProcess | AnyActorRef,
  runtime = contextRuntime(),
): Process | undefined {
  if (target instanceof Process) return target;
  if (typeof target === "string") return runtime.names.get(target);
  if (typeof target === "object" && target !== null) {
    if ("via" in target && typeof target.via?.whereisName === "function") return target.via.whereisName(target.key);
    if (hasProcess(target)) return target.process;
    const owner = processOfActor.get(target);
    if (owner !== undefined) return owner;
  }
  throw invalidArgument("target", target, "a ref, a name, { via, key } or the actor of a process");
}

/** The runtime of the process that is running, or the default one. */
export function contextRuntime(): Runtime {
  return currentProcess()?.runtime ?? defaultRuntime;
}

/** A target as messages quote it. */
export function describeTarget(target: unknown): string {
  if (target instanceof Process) return target.toString();
  if (typeof target === "string") return `"${target}"`;
  if (typeof target === "object" && target !== null && "key" in target)
    return `key ${describeValue(target.key)}`;
  return String(target);
}
