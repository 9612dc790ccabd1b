/** Requests between processes: call waits for a reply, cast does not, send is an ordinary message. Source: OTP's gen_server. */

import { CallerError, invalidArgument, ProcessError } from "../errors.ts";
import { currentProcess } from "./current.ts";
import type { Deadline } from "./deadlines.ts";
import { describeExitReason, type ExitReason } from "./exit-reason.ts";
import type { Process } from "./process.ts";
import type { CallOf, CastOf, ReplyOf, TypedRef } from "./protocol.ts";
import { contextRuntime, describeTarget, resolveTarget, type Target } from "./target.ts";

/** How long a call waits unless it says otherwise, in milliseconds (GenServer's default). */
export const defaultCallTimeoutMs = 5_000;

/** Options of a call. */
export interface CallOptions {
  /** Milliseconds until the call is given up; "infinity" waits for the reply or the end. Default 5,000. */
  readonly timeoutMs?: number | "infinity";
}

/** The address of one reply: keep it and answer later with `reply`. */
export interface From {
  /** The caller; undefined when the call came from outside any process. */
  readonly caller: Process | undefined;
}

/** A call under way: the message its target receives, and the promise of its caller. */
export class PendingCall implements From, Deadline {
  readonly type = "$call";
  readonly message: unknown;
  readonly caller: Process | undefined;
  readonly promise: Promise<unknown>;
  atMs = 0;
  previous: Deadline | undefined = undefined;
  next: Deadline | undefined = undefined;
  lane: Deadline["lane"] = undefined;
  readonly #target: Process;
  readonly #timeoutMs: number | "infinity";
  #resolve!: (value: unknown) => void;
  #reject!: (error: Error) => void;
  #open = true;

  constructor(target: Process, message: unknown, timeoutMs: number | "infinity") {
    this.#target = target;
    this.message = message;
    this.#timeoutMs = timeoutMs;
    this.caller = currentProcess();
    this.promise = new Promise((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
    });
    target.openCalls ??= new Set();
    target.openCalls.add(this);
    if (timeoutMs !== "infinity") target.runtime.deadlines.add(this, timeoutMs);
  }

  /** Answers. A reply that comes late is a dead letter. */
  answer(value: unknown): void {
    if (!this.#close()) {
      const { runtime } = this.#target;
      runtime.report({ type: "dead_letter", to: this.caller?.toString() ?? "caller", message: value, why: "late" });
      return;
    }
    this.#resolve(value);
  }

  /** The target ended without a reply. */
  processEnded(reason: ExitReason): void {
    if (!this.#close()) return;
    const how = `ended (${describeExitReason(reason)}) before it replied`;
    this.#reject(this.#error(reason === "noproc" ? "noproc" : "exited", how, reason));
  }

  /** The target cannot take the call. */
  refuse(why: string): void {
    if (this.#close()) this.#reject(this.#error("exited", `refused the call: ${why}`, "refused"));
  }

  expire(): void {
    if (this.#close()) this.#reject(this.#error("timeout", `did not reply within ${this.#timeoutMs} ms`, "timeout"));
  }

  #close(): boolean {
    if (!this.#open) return false;
    this.#open = false;
    const { runtime, openCalls } = this.#target;
    openCalls?.delete(this);
    if (this.lane !== undefined) runtime.deadlines.remove(this);
    return true;
  }

  #error(code: "noproc" | "exited" | "timeout", what: string, reason: ExitReason): ProcessError {
    return callError(code, this.#target, this.message, what, reason);
  }
}

function callError(
  code: "noproc" | "exited" | "timeout" | "calling_self",
  target: unknown,
  message: unknown,
  what: string,
  reason: ExitReason,
): ProcessError {
  const facts = { reason, call: { target, message }, ...(reason instanceof Error ? { cause: reason } : {}) };
  return new ProcessError(code, `call to ${describeTarget(target)}: it ${what}`, facts);
}

/**
 * Asks a process and waits for its reply. The target goes on when the wait is given up; its late reply is dropped.
 * @returns rejects with ProcessError "noproc" (dead or unknown), "exited" (ended while waiting; `reason` says how), "timeout" or "calling_self";
 * `error.call` has the target and the message
 */
export function call<T, M extends CallOf<T>>(
  target: TypedRef<T>,
  message: M,
  options: CallOptions = {},
): Promise<ReplyOf<T, M>> {
  const { timeoutMs = defaultCallTimeoutMs } = options;
  checkTimeout("options.timeoutMs", timeoutMs);
  return callProcess(target as Target, message, timeoutMs) as Promise<ReplyOf<T, M>>;
}

/** `call` without types. */
export function callProcess(target: Target, message: unknown, timeoutMs: number | "infinity"): Promise<unknown> {
  const process = resolveTarget(target);
  if (process === undefined || !process.alive) {
    return Promise.reject(callError("noproc", target, message, "is not alive", "noproc"));
  }
  if (process === currentProcess()) {
    return Promise.reject(callError("calling_self", target, message, "is the caller itself", "calling_self"));
  }
  const pending = new PendingCall(process, message, timeoutMs);
  process.deliver(pending);
  return pending.promise;
}

/** Answers a call, now or later, from anywhere. A second reply is dropped. */
export function reply(from: From, value: unknown): void {
  if (!(from instanceof PendingCall)) throw invalidArgument("from", from, "the `from` that handleCall was given");
  from.answer(value);
}

/** Tells a process something. Always succeeds at once; to nobody it is a dead letter. */
export function cast<T>(target: TypedRef<T>, message: CastOf<T>): void {
  deliver(target as Target, { type: "$cast", message });
}

/** Sends an ordinary message, which a server's handleInfo receives. To nobody it is a dead letter. */
export function send(target: Target, message: unknown): void {
  deliver(target, message);
}

function deliver(target: Target, message: unknown): void {
  const process = resolveTarget(target);
  if (process !== undefined) process.deliver(message);
  else contextRuntime().report({ type: "dead_letter", to: describeTarget(target), message, why: "noproc" });
}

/** @throws CallerError "invalid_argument" */
export function checkTimeout(field: string, value: number | "infinity"): void {
  if (value === "infinity") return;
  if (Number.isInteger(value) && value >= 0 && value <= 2_147_483_647) return;
  throw new CallerError(
    "invalid_argument",
    `${field} is ${String(value)}; it must be 0 to 2,147,483,647 ms or "infinity"`,
    {
      field,
      value,
      rule: '0 to 2,147,483,647 ms or "infinity"',
    },
  );
}
