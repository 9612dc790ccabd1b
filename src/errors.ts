/**
 * Every error that Synapse throws or rejects with. It imports files that import nothing, and nothing else.
 *
 * A message reads "[code] what, to whom, after how long, what to do"; every fact in it is also a field.
 * There is one subclass for each consequence: the caller's mistake ({@link CallerError}), the agent's answer ({@link RunError}),
 * the end of a worker or of an agent ({@link WorkerError}), and the end of an OTP process ({@link ProcessError}).
 */

import type { CrashRecord } from "./crash.ts";
import { describeValue, isRecord, kindOf } from "./describe-value.ts";
import type { CallerErrorCode, ErrorCode, ProcessErrorCode, RunErrorCode, WorkerErrorCode } from "./error-codes.ts";
import type {
  CallerErrorFacts,
  FailedCall,
  ProcessErrorFacts,
  RunErrorFacts,
  RunErrorKind,
  ValidationIssue,
  WorkerErrorFacts,
} from "./error-facts.ts";
import { brandErrors, factsAsJson, isErrorOf } from "./error-kin.ts";
import type { Usage } from "./usage.ts";

export type { CallerErrorCode, ErrorCode, ProcessErrorCode, RunErrorCode, WorkerErrorCode } from "./error-codes.ts";
export type {
  CallerErrorFacts,
  FailedCall,
  ProcessErrorFacts,
  RunErrorFacts,
  RunErrorKind,
  ValidationIssue,
  WorkerErrorFacts,
} from "./error-facts.ts";

/** The message of an error without the code in front, for a message that puts its own there. */
export function withoutCode(message: string): string {
  return message.replace(/^\[[a-z_]+\] /, "");
}

/** The base of all errors of Synapse. `code` is stable; the message is for people. */
export class SynapseError extends Error {
  readonly code: ErrorCode;

  constructor(code: ErrorCode, message: string, options?: { cause?: unknown }) {
    super(`[${code}] ${message}`, options);
    // Written out, here and below: a minified class has another name.
    this.name = "SynapseError";
    this.code = code;
  }

  /** Also true for an error of another copy of this package. */
  static override [Symbol.hasInstance](value: unknown): boolean {
    // biome-ignore lint/complexity/noThisInStatic: a subclass asks for its own
    return isErrorOf(this, value);
  }

  /**
   * The message and the facts; no traceback, no history, nothing that a process has printed. Whatever value a fact is, JSON can carry it: one that has
   * no JSON of its own is described.
   */
  toJSON(): Record<string, unknown> {
    return { name: this.name, code: this.code, message: this.message, ...factsAsJson(this) };
  }
}

/** The caller's mistake. For `invalid_argument`, `field`, `value` and `rule` name what was wrong. */
export class CallerError extends SynapseError {
  declare readonly code: CallerErrorCode;
  /** The option or argument, dotted from the call's own argument: "spec.shutdownMs". */
  readonly field?: string;
  /** What was given. */
  readonly value?: unknown;
  /** What is allowed. */
  readonly rule?: string;
  /** Of "events_expired": the number of the first event that can be read. */
  readonly firstSeq?: number;
  /** Of "already_resumed": the run that goes on, where there is one. */
  readonly runId?: string;

  constructor(code: CallerErrorCode, message: string, facts: CallerErrorFacts = {}) {
    super(code, message, "cause" in facts ? { cause: facts.cause } : undefined);
    this.name = "CallerError";
    const { cause: _cause, ...rest } = facts;
    Object.assign(this, rest);
  }
}

/**
 * An argument that breaks its rule. `field` is quoted with the value and the rule, so that the message alone is enough to mend it.
 * @example throw invalidArgument("spec.maxQueue", -1, "an integer of 0 or more")
 */
export function invalidArgument(field: string, value: unknown, rule: string, cause?: unknown): CallerError {
  const facts: CallerErrorFacts = { field, value, rule };
  if (cause !== undefined) facts.cause = cause;
  return new CallerError("invalid_argument", `${field} is ${describeValue(value)}; it must be ${rule}`, facts);
}

/** The same where the value may be a secret: the message has its kind, and neither print nor JSON of the error shows it. */
export function unquotedArgument(field: string, value: unknown, rule: string): CallerError {
  const message = `${field} is ${kindOf(value)}; it must be ${rule}`;
  return Object.defineProperty(new CallerError("invalid_argument", message, { field, rule }), "value", {
    value,
    enumerable: false,
  });
}

