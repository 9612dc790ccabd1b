/** Any XState logic as a process: its events are its messages, its end is the process's end. Source: OTP's gen_statem, whose place a machine takes. */

import type { AnyActorRef, EventObject } from "xstate";
import type { Behaviour } from "../process/behaviour.ts";
import { runAs } from "../process/current.ts";
import { reportDeadLetter } from "../process/dead-letter.ts";
import type { Process } from "../process/process.ts";
import { ExitSignal, InfoMessage, RuntimeMessage } from "../process/runtime-message.ts";
import { mailEvent } from "../process/target.ts";
import { Exit, type ExitReason, exitReasonOf, isA } from "../report/exit-reason.ts";
import { Deque } from "../scheduler/deque.ts";
import { heldType } from "../scheduler/held-value.ts";
import { isThenable } from "../scheduler/thenable.ts";
import {
  isEvent,
  isReservedType,
  isSameState,
  logicOf,
  passEvent,
  stopActor,
  stopChildren,
  takesEvent,
} from "../scheduler/xstate-adapter.ts";
import { type AnyMachineCallbacks, machineCallbacksOf } from "./from-machine.ts";
import { HeldEvents, PostponedEvent } from "./machine-message.ts";

/**
 * A process whose code is XState's. An EXIT it traps and a DOWN arrive as events of those types, a call as `{ type: "$call", message, from }` that is
 * answered with `reply(event.from, value)`, a cast as `{ type: "$cast", message }`, and a message that is no event as `{ type: "message", message }`.
 */
export class ActorBehaviour implements Behaviour {
  readonly actor: AnyActorRef;
  readonly followsParent: boolean;
  /** What was postponed, oldest first. */
  readonly unread = new Deque<unknown>();
  readonly #process: Process;
  readonly #callbacks: AnyMachineCallbacks | undefined;
  /** Whether the actor is at work: what is sent to it meanwhile is its own affair. */
  #busy = false;
  /** The state's value after the last event. */
  #value: unknown;
  /** The event that was postponed last since then: two regions may postpone the same one. */
  #postponed: EventObject | undefined;
  /** What has come from XState's side while the process was suspended. */
  #held: EventObject[] | undefined;
  /** How the actor has ended, until the process does. */
  #over: { readonly error: unknown } | { readonly output: unknown } | undefined;

