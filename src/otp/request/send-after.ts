/** Messages that are sent later, by the runtime's clock. Source: Erlang's send_after, send_interval, cancel_timer and read_timer. */

import { invalidArgument } from "../../errors.ts";
import { Alias } from "../process/alias.ts";
import type { Held, Process, Runtime } from "../process/process.ts";
import { contextRuntime, resolveTarget, type Target } from "../process/target.ts";
import { longestTimerMs } from "../scheduler/clock.ts";
import { send } from "./call.ts";
import { checkTimeout } from "./timeout.ts";

/** When the messages of a timer are due. */
interface Schedule {
  readonly afterMs: number;
  /** Absent: there is one message. */
  readonly everyMs?: number;
}

/** A message that waits for its time, or one that is sent again and again. */
export class MessageTimer implements Held {
  readonly #runtime: Runtime;
  readonly #target: Target;
  readonly #message: unknown;
  readonly #everyMs: number | undefined;
  readonly #aim: Process | undefined;
  /** When the next message is due, by monotonic time. */
  #dueMs: number;
  #handle: unknown;
  #waiting = true;

  constructor(runtime: Runtime, target: Target, message: unknown, { afterMs, everyMs }: Schedule) {
    this.#runtime = runtime;
    this.#target = target;
    this.#message = message;
    this.#everyMs = everyMs;
    this.#dueMs = runtime.clock.monotonicMs() + afterMs;
    this.#aim = aimOf(target);
    const aim = this.#aim;
    if (aim?.alive === false) {
      this.#waiting = false;
      return;
    }
    if (aim !== undefined) {
      aim.held ??= new Set();
      aim.held.add(this);
    }
    this.#arm(afterMs);
  }

  /** When the message is due, or the next one: milliseconds since the Unix epoch, by the runtime's clock. */
  get atMs(): number {
    const { clock } = this.#runtime;
    return Math.round(clock.now() + this.#dueMs - clock.monotonicMs());
  }

  /** Milliseconds left; undefined when it has fired for the last time or was cancelled. */
  get remainingMs(): number | undefined {
    return this.#waiting ? Math.max(0, Math.round(this.#dueMs - this.#runtime.clock.monotonicMs())) : undefined;
  }

  cancel(): number | undefined {
    const left = this.remainingMs;
    if (left !== undefined) this.release();
    return left;
  }

  /** The process it was meant for has ended. */
  release(): void {
    if (!this.#waiting) return;
    this.#settle();
    this.#runtime.clock.clearTimeout(this.#handle);
  }

  #arm(ms: number): void {
    this.#handle = this.#runtime.clock.setTimeout(() => this.#fire(), ms);
  }

  #fire(): void {
    const target = this.#target;
    if (this.#everyMs === undefined || (target instanceof Alias && !target.open)) this.#settle();
    else this.#goOn(this.#everyMs);
    try {
      send(typeof target === "string" ? (resolveTarget(target, this.#runtime) ?? target) : target, this.#message);
    } catch (error) {
      // A registry of the user's that cannot look its key up: it would fail every time.
      this.release();
      throw error;
    }
  }

  /** Waits for the next time that is still to come, counted from the first: neither a late clock nor a long turn shifts those after it. */
  #goOn(everyMs: number): void {
    const nowMs = this.#runtime.clock.monotonicMs();
    const lateMs = Math.max(0, nowMs - this.#dueMs);
    this.#dueMs += everyMs * (1 + Math.floor(lateMs / everyMs));
    this.#arm(Math.min(longestTimerMs, this.#dueMs - nowMs));
  }

  #settle(): void {
    this.#waiting = false;
    this.#aim?.held?.delete(this);
  }
}

/** The process that a timer goes with. A name and a key are looked up when the time has come: nobody's end is theirs. */
function aimOf(target: Target): Process | undefined {
  const isName = typeof target === "string" || (typeof target === "object" && target !== null && "via" in target);
  return isName ? undefined : resolveTarget(target);
}

/**
 * Sends a message after `ms` milliseconds (an integer of 0 or more). A timer for a process that ends goes with it; a name is looked up when the
 * time has come. On the machine's own clock a timer that waits keeps the host alive.
 * @throws CallerError "invalid_argument"
 */
export function sendAfter(target: Target, message: unknown, ms: number): MessageTimer {
  checkTimeout("ms", ms);
  // Looked up only to tell the caller's mistake at once.
  const aim = resolveTarget(target);
  return new MessageTimer(aim?.runtime ?? contextRuntime(), target, message, { afterMs: ms });
}

/** Like `sendAfter`, at a time of the runtime's clock in milliseconds since the Unix epoch; one that has passed is at once. @throws CallerError "invalid_argument" */
export function sendAt(target: Target, message: unknown, atMs: number): MessageTimer {
  const { clock } = resolveTarget(target)?.runtime ?? contextRuntime();
  const ms = Number.isFinite(atMs) ? Math.max(0, Math.ceil(atMs - clock.now())) : Number.NaN;
  if (!(ms <= longestTimerMs)) {
    throw invalidArgument("atMs", atMs, "milliseconds since the Unix epoch, at most 2,147,483,647 from now");
  }
  return sendAfter(target, message, ms);
}

/**
 * Sends a message every `everyMs` milliseconds (an integer of 1 or more), the first time after `everyMs`, until it is cancelled or the process it is
 * for ends; a name is looked up each time. The n-th is due at the start + n × `everyMs` by the runtime's clock, whatever came in between; times that
 * a late clock or a long turn has let pass are one message, not a burst of them. On the machine's own clock it keeps the host alive.
 *
 * Erlang's timer:send_interval sends what was late one after another, and an interval for a name ends with the process that has it.
 * @throws CallerError "invalid_argument"
 */
export function sendInterval(target: Target, message: unknown, everyMs: number): MessageTimer {
  if (!Number.isInteger(everyMs) || everyMs < 1 || everyMs > longestTimerMs) {
    throw invalidArgument("everyMs", everyMs, "an integer of 1 to 2,147,483,647 ms");
  }
  const runtime = resolveTarget(target)?.runtime ?? contextRuntime();
  return new MessageTimer(runtime, target, message, { afterMs: everyMs, everyMs });
}

/** Takes a timer back: no message comes of it any more. Answers the milliseconds that were left, or false when it has fired or was cancelled before. */
export function cancelTimer(timer: MessageTimer): number | false {
  checkTimer(timer);
  return timer.cancel() ?? false;
}

/** The milliseconds left, of an interval until the next message; false when it has fired or was cancelled. */
export function readTimer(timer: MessageTimer): number | false {
  checkTimer(timer);
  return timer.remainingMs ?? false;
}

/** @throws CallerError "invalid_argument" */
function checkTimer(timer: unknown): void {
  if (!(timer instanceof MessageTimer))
    throw invalidArgument("timer", timer, "what `sendAfter` and its kin have answered");
}
