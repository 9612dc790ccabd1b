/** What a server tells itself, and what its actor is told so that an inspector sees it. */

import type { MessageKind } from "../process/process.ts";
import { RuntimeMessage } from "../process/runtime-message.ts";
import type { ExitReason } from "../report/exit-reason.ts";

/** A timeout that a handler has set; as a message it is valid while it is the last one set. */
export class TimeoutMessage extends RuntimeMessage {
  readonly type = "$timeout";
  readonly message: unknown;
  /** Its timer; undefined when it needs none. */
  handle: unknown = undefined;

  constructor(message: unknown) {
    super();
    this.message = message;
  }

  override opened(): { kind: MessageKind; message: unknown } {
    return { kind: "info", message: this.message };
  }
}

/** What `continue` asks for. */
export class ContinueMessage extends RuntimeMessage {
  readonly type = "$continue";
  readonly argument: unknown;
  /** The timeout that was set beside it: it begins when the argument is handled, unless that sets one of its own. */
  readonly timeout: TimeoutAsked | undefined;

  constructor(argument: unknown, timeout: TimeoutAsked | undefined) {
    super();
    this.argument = argument;
    this.timeout = timeout;
  }

  override opened(): { kind: MessageKind; message: unknown } {
    return { kind: "continue", message: this.argument };
  }
}

/** A timeout as a handler asks for it. */
export interface TimeoutAsked {
  readonly timeoutMs: number;
  readonly message: unknown;
}

/** Tells the actor that the state may have changed. */
export class ShownEvent extends RuntimeMessage {
  readonly type = "$shown";
}

/** Tells the actor that its process has ended. */
export class EndEvent extends RuntimeMessage {
  readonly type = "$exit";
  readonly reason: ExitReason;
  /** Whose end it is: one that an inspector has kept ends no other actor. */
  readonly #of: object;

  constructor(of: object, reason: ExitReason) {
    super();
    this.#of = of;
    this.reason = reason;
  }

  /** Whether it is the end of this one. */
  isOf(one: object): boolean {
    return this.#of === one;
  }
}

/** Whether an event tells the actor of a server that its own process has ended. */
export function isEndOf(server: object, event: unknown): event is EndEvent {
  return RuntimeMessage.is(event) && event instanceof EndEvent && event.isOf(server);
}

/** There is nothing to tell one from another. */
export const shown = new ShownEvent();
