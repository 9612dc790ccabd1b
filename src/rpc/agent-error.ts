/** AgentError as it crossed the wire → RunError, with its causes. Never throws: an odd fact is left out, the error arrives. */

import { RunError, type RunErrorCode, type RunErrorFacts, type RunErrorKind, type ValidationIssue } from "../errors.ts";
import {
  type AgentError,
  AgentErrorKind,
  type ValidationIssue as WireIssue,
  type Usage as WireUsage,
} from "../gen/synapse_otp/v1/agent_pb.ts";
import type { Usage } from "../usage.ts";
import { tryDecodeJson } from "./json.ts";
import { toUsage } from "./usage.ts";

const KINDS: Readonly<Partial<Record<number, RunErrorKind>>> = {
  [AgentErrorKind.VALIDATION]: "validation",
  [AgentErrorKind.USER_ERROR]: "user_error",
  [AgentErrorKind.MODEL_RETRY]: "model_retry",
  [AgentErrorKind.UNEXPECTED_MODEL_BEHAVIOR]: "unexpected_model_behavior",
  [AgentErrorKind.OUTPUT_VALIDATION]: "output_validation",
  [AgentErrorKind.TOOL_RETRIES_EXHAUSTED]: "tool_retries_exhausted",
  [AgentErrorKind.USAGE_LIMIT_EXCEEDED]: "usage_limit_exceeded",
  [AgentErrorKind.CONCURRENCY_LIMIT]: "concurrency_limit",
  [AgentErrorKind.MODEL_HTTP]: "model_http",
  [AgentErrorKind.MODEL_API]: "model_api",
  [AgentErrorKind.CONTENT_FILTER]: "content_filter",
  [AgentErrorKind.INCOMPLETE_TOOL_CALL]: "incomplete_tool_call",
  [AgentErrorKind.FALLBACK]: "fallback",
  [AgentErrorKind.CANCELLED]: "cancelled",
  [AgentErrorKind.DEADLINE]: "deadline",
  [AgentErrorKind.HOOK_TIMEOUT]: "hook_timeout",
  [AgentErrorKind.SUSPENDED_EXPIRED]: "suspended_expired",
  [AgentErrorKind.USER_CODE]: "user_code",
  [AgentErrorKind.DRAINING]: "draining",
  [AgentErrorKind.INTERRUPTED]: "interrupted",
  [AgentErrorKind.ANSWER_TOO_LARGE]: "answer_too_large",
  [AgentErrorKind.INTERNAL]: "internal",
  [AgentErrorKind.MODEL_RATE_LIMIT]: "model_rate_limit",
  [AgentErrorKind.MODEL_QUOTA]: "model_quota",
  [AgentErrorKind.MODEL_UNAVAILABLE]: "model_unavailable",
  [AgentErrorKind.MODEL_OVERLOADED]: "model_overloaded",
  [AgentErrorKind.MODEL_SERVER]: "model_server",
  [AgentErrorKind.MODEL_CONNECTION]: "model_connection",
  [AgentErrorKind.MODEL_TIMEOUT]: "model_timeout",
  [AgentErrorKind.MODEL_REJECTED]: "model_rejected",
  [AgentErrorKind.MODEL_AUTHENTICATION]: "model_authentication",
  [AgentErrorKind.MODEL_NOT_FOUND]: "model_not_found",
  [AgentErrorKind.CONTEXT_WINDOW]: "context_window",
  [AgentErrorKind.OUTPUT_TOKEN_LIMIT]: "output_token_limit",
  [AgentErrorKind.TOOL_FAILED]: "tool_failed",
  [AgentErrorKind.CONVERSATION_CONFLICT]: "conversation_conflict",
  [AgentErrorKind.OUT_OF_MEMORY]: "out_of_memory",
  [AgentErrorKind.FRONTEND_REQUEST]: "frontend_request",
};

/** A year; a provider that asks for more asks for nothing that can be kept. */
const LONGEST_RETRY_S = 31_536_000;

/** The fields of a request by their names in the contract → as a caller of this package writes them. */
const OPTIONS: Readonly<Record<string, string>> = {
  content: "prompt",
  output_schema_json: "options.outputSchema",
  deps_json: "options.deps",
  message_history_json: "options.messageHistory",
  "model_settings.extra_json": "options.modelSettings",
  "usage_limits.cost_limit": "options.usageLimits.costLimit",
};

/**
 * The error of a run. The code is "run_cancelled" or "deadline_exceeded" for those kinds, otherwise "run_failed".
 * `cause` is the one Python cause as a RunError, or an AggregateError of RunErrors when there are several (an ExceptionGroup).
 */
