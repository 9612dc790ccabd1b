/**
 * Every error that Synapse throws or rejects with. It imports files that import nothing, and nothing else.
 *
 * A message reads "[code] what, to whom, after how long, what to do"; every fact in it is also a field.
 * There is one subclass for each consequence: the caller's mistake ({@link CallerError}), the agent's answer ({@link RunError}),
 * the end of a worker or of an agent ({@link WorkerError}), and the end of an OTP process ({@link ProcessError}).
 */

import type { CrashRecord } from "./crash.ts";
import { describeValue, kindOf } from "./describe-value.ts";
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

/** The caller's mistake: thrown or rejected at once, nothing was started. */
export type CallerErrorCode =
  /** An option or argument breaks its rule; `field`, `value` and `rule` say which. */
  | "invalid_argument"
  /** No agent, child or name of this kind is known. */
  | "not_found"
  /** The id or name is taken by something that runs. */
  | "already_started"
  /** The id is kept by a child that does not run. */
  | "already_present"
  /** The agent's queue holds `maxQueue` runs already. */
  | "queue_full"
  /** Another run of the conversation runs, and this one does not wait. */
  | "conversation_busy"
  /** Somebody else has written the conversation: what was read is not what is stored. */
  | "conversation_conflict"
  /** The request is larger than the message limit. */
  | "message_too_large"
  /** The system or the agent has been stopped. */
  | "stopped";

/** The agent's answer: the run ended without a result, the worker lives on. */
export type RunErrorCode =
  /** The agent run failed; `kind` says how pydantic-ai ended it. */
  | "run_failed"
  /** The caller cancelled the run. */
  | "run_cancelled"
  /** `timeoutMs` passed. */
  | "deadline_exceeded"
  /** The answer does not fit the `output` schema of the agent's definition, or its rule for unsafe numbers. */
  | "output_invalid"
  /** The worker refused the incarnation's token. */
  | "unauthenticated"
  /** The worker answered with something that is not in the contract. */
  | "protocol_violation";

/** A worker or its agent ended or never began. */
export type WorkerErrorCode =
  /** The worker's process ended while it held the run; `crash` has the exit. */
  | "worker_exited"
  /** The run was in flight at the deaths of two workers in a row, and is not tried again; `crashes` has both. */
  | "run_poisoned"
  /** The process lives but its connection is lost; it is killed. */
  | "worker_connection_lost"
  /** The worker was not ready within `startTimeoutMs`. */
  | "worker_start_timeout"
  /** The operating system could not start the process. */
  | "worker_spawn_failed"
  /** The process ended by itself before it was ready, or its socket could not be served; the message has its last words. */
  | "worker_start_failed"
  /** What a worker needs (pydantic-ai, grpc, protobuf) is installed and cannot be imported. */
  | "worker_import_failed"
  /** The worker speaks another version of the protocol. */
  | "worker_protocol_mismatch"
  /** The agent is not what its definition expects of it: the message names the fields, `crash.contractFaults` lists them. */
  | "contract_mismatch"
  /** The entry's module does not exist. */
  | "entry_module_missing"
  /** The entry's module raised while it was imported. */
  | "entry_module_failed"
  /** The entry's module has no such attribute. */
  | "entry_attribute_missing"
  /** The entry's attribute is not a pydantic-ai Agent. */
  | "entry_not_an_agent"
  /** The agent loaded, and `async with agent` failed. */
  | "entry_warmup_failed"
  /** No Python interpreter was found. */
  | "python_missing"
  /** The interpreter is older than Synapse needs. */
  | "python_too_old"
  /** The interpreter lacks the Python package synapse-otp or one that it needs, or another project's package lies in its place. */
  | "python_package_missing"
  /** The interpreter has the Python package synapse-otp, or one that it needs, in a version that does not fit. */
  | "python_package_mismatch"
  /** The agent was stopped by its caller or supervisor while the run waited or ran. */
  | "agent_stopped"
  /** The supervisor gave up: more than `maxRestarts` restarts in `periodMs`. */
  | "restart_intensity_exceeded";

/** An OTP process ended, or did not answer. */
export type ProcessErrorCode =
  /** It is dead, or no process has the name. */
  | "noproc"
  /** It did not answer, or begin, in time. */
  | "timeout"
  /** A process waits for a reply of its own, which could never come. */
  | "calling_self"
  /** The caller's `signal` was aborted. */
  | "aborted"
  /** It ended, or crashed, instead of answering; `reason` says how. */
  | "exited"
  /** Its start failed; `reason` says why. */
  | "start_failed"
  /** Its init chose not to start. */
  | "ignored";

export type {
  CallerErrorFacts,
  FailedCall,
  ProcessErrorFacts,
  RunErrorFacts,
  RunErrorKind,
  ValidationIssue,
  WorkerErrorFacts,
} from "./error-facts.ts";

/** Every code that a {@link SynapseError} can carry. */
export type ErrorCode = CallerErrorCode | RunErrorCode | WorkerErrorCode | ProcessErrorCode;

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

  constructor(code: CallerErrorCode, message: string, facts: CallerErrorFacts = {}) {
    super(code, message, "cause" in facts ? { cause: facts.cause } : undefined);
    this.name = "CallerError";
    if (facts.field !== undefined) this.field = facts.field;
    if ("value" in facts) this.value = facts.value;
    if (facts.rule !== undefined) this.rule = facts.rule;
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
 * Looks for a field of an object that is none of those that there are; its value may be a secret.
 * @throws CallerError "invalid_argument" naming the field and those that there are
 */
export function checkKnownFields(field: string, value: object, known: ReadonlySet<string>): void {
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
