/** Messages that are sent later, by the runtime's clock. Source: Erlang's send_after, cancel_timer and read_timer. */

import { currentProcess } from "../process/current.ts";
import { LocalProcess } from "../process/local-process.ts";
import type { Held, Process, Runtime } from "../process/process.ts";
import { contextRuntime, resolveTarget, type Target } from "../process/target.ts";
import { send } from "./call.ts";
import { checkTimeout } from "./timeout.ts";

/** A message that waits for its time. */
export class MessageTimer implements Held {
  /** Milliseconds since the Unix epoch, by the runtime's clock. */
  readonly atMs: number;
  readonly #runtime: Runtime;
  readonly #aim: Process | undefined;
  #handle: unknown;
  #waiting = true;

  constructor(runtime: Runtime, target: Target, message: unknown, ms: number) {
    this.#runtime = runtime;
    this.atMs = runtime.clock.now() + ms;
    // A name is looked up when the time has come; a timer for a process goes with it.
    this.#aim = target instanceof LocalProcess ? target : undefined;
    const aim = this.#aim;
    if (aim?.alive === false) {
      this.#waiting = false;
      return;
    }
    if (aim !== undefined) {
      aim.held ??= new Set();
      aim.held.add(this);
    }
    this.#handle = runtime.clock.setTimeout(() => {
      this.#settle();
      send(typeof target === "string" ? (resolveTarget(target, runtime) ?? target) : target, message);
    }, ms);
  }

  /** Milliseconds left; undefined when it has fired or was cancelled. */
  get remainingMs(): number | undefined {
    return this.#waiting ? Math.max(0, Math.round(this.atMs - this.#runtime.clock.now())) : undefined;
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

  #settle(): void {
    this.#waiting = false;
    this.#aim?.held?.delete(this);
  }
}

/**
 * Sends a message after `ms` milliseconds (an integer of 0 or more). A timer for a process that ends goes with it; a name is looked up when the
 * time has come.
 * @throws CallerError "invalid_argument"
 */
export function sendAfter(target: Target, message: unknown, ms: number): MessageTimer {
  checkTimeout("ms", ms);
  // Looked up only to tell the caller's mistake at once.
  const aim = resolveTarget(target);
  return new MessageTimer(aim?.runtime ?? currentProcess()?.runtime ?? contextRuntime(), target, message, ms);
}

/** Like `sendAfter`, at a time of the runtime's clock in milliseconds since the Unix epoch; one that has passed is at once. */
export function sendAt(target: Target, message: unknown, atMs: number): MessageTimer {
  const { clock } = resolveTarget(target)?.runtime ?? contextRuntime();
  return sendAfter(target, message, Math.max(0, Math.ceil(atMs - clock.now())));
}

/** Takes a timer back. Answers the milliseconds that were left, or false when it has fired or was cancelled before. */
export function cancelTimer(timer: MessageTimer): number | false {
  return timer.cancel() ?? false;
}

/** The milliseconds left, or false when it has fired or was cancelled. */
export function readTimer(timer: MessageTimer): number | false {
  return timer.remainingMs ?? false;
}
