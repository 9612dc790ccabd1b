/**
 * Everything that touches an XState internal: `_stop` (a child actor has no public way to be stopped by anyone but its parent's own
 * actions), `_parent`, `_send` (the one way in for whatever others send), the `parent` option of `createActor`, and the system's scheduler.
 * `test/otp/scheduler/xstate-adapter.test.ts` is the contract that pins them for `xstate ^5.33`.
 */

import {
  Actor,
  type ActorLogic,
  type ActorOptions,
  type AnyActorLogic,
  type AnyActorRef,
  createActor,
  type EventObject,
  isMachineSnapshot,
  type Snapshot,
  type StateValueMap,
} from "xstate";
import type { Clock } from "./clock.ts";
import { heldType } from "./held-value.ts";

/** Creates an actor under a parent without entering the parent's `snapshot.children`. It is not started. */
export function createChildActor<Logic extends AnyActorLogic>(
  logic: Logic,
  parent: AnyActorRef,
  options: { id: string; input?: unknown },
): Actor<Logic> {
  return createActor(logic, { ...options, parent } as unknown as ActorOptions<Logic>);
}

/** The logic an actor was created with. */
export function logicOf(actor: AnyActorRef): unknown {
  return (actor as AnyActorRef & { logic?: unknown }).logic;
}

/** The actor under which an actor was created. */
export function parentOf(actor: AnyActorRef): AnyActorRef | undefined {
  return (actor as AnyActorRef & { _parent?: AnyActorRef })._parent;
}

/** Events of this name, and of names that begin with it, are XState's own: "xstate.stop" ends the actor that gets it. */
const reserved = "xstate.";

/** Its wildcard, which no event may have as its type. */
const wildcard = "*";

/** Whether a message can be sent to an actor as it is: it holds a type, and not one of XState's own. Never throws. */
export function isEvent(message: unknown): message is EventObject {
  const type = heldType(message);
  return type !== undefined && type !== wildcard && !isReservedType(type);
}

/** Whether a name is one of XState's own events': those may end an actor. */
export function isReservedType(type: string): boolean {
  return type.startsWith(reserved);
}

const { _send: enter } = Actor.prototype as unknown as { _send(this: AnyActorRef, event: EventObject): void };

/** Hands whatever is sent to an actor, by whomever (its own `send`, `sendTo`, delayed events, its children's ends), to `receive` instead. */
export function interceptEvents(actor: AnyActorRef, receive: (this: AnyActorRef, event: EventObject) => void): void {
  (actor as AnyActorRef & { _send: typeof receive })._send = receive;
}

/** Lets an actor process an event. One that has ended does nothing. */
export function passEvent(actor: AnyActorRef, event: EventObject): void {
  enter.call(actor, event);
}

/** Stops any actor, child or root, at once. Stopping an actor that has ended does nothing. */
export function stopActor(actor: AnyActorRef): void {
  (actor as AnyActorRef & { _stop(): unknown })._stop();
}

/** The children that a machine has spawned and invoked. */
export function childrenOf(actor: AnyActorRef): AnyActorRef[] {
  const { children } = (actor.getSnapshot() ?? {}) as { children?: Record<string, AnyActorRef | undefined> };
  return Object.values(children ?? {}).filter((child) => child !== undefined);
}

/** Stops them. */
export function stopChildren(actor: AnyActorRef): void {
  for (const child of childrenOf(actor)) stopActor(child);
}

/** Whether a machine has a transition for an event in this state, be it one that does nothing; undefined when it cannot be told. */
export function takesEvent(snapshot: unknown, event: EventObject): boolean | undefined {
  if (!isMachineSnapshot(snapshot)) return undefined;
  try {
    return snapshot.machine.getTransitionData(snapshot, event).length > 0;
  } catch {
    return undefined; // A guard that throws when it is asked once more.
  }
}

/** Whether two values of a machine's state are the same state. */
export function isSameState(one: unknown, other: unknown): boolean {
  if (typeof one !== "object" || typeof other !== "object" || one === null || other === null) return one === other;
  const keys = Object.keys(one);
  if (keys.length !== Object.keys(other).length) return false;
  return keys.every((key) => isSameState((one as StateValueMap)[key], (other as StateValueMap)[key]));
}

/** The id of the actor that an `xstate.done.actor.*` or `xstate.error.actor.*` event tells of, and how it ended. */
export function readActorEnd(event: unknown): { actorId: string; error?: unknown; failed: boolean } | undefined {
  const { type, actorId } = event as { type?: string; actorId?: string };
  if (type === undefined || actorId === undefined) return undefined;
  if (type.startsWith("xstate.done.actor.")) return { actorId, failed: false };
  if (type.startsWith("xstate.error.actor."))
    return { actorId, failed: true, error: (event as { error: unknown }).error };
  return undefined;
}

/** The state of any actor as one word or dotted path: a machine's state value, or the actor's status. */
export function actorState(actor: AnyActorRef): string {
  const snapshot = actor.getSnapshot() as { status?: string; value?: unknown } | undefined;
  if (snapshot?.value !== undefined) {
    return typeof snapshot.value === "string" ? snapshot.value : JSON.stringify(snapshot.value);
  }
  return snapshot?.status ?? "active";
}

interface Scheduler {
  schedule(source: AnyActorRef, target: AnyActorRef, event: EventObject, delay: number, id?: string): void;
  cancel(source: AnyActorRef, id: string): void;
  cancelAll(source: AnyActorRef): void;
}

/**
 * Replaces the scheduler of an actor's system by one that finds an actor's timers at once: XState's own looks through all timers of the system
 * whenever any actor stops.
 */
export function indexScheduler(actor: AnyActorRef, clock: Clock): void {
  const system = actor.system as unknown as {
    scheduler: Scheduler;
    _relay(source: AnyActorRef, target: AnyActorRef, event: EventObject): void;
  };
  const timers = new Map<AnyActorRef, Map<string, unknown>>();
  let ids = 0;
  const forget = (source: AnyActorRef, id: string): unknown => {
    const own = timers.get(source);
    const handle = own?.get(id);
    own?.delete(id);
    if (own?.size === 0) timers.delete(source);
    return handle;
  };
  const scheduler: Scheduler = {
    schedule(source, target, event, delay, id) {
      ids += 1;
      const key = id ?? `t${ids}`;
      const earlier = forget(source, key);
      if (earlier !== undefined) clock.clearTimeout(earlier);
      const handle = clock.setTimeout(() => {
        forget(source, key);
        system._relay(source, target, event);
      }, delay);
      const own = timers.get(source);
      if (own === undefined) timers.set(source, new Map([[key, handle]]));
      else own.set(key, handle);
    },
    cancel(source, id) {
      const handle = forget(source, id);
      if (handle !== undefined) clock.clearTimeout(handle);
    },
    cancelAll(source) {
      const own = timers.get(source);
      if (own === undefined) return;
      timers.delete(source);
      for (const handle of own.values()) clock.clearTimeout(handle);
    },
  };
  Object.assign(system.scheduler, scheduler);
}

/** The logic of the actor under which processes without a supervisor live: it takes everything and does nothing. */
export const rootLogic: ActorLogic<Snapshot<undefined>, EventObject> = {
  transition: (snapshot) => snapshot,
  getInitialSnapshot: () => ({ status: "active", output: undefined, error: undefined }),
  getPersistedSnapshot: (snapshot) => snapshot,
};

/** Whether a value is XState logic. */
export function isLogic(value: unknown): boolean {
  return typeof value === "object" && value !== null && "transition" in value && "getInitialSnapshot" in value;
}
