/** Requests between processes: call waits for a reply, cast does not, send is an ordinary message. Source: OTP's gen_server. */

import { invalidArgument, type ProcessError } from "../../errors.ts";
import { Alias } from "../process/alias.ts";
import { currentProcess } from "../process/current.ts";
import { reportDeadLetter } from "../process/dead-letter.ts";
import { LocalProcess } from "../process/local-process.ts";
import type { Process } from "../process/process.ts";
import { CastMessage, InfoMessage, RuntimeMessage } from "../process/runtime-message.ts";
import type { SystemAction } from "../process/system-message.ts";
import { contextRuntime, describeTarget, resolveTarget, type Target } from "../process/target.ts";
import { onAbort } from "../scheduler/abort.ts";
import { isThenable } from "../scheduler/thenable.ts";
import { watchForDeadlock } from "./deadlock.ts";
import { type CallDetails, callError, PendingCall } from "./pending-call.ts";
import type { CallOf, CastOf, ReplyOf, TypedRef } from "./protocol.ts";
import { type Patience, patienceMs } from "./timeout.ts";

/** How long a call waits unless it says otherwise, in milliseconds (GenServer's default). */
export const defaultCallTimeoutMs = 5_000;

/** Options of a call. */
export interface CallOptions extends Patience {
  /** Milliseconds until the call is given up; "infinity" waits for the reply or the end. Default 5,000, or until `deadlineAtMs` when that is given. */
  readonly timeoutMs?: number | "infinity";
  /** Gives the call up when it is aborted: it rejects with "aborted", its `cause` the signal's reason if that is an Error. The target goes on. */
  readonly signal?: AbortSignal | undefined;
}

declare const awaited: unique symbol;

/** The address of one reply, and what it may be: keep it and answer later with `reply`. */
export interface From<Reply = unknown> {
  /** The caller; undefined when the call came from outside any process. */
  readonly caller: Process | undefined;
  readonly [awaited]?: (reply: Reply) => void;
}

/**
 * Asks a process and waits for its reply. The target goes on when the wait is given up; its late reply is a dead letter.
 * @returns rejects with ProcessError "noproc" (dead or unknown), "exited" (ended while waiting; `reason` says how), "timeout", "aborted" or
 * "calling_self" (the caller is the target and could not answer before the reply has come); `error.call` has the target as it was written, the
 * message and the time that was given
 */
export function call<T, const M extends CallOf<T>>(
  target: TypedRef<T>,
  message: M,
  options: CallOptions = {},
): Promise<ReplyOf<T, M>> {
  const timeoutMs = patienceMs(options, defaultCallTimeoutMs);
  return callProcess(target as Target, message, timeoutMs, options.signal) as Promise<ReplyOf<T, M>>;
}

/** `call` without types. */
export function callProcess(
  target: Target,
  message: unknown,
  timeoutMs: number | "infinity",
  signal?: AbortSignal,
): Promise<unknown> {
  const started = startCall(target, message, timeoutMs, signal);
  return started instanceof PendingCall ? started.promise : Promise.reject(started);
}

/** Begins a call; answers the error of one that cannot begin. */
export function startCall(
  target: Target,
  message: unknown,
  timeoutMs: number | "infinity",
  signal?: AbortSignal,
): PendingCall | ProcessError {
  const process = target instanceof LocalProcess ? target : resolveTarget(target);
  if (process === undefined || !process.alive) {
    return callError("noproc", { target, message, timeoutMs }, "is not alive", "noproc");
  }
  if (signal !== undefined && typeof signal?.addEventListener !== "function") {
    throw invalidArgument("options.signal", signal, "an AbortSignal");
  }
  if (signal?.aborted === true) {
    return callError("aborted", { target, message, timeoutMs }, "was not asked: the signal is aborted", signal.reason);
  }
  const caller = currentProcess();
  if (process === caller && process.waitsForItself) return selfError({ target, message, timeoutMs });
  const pending = new PendingCall("$call", process, { target, message, timeoutMs }, caller);
  if (signal !== undefined) pending.forgetSignal = onAbort(signal, () => pending.abort(signal.reason));
  process.deliver(pending);
  if (process === caller) process.calledItself(pending);
  else watchForDeadlock(pending);
  return pending;
}

/** Asks for something that the runtime does to a process in its turn, also while it is suspended. Rejects as {@link call}. */
export function callSystem(target: Target, action: SystemAction, timeoutMs: number | "infinity"): Promise<unknown> {
  const process = resolveTarget(target);
  const shown = { target, message: { system: action.system }, timeoutMs };
  if (process === undefined || !process.alive) {
    return Promise.reject(callError("noproc", shown, "is not alive", "noproc"));
  }
  const caller = currentProcess();
  if (process === caller && process.waitsForItself) return Promise.reject(selfError(shown));
  const pending = new PendingCall("$sys", process, { target, message: action, timeoutMs }, caller);
  process.deliverSystem(pending);
  if (process === caller) process.calledItself(pending);
  return pending.promise;
}

function selfError(details: CallDetails): ProcessError {
  return callError("calling_self", details, "is the caller itself, which waits for the reply", "calling_self");
}

/**
 * Answers a call, now or later, from anywhere. A second reply, and one that comes too late, is a dead letter.
 * @throws CallerError "invalid_argument" for a `from` that is none, and for a promise as the value: wait for it, then reply
 */
export function reply<Reply>(from: From<Reply>, value: NoInfer<Reply>): void {
  if (!RuntimeMessage.is(from) || !(from instanceof PendingCall)) {
    throw invalidArgument("from", from, "the `from` that handleCall was given");
  }
  if (isThenable(value)) throw invalidArgument("value", "a promise", "a value: wait for the promise, then reply");
  from.answer(value);
}

/** Tells a process something. Always succeeds at once; to nobody it is a dead letter. */
export function cast<T>(target: TypedRef<T>, message: CastOf<T>): void {
  deliver(target as Target, new CastMessage(message));
}

/** Sends an ordinary message, which a server's handleInfo receives. To nobody it is a dead letter. */
export function send(target: Target, message: unknown): void {
  // A call or a signal that is sent on is an ordinary message to its next receiver.
  deliver(target, RuntimeMessage.is(message) ? new InfoMessage(message) : message);
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
