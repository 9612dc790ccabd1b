/** What a message can be addressed to: a ref, a name, a registry's key, or the XState actor of a process. */

import type { AnyActorRef, EventObject } from "xstate";
import { describeOpaque, describeValue } from "../../describe-value.ts";
import { invalidArgument } from "../../errors.ts";
import { interceptEvents } from "../scheduler/xstate-adapter.ts";
import { Alias } from "./alias.ts";
import { currentProcess } from "./current.ts";
import { LocalProcess } from "./local-process.ts";
import type { Process, Runtime } from "./process.ts";
import { defaultRuntime } from "./runtime.ts";
import { InfoMessage, RuntimeMessage } from "./runtime-message.ts";

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

/** @throws CallerError "invalid_argument" for what is no ref */
export function checkRef(field: string, value: unknown): void {
  if (!(value instanceof LocalProcess)) throw invalidArgument(field, value, "a ref");
}

/** Whether a value has a process. */
export function hasProcess(value: unknown): value is HasProcess {
  return typeof value === "object" && value !== null && "process" in value && value.process instanceof LocalProcess;
}

/** The process that a ref is, or has; undefined for everything else. */
export function processIn(ref: unknown): Process | undefined {
  if (ref instanceof LocalProcess) return ref;
  return hasProcess(ref) ? ref.process : undefined;
}

/** A process, by ref, by local name, by a registry's key, by an alias of it, by what has it, or by its XState actor. */
export type Target = Process | string | Via | Alias | HasProcess | AnyActorRef;

/** Whose actor it is. On the actor itself: a WeakMap of as many entries as there are processes would be most of the garbage collector's work. */
const ownerOfActor = Symbol("process");

interface OwnedActor {
  [ownerOfActor]?: Process;
}

/** Remembers whose actor it is, so that XState's refs can be used as targets; from now on its behaviour is told what is sent to it. */
export function bindActor(actor: AnyActorRef, process: Process): void {
  (actor as OwnedActor)[ownerOfActor] = process;
  interceptEvents(actor, receive);
}

/** One function for all of them, which is told by its actor whose it is: a closure for each would be most of what a process weighs. */
function receive(this: AnyActorRef, event: EventObject): void {
  (this as OwnedActor)[ownerOfActor]?.behaviour.sentToActor(event);
}

/** What XState's side has sent to the actor of a process, as a message to it. One of the runtime's that is sent on is an ordinary one. */
export function mailEvent(process: Process, event: unknown): void {
  process.deliver(RuntimeMessage.is(event) ? new InfoMessage(event) : event);
}

/** The process of an XState actor; undefined when it is none. */
export function processOf(actor: AnyActorRef): Process | undefined {
  return (actor as OwnedActor | undefined)?.[ownerOfActor];
}

/**
 * The process behind a target, alive or dead; undefined when a name is not taken, an alias is closed, or the target is undefined (what
 * `whereis` answers for nobody).
 * @throws CallerError "invalid_argument"
 */
export function resolveTarget(target: Target | undefined, runtime?: Runtime): Process | undefined {
  if (target instanceof LocalProcess) return target;
  if (typeof target === "string") return (runtime ?? contextRuntime()).names.get(target);
  if (target === undefined) return undefined;
  if (target instanceof Alias) return target.open ? target.owner : undefined;
  if (typeof target === "object" && target !== null) {
    if ("via" in target && typeof target.via?.whereisName === "function") return target.via.whereisName(target.key);
    if (hasProcess(target)) return target.process;
    const owner = (target as OwnedActor)[ownerOfActor];
    if (owner !== undefined) return owner;
  }
  throw invalidArgument("target", target, "a ref, a name, { via, key }, an alias or the actor of a process");
}

/** The runtime of the process that is running, or the default one. */
export function contextRuntime(): Runtime {
  return currentProcess()?.runtime ?? defaultRuntime;
}

/** A target as messages quote it; never throws. */
export function describeTarget(target: unknown): string {
  try {
    return quoteTarget(target);
  } catch {
    return describeOpaque(target);
  }
}

function quoteTarget(target: unknown): string {
  if (target instanceof LocalProcess) return target.toString();
  if (typeof target === "string") return `"${target}"`;
  if (target instanceof Alias) return target.toString();
  if (typeof target === "object" && target !== null) {
    if ("key" in target) return `key ${describeValue(target.key)}`;
    const process = hasProcess(target) ? target.process : (target as OwnedActor)[ownerOfActor];
    if (process !== undefined) return process.toString();
  }
  return String(target);
}
