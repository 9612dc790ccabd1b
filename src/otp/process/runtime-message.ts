/**
 * What the runtime itself puts into mailboxes: requests, signals, notices. They are told by a brand that only their classes give, so that no
 * message of a user's is taken for one, whatever fields it has.
 */

import type { ExitReason } from "../report/exit-reason.ts";
import { heldType } from "../scheduler/held-value.ts";
import type { ExitMessage, MessageKind, Process, Watcher } from "./process.ts";

/** A message of the runtime's own. What it is called where people see it is its `type`; what it is, only its class says. */
export abstract class RuntimeMessage {
  readonly #own = true;
  /** What inspectors, machines and plain code see; nothing is decided by it. */
  abstract readonly type: string;

  /** Whether a value is one. Asks nothing of the value: neither a getter nor a Proxy's trap runs. */
  static is(value: unknown): value is RuntimeMessage {
    return typeof value === "object" && value !== null && #own in value;
  }

  /** What was sent, and how it came. */
  opened(): { kind: MessageKind; message: unknown } {
    return { kind: "info", message: this };
  }

  /** Whether somebody's word is lost when it reaches nobody. Of signals, calls and the runtime's own requests the sender learns otherwise. */
  get isLetter(): boolean {
    return false;
  }

  /** Whether a full mailbox may drop it for a newer one. */
  get isDroppable(): boolean {
    return false;
  }
}

/** What `cast` sends. */
export class CastMessage extends RuntimeMessage {
  readonly type = "$cast";
  readonly message: unknown;

  constructor(message: unknown) {
    super();
    this.message = message;
  }

  override opened(): { kind: MessageKind; message: unknown } {
    return { kind: "cast", message: this.message };
  }

  override get isLetter(): boolean {
    return true;
  }

  override get isDroppable(): boolean {
    return true;
  }
}

/** An ordinary message that cannot be handed on as it is: what looks like XState's own, and a message of the runtime's that somebody sent on. */
export class InfoMessage extends RuntimeMessage {
  readonly type = "message";
  readonly message: unknown;

  constructor(message: unknown) {
    super();
    this.message = message;
  }

  override opened(): { kind: MessageKind; message: unknown } {
    return { kind: "info", message: this.message };
  }

  override get isLetter(): boolean {
    return true;
  }

  override get isDroppable(): boolean {
    return true;
  }

  /** For inspectors: what was sent. */
  toJSON(): unknown {
    return heldType(this.message) === undefined ? { type: this.type, message: this.message } : this.message;
  }
}

/** A request to end, in its turn. */
export class StopRequest extends RuntimeMessage {
  readonly type = "$stop";
  readonly reason: ExitReason;

  constructor(reason: ExitReason) {
    super();
    this.reason = reason;
  }
}

/** An EXIT signal that reached a process which traps exits. */
export class ExitSignal extends RuntimeMessage implements ExitMessage {
  readonly type = "EXIT";
  readonly from: Process | undefined;
  readonly reason: ExitReason;

  constructor(from: Process | undefined, reason: ExitReason) {
    super();
    this.from = from;
    this.reason = reason;
  }

  /** Whether it tells a process of its parent's end. */
  isOfParent({ parent }: Process): boolean {
    return this.from !== undefined && this.from === parent;
  }
}

/** The DOWN that a monitor sends. */
export class DownSignal extends RuntimeMessage {
  /** "DOWN", or the monitor's own tag. */
  readonly type: string;
  readonly monitor: Watcher;
  readonly process: unknown;
  readonly reason: ExitReason;

  constructor(type: string, monitor: Watcher, process: unknown, reason: ExitReason) {
    super();
    this.type = type;
    this.monitor = monitor;
    this.process = process;
    this.reason = reason;
  }
}
