/** Requests between processes: call waits for a reply, cast does not, send is an ordinary message. Source: OTP's gen_server. */

import { CallerError, invalidArgument, ProcessError } from "../../errors.ts";
import { Alias } from "../process/alias.ts";
import { currentProcess } from "../process/current.ts";
import { reportDeadLetter } from "../process/dead-letter.ts";
import { LocalProcess } from "../process/local-process.ts";
import { listCall, type OpenCall, unlistCall } from "../process/open-calls.ts";
import type { Process } from "../process/process.ts";
import { type SystemAction, tellTraces } from "../process/system-message.ts";
import { contextRuntime, describeTarget, resolveTarget, type Target } from "../process/target.ts";
import { describeExitReason, type ExitReason } from "../report/exit-reason.ts";
import { longestTimerMs } from "../scheduler/clock.ts";
import type { Deadline } from "../scheduler/deadlines.ts";
import type { CallOf, CastOf, ReplyOf, TypedRef } from "./protocol.ts";

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
export class PendingCall implements From, Deadline, OpenCall {
  readonly type: "$call" | "$sys";
  readonly message: unknown;
  readonly caller: Process | undefined;
  readonly promise: Promise<unknown>;
  atMs = 0;
  previous: Deadline | undefined = undefined;
  next: Deadline | undefined = undefined;
  lane: Deadline["lane"] = undefined;
  olderToTarget: OpenCall | undefined = undefined;
  newerToTarget: OpenCall | undefined = undefined;
  olderOfCaller: OpenCall | undefined = undefined;
  newerOfCaller: OpenCall | undefined = undefined;
  readonly #target: Process;
  readonly #timeoutMs: number | "infinity";
  #resolve!: (value: unknown) => void;
  #reject!: (error: Error) => void;
  #open = true;

  constructor(
    target: Process,
    message: unknown,
    timeoutMs: number | "infinity",
    type: "$call" | "$sys",
    caller: Process | undefined,
  ) {
    this.type = type;
    this.#target = target;
    this.message = message;
    this.#timeoutMs = timeoutMs;
    this.caller = caller;
    this.promise = new Promise((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
    });
    listCall(this, target, caller);
    if (timeoutMs !== "infinity") target.runtime.deadlines.add(this, timeoutMs);
  }

  answer(value: unknown): void {
    const { traces } = this.#target;
    if (traces !== undefined) tellTraces(traces, { type: "reply", to: this.caller, reply: value });
    if (this.#close()) this.#resolve(value);
    else reportDeadLetter(this.#target.runtime, this.caller ?? "a caller outside any process", value, "late");
  }

  fail(error: Error): void {
    if (this.#close()) this.#reject(error);
  }

  release(): void {
    this.#close();
  }

  toJSON(): unknown {
    return { type: this.type, message: this.message, caller: this.caller };
  }

  processEnded(reason: ExitReason): void {
    if (!this.#close()) return;
    const how = `ended (${describeExitReason(reason)}) before it replied`;
    this.#reject(this.#error(reason === "noproc" ? "noproc" : "exited", how, reason));
  }

  refuse(why: string): void {
    if (this.#close()) this.#reject(this.#error("exited", `refused the call: ${why}`, "refused"));
  }

  expire(): void {
    if (this.#close()) this.#reject(this.#error("timeout", `did not reply within ${this.#timeoutMs} ms`, "timeout"));
  }

  #close(): boolean {
    if (!this.#open) return false;
    this.#open = false;
    unlistCall(this, this.#target, this.caller);
    if (this.lane !== undefined) this.#target.runtime.deadlines.remove(this);
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
export function call<T, const M extends CallOf<T>>(
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
  const process = target instanceof LocalProcess ? target : resolveTarget(target);
  if (process === undefined || !process.alive) {
    return Promise.reject(callError("noproc", target, message, "is not alive", "noproc"));
  }
  const caller = currentProcess();
  if (process === caller) {
    return Promise.reject(callError("calling_self", target, message, "is the caller itself", "calling_self"));
  }
  const pending = new PendingCall(process, message, timeoutMs, "$call", caller);
  process.deliver(pending);
  return pending.promise;
}

/** Asks for something that the runtime does to a process in its turn, also while it is suspended. Rejects as {@link call}. */
export function callSystem(target: Target, action: SystemAction, timeoutMs: number | "infinity"): Promise<unknown> {
  const process = resolveTarget(target);
  const message = { system: action.system };
  if (process === undefined || !process.alive) {
    return Promise.reject(callError("noproc", target, message, "is not alive", "noproc"));
  }
  const caller = currentProcess();
  if (process === caller) {
    return Promise.reject(callError("calling_self", target, message, "is the caller itself", "calling_self"));
  }
  const pending = new PendingCall(process, action, timeoutMs, "$sys", caller);
  process.deliverSystem(pending);
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
  if (target instanceof LocalProcess || target instanceof Alias) {
    target.deliver(message);
    return;
  }
  const process = resolveTarget(target);
  if (process !== undefined) process.deliver(message);
  else reportDeadLetter(contextRuntime(), describeTarget(target), message, "noproc");
}

/** @throws CallerError "invalid_argument" */
export function checkTimeout(field: string, value: number | "infinity"): void {
  if (value === "infinity") return;
  if (Number.isInteger(value) && value >= 0 && value <= longestTimerMs) return;
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
