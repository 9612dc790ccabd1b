/** What errors are told beside their messages. This file imports what imports nothing: every room may import it. */

import type { CrashRecord } from "./crash.ts";
import type { Usage } from "./usage.ts";

/** What a CallerError is told. */
export interface CallerErrorFacts {
  field?: string;
  value?: unknown;
  rule?: string;
  firstSeq?: number;
  runId?: string;
  cause?: unknown;
}

/** One entry of pydantic's `ValidationError.errors()`. */
export interface ValidationIssue {
  type: string;
  loc: (string | number)[];
  msg: string;
  input?: unknown;
}

/** How pydantic-ai (or the bridge to it) ended a run; the names of AgentErrorKind in the contract, lower case. */
export type RunErrorKind =
  | "validation"
  | "user_error"
  | "model_retry"
  | "unexpected_model_behavior"
  | "output_validation"
  | "tool_retries_exhausted"
  | "tool_failed"
  | "usage_limit_exceeded"
  | "concurrency_limit"
  | "model_http"
  | "model_api"
  | "model_rate_limit"
  | "model_quota"
  | "model_unavailable"
  | "model_overloaded"
  | "model_server"
  | "model_connection"
  | "model_timeout"
  | "model_rejected"
  | "model_authentication"
  | "model_not_found"
  | "context_window"
  | "content_filter"
  | "output_token_limit"
  | "incomplete_tool_call"
  | "fallback"
  | "cancelled"
  | "deadline"
  | "hook_timeout"
  | "suspended_expired"
  | "conversation_conflict"
  | "user_code"
  | "draining"
  | "interrupted"
  | "answer_too_large"
  | "internal"
  | "out_of_memory"
  | "frontend_request"
  | "unknown";

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
  toolCallId?: string;
  limitName?: string;
  modelName?: string;
  httpStatus?: number;
  providerCode?: string;
  providerType?: string;
  usage?: Usage;
  /** pydantic-ai messages of the run so far, parsed from JSON. */
  messages?: unknown[];
  unfinished?: true;
  cause?: unknown;
}

/** What a WorkerError is told. */
export interface WorkerErrorFacts {
  agentId?: string;
  runId?: string;
  crash?: CrashRecord;
  crashes?: readonly CrashRecord[];
  pythonType?: string;
  pythonTraceback?: string;
  cause?: unknown;
}

/** What a ProcessError is told. */
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