/**
 * Looks for a field of an object that is none of those that there are; its value may be a secret. A list, a Map or a promise is no such object.
 * @throws CallerError "invalid_argument" naming the field and those that there are
 */
export function checkKnownFields(field: string, value: object, known: ReadonlySet<string>): void {
  if (!isRecord(value)) throw invalidArgument(field, value, `an object of ${[...known].join(", ")}`);
  for (const key of Object.keys(value)) {
    if (known.has(key)) continue;
    throw unquotedArgument(`${field}.${key}`, value[key as keyof typeof value], `one of ${[...known].join(", ")}`);
  }
}

/** The agent's answer was not a result. `kind` discriminates; `cause` is a {@link RunError} for each Python cause. */
export class RunError extends SynapseError {
  declare readonly code: RunErrorCode;
  readonly agentId?: string;
  readonly runId?: string;
  readonly kind: RunErrorKind;
  /** Whether the same run may succeed when tried again. */
  readonly retriable: boolean;
  readonly retryAfterMs?: number;
  readonly pythonType?: string;
  readonly pythonTraceback?: string;
  readonly validationErrors?: ValidationIssue[];
  readonly toolName?: string;
  readonly toolCallId?: string;
  /** The limit of `usageLimits` that was reached, by pydantic-ai's name: "request_limit". */
  readonly limitName?: string;
  readonly modelName?: string;
  readonly httpStatus?: number;
  /** What the provider of the model calls the error: "insufficient_quota". */
  readonly providerCode?: string;
  /** The provider's type of the error, where it tells one beside the code: "overloaded_error". */
  readonly providerType?: string;
  readonly usage?: Usage;
  readonly messages?: unknown[];
  /** Something of the run works still in Python: a thread, which cannot be stopped. Its place is taken until it has ended. */
  readonly unfinished?: true;

  constructor(code: RunErrorCode, message: string, facts: RunErrorFacts = {}) {
    super(code, message, "cause" in facts ? { cause: facts.cause } : undefined);
    this.name = "RunError";
    const { cause: _cause, ...rest } = facts;
    this.kind = "unknown";
    this.retriable = false;
    Object.assign(this, rest);
  }
}

/** A worker or its agent ended or never began. `crash` is the record that the log and the reports carry too. */
export class WorkerError extends SynapseError {
  declare readonly code: WorkerErrorCode;
  readonly agentId?: string;
  readonly runId?: string;
  readonly crash?: CrashRecord;
  /** Of "run_poisoned": every crash of a worker that carried the run, oldest first; `crash` is the last. */
  readonly crashes?: readonly CrashRecord[];
  /** Exit code of the process, when it ended by itself. */
  readonly exitCode?: number;
  /** Signal that ended the process. */
  readonly signal?: string;
  /** Last lines the worker wrote to stderr, oldest first. */
  readonly stderrTail?: readonly string[];
  readonly pythonType?: string;
  readonly pythonTraceback?: string;

  constructor(code: WorkerErrorCode, message: string, facts: WorkerErrorFacts = {}) {
    super(code, message, "cause" in facts ? { cause: facts.cause } : undefined);
    this.name = "WorkerError";
    const { cause: _cause, ...rest } = facts;
    Object.assign(this, rest);
    if (facts.crash?.exitCode !== undefined) this.exitCode = facts.crash.exitCode;
    if (facts.crash?.signal !== undefined) this.signal = facts.crash.signal;
    if (facts.crash !== undefined) this.stderrTail = facts.crash.stderrTail;
  }

  /** As of every error; of the message its first line, since what follows it is Python's traceback or the last lines of stderr. */
  override toJSON(): Record<string, unknown> {
    return { ...super.toJSON(), message: this.message.split("\n", 1)[0] };
  }
}

/** An OTP process ended, did not begin, or did not answer. `reason` is the exit reason, where there is one. */
export class ProcessError extends SynapseError {
  declare readonly code: ProcessErrorCode;
  readonly reason?: unknown;
  /** The call that failed. */
  readonly call?: FailedCall;

  constructor(code: ProcessErrorCode, message: string, facts: ProcessErrorFacts = {}) {
    super(code, message, "cause" in facts ? { cause: facts.cause } : undefined);
    this.name = "ProcessError";
    if ("reason" in facts) this.reason = facts.reason;
    if (facts.call !== undefined) this.call = facts.call;
  }
}

brandErrors({ SynapseError, CallerError, RunError, WorkerError, ProcessError });
