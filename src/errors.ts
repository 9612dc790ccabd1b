/**
 * Every error that Synapse throws or rejects with. It imports the types of two values that import nothing, and nothing else.
 *
 * A message reads "[code] what, to whom, after how long, what to do"; every fact in it is also a field.
 * There is one subclass for each consequence: the caller's mistake ({@link CallerError}), the agent's answer ({@link RunError}),
 * the end of a worker or of an agent ({@link WorkerError}), and the end of an OTP process ({@link ProcessError}).
 */

import type { CrashRecord } from "./crash.ts";
import { describeValue } from "./describe-value.ts";
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
  /** The answer does not fit the `output` schema of the agent's definition. */
  | "output_invalid"
  /** The worker refused the incarnation's token. */
  | "unauthenticated"
  /** The worker answered with something that is not in the contract. */
  | "protocol_violation";

/** A worker or its agent ended or never began. */
export type WorkerErrorCode =
  /** The worker's process ended while it held the run; `crash` has the exit. */
  | "worker_exited"
  /** The process lives but its connection is lost; it is killed. */
  | "worker_connection_lost"
  /** The worker was not ready within `startTimeoutMs`. */
  | "worker_start_timeout"
  /** The operating system could not start the process. */
  | "worker_spawn_failed"
  /** The worker speaks another version of the protocol. */
  | "worker_protocol_mismatch"
  /** The entry's module does not exist. */
  | "entry_module_missing"
  /** The entry's module raised while it was imported. */
  | "entry_module_failed"
  /** The entry's module has no such attribute. */
  | "entry_attribute_missing"
  /** The entry's attribute is not a pydantic-ai Agent. */
  | "entry_not_an_agent"
  /** The agent loaded but cannot be entered or served. */
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

/** Every code that a {@link SynapseError} can carry. */
export type ErrorCode = CallerErrorCode | RunErrorCode | WorkerErrorCode | ProcessErrorCode;

/** The base of all errors of Synapse. `code` is stable; the message is for people. */
export class SynapseError extends Error {
  readonly code: ErrorCode;

  constructor(code: ErrorCode, message: string, options?: { cause?: unknown }) {
    super(`[${code}] ${message}`, options);
    this.name = new.target.name;
    this.code = code;
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
    if (facts.field !== undefined) this.field = facts.field;
    if ("value" in facts) this.value = facts.value;
    if (facts.rule !== undefined) this.rule = facts.rule;
  }
}

/** What a {@link CallerError} is told beside its message. */
export interface CallerErrorFacts {
  field?: string;
  value?: unknown;
  rule?: string;
  cause?: unknown;
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

/** How pydantic-ai (or the bridge to it) ended a run; the names of AgentErrorKind in the contract, lower case. */
export type RunErrorKind =
  | "validation"
  | "user_error"
  | "model_retry"
  | "unexpected_model_behavior"
  | "output_validation"
  | "tool_retries_exhausted"
  | "usage_limit_exceeded"
  | "concurrency_limit"
  | "model_http"
  | "model_api"
  | "content_filter"
  | "incomplete_tool_call"
  | "fallback"
  | "cancelled"
  | "deadline"
  | "hook_timeout"
  | "suspended_expired"
  | "user_code"
  | "draining"
  | "interrupted"
  | "internal"
  | "unknown";

/** One entry of pydantic's `ValidationError.errors()`. */
export interface ValidationIssue {
  type: string;
  loc: (string | number)[];
  msg: string;
  input?: unknown;
}

/** What a {@link RunError} is told beside its message. Absent facts are unknown. */
export interface RunErrorFacts {
  agentId?: string;
  runId?: string;
  kind?: RunErrorKind;
  retriable?: boolean;
  retryAfterMs?: number;
  pythonType?: string;
  pythonTraceback?: string;
  validationErrors?: ValidationIssue[];
  toolName?: string;
  modelName?: string;
  httpStatus?: number;
  usage?: Usage;
  /** pydantic-ai messages of the run so far, parsed from JSON. */
  messages?: unknown[];
  cause?: unknown;
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
  readonly modelName?: string;
  readonly httpStatus?: number;
  readonly usage?: Usage;
  readonly messages?: unknown[];

  constructor(code: RunErrorCode, message: string, facts: RunErrorFacts = {}) {
    super(code, message, "cause" in facts ? { cause: facts.cause } : undefined);
    const { cause: _cause, ...rest } = facts;
    this.kind = "unknown";
    this.retriable = false;
    Object.assign(this, rest);
  }
}

/** What a {@link WorkerError} is told beside its message. */
export interface WorkerErrorFacts {
  agentId?: string;
  runId?: string;
  crash?: CrashRecord;
  pythonType?: string;
  pythonTraceback?: string;
  cause?: unknown;
}

/** A worker or its agent ended or never began. `crash` is the record that the log and the reports carry too. */
export class WorkerError extends SynapseError {
  declare readonly code: WorkerErrorCode;
  readonly agentId?: string;
  readonly runId?: string;
  readonly crash?: CrashRecord;
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
    const { cause: _cause, ...rest } = facts;
    Object.assign(this, rest);
    if (facts.crash?.exitCode !== undefined) this.exitCode = facts.crash.exitCode;
    if (facts.crash?.signal !== undefined) this.signal = facts.crash.signal;
    if (facts.crash !== undefined) this.stderrTail = facts.crash.stderrTail;
  }
}

/** What a {@link ProcessError} is told beside its message. */
export interface ProcessErrorFacts {
  reason?: unknown;
  call?: FailedCall;
  cause?: unknown;
}

/** A call that failed: its target as it was written, what was asked, and the time it had (milliseconds), where it had one. */
export interface FailedCall {
  readonly target: unknown;
  readonly message: unknown;
  readonly timeoutMs?: number | "infinity";
}

/** An OTP process ended, did not begin, or did not answer. `reason` is the exit reason, where there is one. */
export class ProcessError extends SynapseError {
  declare readonly code: ProcessErrorCode;
  readonly reason?: unknown;
  /** The call that failed. */
  readonly call?: FailedCall;

  constructor(code: ProcessErrorCode, message: string, facts: ProcessErrorFacts = {}) {
    super(code, message, "cause" in facts ? { cause: facts.cause } : undefined);
    if ("reason" in facts) this.reason = facts.reason;
    if (facts.call !== undefined) this.call = facts.call;
  }
}
