/** Why a process or child ended, in OTP's words (https://www.erlang.org/doc/system/ref_man_processes.html#termination). */

import { describeOpaque } from "../../describe-value.ts";

/**
 * The reason of an end. Any value may be a reason (a symbol too, which has no type here: it cannot stand in a template); these have a meaning of their own:
 * - "normal": it had finished
 * - "shutdown" and `{ shutdown: detail }`: it was asked to end, or ended in an orderly way
 * - "killed": it was killed and ran no hooks
 * - "noproc": it did not exist
 * - "noconnection": the link to it is lost, its end was not seen
 * - "timeout": it did not begin in time
 * - an `Error`: it crashed
 */
export type ExitReason =
  | "normal"
  | "shutdown"
  | "killed"
  | "kill"
  | "noproc"
  | "noconnection"
  | "timeout"
  | { readonly shutdown: unknown }
  | Error
  | (string & {})
  | object
  | number
  | bigint
  | boolean
  | null
  | undefined;

/** A reason in a box: where "there is none yet" and the reason `undefined` are two things. */
export interface BoxedReason {
  readonly reason: ExitReason;
}

/** Whether a reason is clean: "normal", "shutdown" or `{ shutdown }`. Everything else is a crash. */
export function isCleanExit(reason: ExitReason): boolean {
  return reason === "normal" || isShutdown(reason);
}

/** Whether a reason is "shutdown" or `{ shutdown }`. */
export function isShutdown(reason: ExitReason): boolean {
  if (reason === "shutdown") return true;
  if (typeof reason !== "object" || reason === null || isA(reason, Error)) return false;
  try {
    return "shutdown" in reason;
  } catch {
    return false; // A Proxy whose trap throws says nothing of a shutdown.
  }
}

/** Whether a value is an instance of a class. A Proxy that throws when it is asked is none. */
export function isA<T>(value: unknown, type: abstract new (...args: never[]) => T): value is T {
  try {
    return value instanceof type;
  } catch {
    return false;
  }
}

/** A reason as a short text for messages and logs; never throws. */
export function describeExitReason(reason: unknown): string {
  try {
    if (typeof reason === "string") return reason;
    if (typeof reason === "function") return `function ${reason.name || "without a name"}`;
    if (typeof reason !== "object" || reason === null) return String(reason);
    if (reason instanceof Error) return `${reason.name}: ${reason.message}`;
    // Asked once: what throws, or answers otherwise the second time, is described all the same.
    const { describe } = reason as { describe?: unknown };
    if (typeof describe === "string") return describe;
    return JSON.stringify(reason) ?? Object.prototype.toString.call(reason);
  } catch {
    return describeOpaque(reason);
  }
}

/** Thrown by code that wants its process to end with a reason of its own; Erlang's exit/1. */
export class Exit extends Error {
  override readonly name = "Exit";
  readonly reason: ExitReason;

  constructor(reason: ExitReason) {
    super(describeExitReason(reason));
    this.reason = reason;
  }
}

/** The reason of anything that was thrown: of an {@link Exit} the one it carries; an Error is its own reason, another value becomes an Error with the value as its cause. */
export function exitReasonOf(thrown: unknown): ExitReason {
  if (isA(thrown, Exit)) return thrown.reason;
  if (isA(thrown, Error)) return thrown;
  return new Error(`thrown: ${describeExitReason(thrown)}`, { cause: thrown });
}
