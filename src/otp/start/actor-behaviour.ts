/** Any XState logic as a process: its events are its messages, its end is the process's end. */

import type { AnyActorRef, EventObject } from "xstate";
import type { Behaviour } from "../process/behaviour.ts";
import type { Process } from "../process/process.ts";
import { InfoMessage, RuntimeMessage } from "../process/runtime-message.ts";
import { type ExitReason, exitReasonOf } from "../report/exit-reason.ts";
import { isEvent, stopActor } from "../scheduler/xstate-adapter.ts";

/**
 * A process whose code is XState's. An EXIT it traps and a DOWN arrive as events of those types, a call as `{ type: "$call", message }` that
 * is answered with `reply(event, value)`, and a message that is no event as `{ type: "message", message }`.
 */
export class ActorBehaviour implements Behaviour {
  readonly actor: AnyActorRef;
  readonly followsParent = false;
  readonly #process: Process;
  #ended = false;

  constructor(actor: AnyActorRef, process: Process) {
    this.actor = actor;
    this.#process = process;
  }

  begin(): void {
    this.actor.subscribe({
      error: (error) => this.#end(exitReasonOf(error), true),
      complete: () => this.#end("normal", false),
    });
    this.actor.start();
    const snapshot = this.actor.getSnapshot();
    if (snapshot?.status === "error") throw snapshot.error;
  }

  handle(message: unknown): void {
    this.actor.send(eventOf(message));
  }

  terminate(): void {
    // XState runs no exit actions on a stop: a machine that wants a hook traps exits and reacts to EXIT.
  }

  dispose(): void {
    this.#ended = true;
    stopActor(this.actor);
  }

  state(): unknown {
    const snapshot = this.actor.getSnapshot() as { value?: unknown; context?: unknown } | undefined;
    return snapshot?.value === undefined ? snapshot?.context : { value: snapshot.value, context: snapshot.context };
  }

  #end(reason: ExitReason, crashed: boolean): void {
    if (this.#ended || this.#process.status === "starting") return;
    this.#ended = true;
    if (crashed) this.#process.crash(reason);
    else this.#process.end(reason);
  }
}

/** Names under which the runtime's own messages arrive: a message of a user's that has one comes as "message", so that nobody is deceived. */
const ownTypes = new Set(["$call", "$cast", "EXIT", "DOWN"]);

/** A message as an event of the machine. */
function eventOf(message: unknown): EventObject {
  if (RuntimeMessage.is(message)) return message;
  return isEvent(message) && !ownTypes.has(message.type) ? message : new InfoMessage(message);
}