  constructor(actor: AnyActorRef, process: Process) {
    this.actor = actor;
    this.#process = process;
    this.#callbacks = machineCallbacksOf(logicOf(actor));
    this.followsParent = this.#callbacks?.terminate !== undefined;
    if (this.#callbacks?.trapExit === true) process.trapExit = true;
  }

  begin(): void {
    this.actor.subscribe({
      next: (snapshot) => this.#moved(snapshot),
      error: (error) => {
        this.#over = { error };
      },
      complete: () => {
        this.#over = { output: this.actor.getSnapshot()?.output };
      },
    });
    this.#busy = true;
    this.actor.start();
    this.#busy = false;
    if (this.#over !== undefined && "error" in this.#over) throw this.#over.error;
  }

  /** Its start has settled: logic that had nothing to do is over. */
  begun(): void {
    if (this.#over !== undefined) this.#conclude();
  }

  handle(message: unknown): void {
    if (RuntimeMessage.is(message) && this.#handleOwn(message)) return;
    const event = eventOf(message);
    const before = this.actor.getSnapshot();
    this.#busy = true;
    this.actor.send(event);
    this.#busy = false;
    if (this.#over !== undefined) this.#conclude();
    else if (this.actor.getSnapshot() === before) this.#tellUnhandled(message, event);
  }

  /** Handles what is not for the actor; answers whether it was. */
  #handleOwn(message: RuntimeMessage): boolean {
    if (message instanceof HeldEvents) this.#release();
    else if (message instanceof ExitSignal && this.followsParent && message.isOfParent(this.#process)) {
      this.#process.end(message.reason);
    } else return false;
    return true;
  }

  /** Keeps an event that the actor is processing until its state has changed. */
  postpone(event: EventObject): void {
    if (event === this.#postponed) return;
    this.#postponed = event;
    this.unread.push(eventOf(event) === event ? event : new PostponedEvent(event));
  }

  terminate(reason: ExitReason): void | Promise<void> {
    const hook = this.#callbacks?.terminate?.(reason, this.actor.getSnapshot());
    if (isThenable(hook)) return Promise.resolve(hook).then(() => undefined);
  }

  dispose(): void {
    stopActor(this.actor);
    // XState leaves the children of an actor that has thrown as they are.
    if (this.actor.getSnapshot()?.status === "error") stopChildren(this.actor);
    for (const event of this.#held ?? []) this.#reject(event);
  }

  state(): unknown {
    const snapshot = this.actor.getSnapshot() as { value?: unknown; context?: unknown } | undefined;
    return snapshot?.value === undefined ? snapshot?.context : { value: snapshot.value, context: snapshot.context };
  }

  sentToActor(event: EventObject): void {
    const process = this.#process;
    if (this.#busy) this.#pass(event);
    else if (process.status !== "running") this.#reject(event);
    else if (process.suspended) this.#hold(event);
    else runAs(process, this.#react, event);
  }

  /** XState's queue would stand still for good after an event that throws when it is asked for its type. */
  #pass(event: EventObject): void {
    passEvent(this.actor, heldType(event) === undefined ? new InfoMessage(event) : event);
  }

  /** An event from XState's side, in the process's name. */
  readonly #react = (event: EventObject): void => {
    this.#busy = true;
    this.#pass(event);
    this.#busy = false;
    if (this.#over === undefined) return;
    try {
      this.#conclude();
    } catch (error) {
      this.#process.crash(exitReasonOf(error));
    }
  };

  /** The actor does not move any more: what somebody has told it is the mail of a process that ends; XState's own events are nobody's word. */
  #reject(event: EventObject): void {
    const type = heldType(event);
    if (type === undefined || !isReservedType(type)) mailEvent(this.#process, event);
  }

  /** Before all messages that wait: a timer that has fired cannot be taken back any more by one of them. */
  #hold(event: EventObject): void {
    if (this.#held === undefined) {
      this.#held = [];
      this.#process.deliverFirst(new HeldEvents());
    }
    this.#held.push(event);
  }

  #release(): void {
    const held = this.#held ?? [];
    this.#held = undefined;
    this.#busy = true;
    for (const event of held) this.#pass(event);
    this.#busy = false;
    if (this.#over !== undefined) this.#conclude();
  }

  /** An event has been processed. Postponed messages come again, before all others, when it has led to another state. */
  #moved(snapshot: { value?: unknown }): void {
    const before = this.#value;
    this.#value = snapshot.value;
    this.#postponed = undefined;
    if (this.unread.length === 0 || isSameState(before, snapshot.value)) return;
    const again = this.unread.values().reverse();
    this.unread.clear();
    for (const message of again) this.#process.deliverFirst(message);
  }

  /** The actor has ended, and so does the process. Throws what it has thrown. */
  #conclude(): void {
    const over = this.#over;
    if (over === undefined) return;
    if ("error" in over) throw over.error;
    this.#process.end(isA(over.output, Exit) ? over.output.reason : "normal");
  }

  #tellUnhandled(message: unknown, event: EventObject): void {
    const { runtime } = this.#process;
    if (runtime.onReport === undefined || takesEvent(this.actor.getSnapshot(), event) !== false) return;
    reportDeadLetter(runtime, this.#process, message, "unhandled");
  }
}

/** Names under which the runtime's own messages arrive: a message of a user's that has one comes as "message", so that nobody is deceived. */
const ownTypes = new Set(["$call", "$cast", "EXIT", "DOWN"]);

/** A message as an event of the machine. */
function eventOf(message: unknown): EventObject {
  if (RuntimeMessage.is(message)) return message instanceof PostponedEvent ? message.event : message;
  return isEvent(message) && !ownTypes.has(message.type) ? message : new InfoMessage(message);
}
