/** A call under way: the message its target receives, and the promise of its caller. */

import { type FailedCall, ProcessError } from "../../errors.ts";
import { CallMessage } from "../process/call-message.ts";
import { runAs, runOutside } from "../process/current.ts";
import { reportDeadLetter } from "../process/dead-letter.ts";
import { listCall, type OpenCall, unlistCall } from "../process/open-calls.ts";
import type { Process } from "../process/process.ts";
import { tellTraces } from "../process/system-message.ts";
import { describeTarget } from "../process/target.ts";
import { describeExitReason, type ExitReason, isA } from "../report/exit-reason.ts";
import type { Deadline } from "../scheduler/deadlines.ts";

/** What is asked of whom. */
export type CallDetails = Required<FailedCall>;

/** The codes of a call that fails. */
export type CallFailure = "noproc" | "exited" | "timeout" | "calling_self" | "aborted";

/** The error of a call. */
export function callError(code: CallFailure, call: CallDetails, what: string, reason: ExitReason): ProcessError {
  const facts = { reason, call, ...(isA(reason, Error) ? { cause: reason } : {}) };
  return new ProcessError(code, `call to ${describeTarget(call.target)}: it ${what}`, facts);
}

/** A call under way. Its promise settles in the context of the process that asked, whoever answers: a rejection that is not caught is that one's. */
export class PendingCall extends CallMessage implements Deadline {
  /** "$sys": the runtime carries it out, not the behaviour. */
  readonly type: "$call" | "$sys";
  readonly message: unknown;
  readonly caller: Process | undefined;
  readonly target: Process;
  readonly timeoutMs: number | "infinity";
  readonly promise: Promise<unknown>;
  atMs = 0;
  previous: Deadline | undefined = undefined;
  next: Deadline | undefined = undefined;
  lane: Deadline["lane"] = undefined;
  olderToTarget: OpenCall | undefined = undefined;
  newerToTarget: OpenCall | undefined = undefined;
  olderOfCaller: OpenCall | undefined = undefined;
  newerOfCaller: OpenCall | undefined = undefined;
  readonly #written: unknown;
  #resolve!: (value: unknown) => void;
  #reject!: (error: Error) => void;
  /** Forgets the signal that gives it up; called when it is settled. */
  forgetSignal: (() => void) | undefined;
  #open = true;

  constructor(type: "$call" | "$sys", target: Process, call: CallDetails, caller: Process | undefined) {
    super();
    this.type = type;
    this.target = target;
    this.#written = call.target;
    this.message = call.message;
    this.timeoutMs = call.timeoutMs;
    this.caller = caller;
    this.promise = new Promise((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
    });
    listCall(this, target, caller);
    if (call.timeoutMs !== "infinity") target.runtime.deadlines.add(this, call.timeoutMs);
  }

  /** Whether it is neither answered nor given up. */
  get isOpen(): boolean {
    return this.#open;
  }

  /** The address of the reply, as a machine reads it off the event. */
  get from(): this {
    return this;
  }

  answer(value: unknown): void {
    const { traces } = this.target;
    if (traces !== undefined) tellTraces(traces, { type: "reply", to: this.caller, reply: value });
    if (this.#close()) this.#resolve(value);
    else reportDeadLetter(this.target.runtime, this.caller ?? "a caller outside any process", value, "late");
  }

  fail(error: Error): void {
    if (!this.#close()) return;
    if (this.caller === undefined) runOutside(this.#reject, error);
    else runAs(this.caller, this.#reject, error);
  }

  release(): void {
    this.#close();
  }

  processEnded(reason: ExitReason): void {
    const how = `ended (${describeExitReason(reason)}) before it replied`;
    this.#failBy(reason === "noproc" ? "noproc" : "exited", how, reason);
  }

  refuse(why: string): void {
    this.#failBy("exited", `refused the call: ${why}`, "refused");
  }

  deadlocked(): void {
    this.#failBy("calling_self", "is the caller itself, which waits for the reply", "calling_self");
  }

  expire(): void {
    this.#failBy("timeout", `did not reply within ${this.timeoutMs} ms`, "timeout");
  }

  /** The caller's signal was aborted. */
  abort(reason: unknown): void {
    this.#failBy("aborted", "was not waited for any longer", reason as ExitReason);
  }

  toJSON(): unknown {
    return { type: this.type, message: this.message, caller: this.caller };
  }

  get #details(): CallDetails {
    return { target: this.#written, message: this.message, timeoutMs: this.timeoutMs };
  }

  #failBy(code: CallFailure, what: string, reason: ExitReason): void {
    if (this.#open) this.fail(callError(code, this.#details, what, reason));
  }

  #close(): boolean {
    if (!this.#open) return false;
    this.#open = false;
    unlistCall(this, this.target, this.caller);
    if (this.lane !== undefined) this.target.runtime.deadlines.remove(this);
    this.forgetSignal?.();
    return true;
  }
}