export function toRunError(error: AgentError, known: { agentId: string; runId?: string }): RunError {
  const facts = factsOf(error);
  facts.agentId = known.agentId;
  if (known.runId !== undefined) facts.runId = known.runId;
  return new RunError(codeOf(error.kind), `agent "${known.agentId}": ${messageOf(error)}`, facts);
}

function factsOf(error: AgentError): RunErrorFacts {
  const facts: RunErrorFacts = { kind: KINDS[error.kind] ?? "unknown", retriable: error.retriable };
  if (error.runId !== "") facts.runId = error.runId;
  if (error.retryAfterS !== undefined && error.retryAfterS >= 0 && error.retryAfterS <= LONGEST_RETRY_S)
    facts.retryAfterMs = Math.round(error.retryAfterS * 1000);
  if (error.pythonType !== "") facts.pythonType = error.pythonType;
  if (error.traceback !== "") facts.pythonTraceback = error.traceback;
  if (error.issues.length > 0) {
    // Told as the caller wrote it: "options.deps" and the way from there.
    const at = optionOf(error)?.option.split(".") ?? [];
    facts.validationErrors = error.issues.map((wire) => {
      const issue = toIssue(wire);
      return { ...issue, loc: [...at, ...issue.loc] };
    });
  }
  if (error.toolName !== "") facts.toolName = error.toolName;
  if (error.toolCallId !== "") facts.toolCallId = error.toolCallId;
  if (error.limitName !== "") facts.limitName = error.limitName;
  if (error.modelName !== "") facts.modelName = error.modelName;
  if (error.httpStatus !== undefined && error.httpStatus >= 100 && error.httpStatus <= 999)
    facts.httpStatus = error.httpStatus;
  if (error.providerErrorCode !== "") facts.providerCode = error.providerErrorCode;
  if (error.providerErrorType !== "") facts.providerType = error.providerErrorType;
  if (error.unfinished) facts.unfinished = true;
  const usage = tryUsage(error.usage);
  if (usage !== undefined) facts.usage = usage;
  const messages = tryDecodeJson(error.messagesJson);
  if (Array.isArray(messages)) facts.messages = messages;
  const cause = causeOf(error);
  if (cause !== undefined) facts.cause = cause;
  return facts;
}

function causeOf(error: AgentError): Error | undefined {
  const causes = error.causes.map((cause) => new RunError(codeOf(cause.kind), messageOf(cause), factsOf(cause)));
  return causes.length > 1 ? new AggregateError(causes, `${causes.length} causes of: ${messageOf(error)}`) : causes[0];
}

function codeOf(kind: AgentErrorKind): RunErrorCode {
  if (kind === AgentErrorKind.CANCELLED) return "run_cancelled";
  return kind === AgentErrorKind.DEADLINE ? "deadline_exceeded" : "run_failed";
}

/** The option that Python refused; undefined for an error of another kind. */
function optionOf(error: AgentError): { field: string; option: string } | undefined {
  const { field } = (tryDecodeJson(error.extraJson) ?? {}) as { field?: unknown };
  if (typeof field !== "string") return undefined;
  const option = OPTIONS[field];
  return option === undefined ? undefined : { field, option };
}

function messageOf(error: AgentError): string {
  const refused = optionOf(error);
  if (refused !== undefined) {
    const { field, option } = refused;
    const [wire] = error.issues;
    const first = wire === undefined ? undefined : toIssue(wire);
    const where = first === undefined ? "" : `: ${placeOf([option, ...first.loc])}: ${first.msg}`;
    return `${error.message.replaceAll(field, option)}${where}`;
  }
  if (error.kind === AgentErrorKind.ANSWER_TOO_LARGE) {
    return `${error.message}; raise python.maxMessageBytes or read the run by stream()`;
  }
  return error.message || error.pythonType || `an error of kind "${KINDS[error.kind] ?? "unknown"}" without a message`;
}

/** "options.deps.users[2].name" */
function placeOf(loc: readonly (string | number)[]): string {
  return loc.map((step, index) => (typeof step === "number" ? `[${step}]` : index === 0 ? step : `.${step}`)).join("");
}

function toIssue(issue: WireIssue): ValidationIssue {
  const loc = tryDecodeJson(issue.locJson);
  const result: ValidationIssue = { type: issue.type, loc: Array.isArray(loc) ? loc : [], msg: issue.msg };
  const input = tryDecodeJson(issue.inputJson);
  if (input !== undefined) result.input = input;
  return result;
}

function tryUsage(usage: WireUsage | undefined): Usage | undefined {
  if (usage === undefined) return undefined;
  try {
    return toUsage(usage, {});
  } catch {
    return undefined;
  }
}
