/** The chunks of a streamed run → the events of run-event.ts. */

import {
  FrontendEnd as Ends,
  type FrontendText,
  InputOutcome as InputOutcomes,
  type InputRequested,
  type ModelRetry,
  ToolOutcome as Outcomes,
  type PartEnd,
  type PartStart,
  type RunResponseChunk,
  type ToolCall,
  type ToolResult,
  type InputOutcome as WireInputOutcome,
  type ToolOutcome as WireOutcome,
} from "../gen/synapse_otp/v1/agent_pb.ts";
import { toRunError } from "./agent-error.ts";
import { type Call, factsOf } from "./call.ts";
import { optionalJson, toPendingCalls, toRunResult } from "./convert.ts";
import { protocolViolation, tryDecodeJson } from "./json.ts";
import type { ResponsePart, ResponsePartKind } from "./message-part.ts";
import { ofPydanticEvent, toCitations } from "./pydantic-event.ts";
import type { InputOutcome, ToolOutcome, WireRunEvent } from "./run-event.ts";
import { toNumber, toUsage } from "./usage.ts";

const OUTCOMES: Readonly<Partial<Record<WireOutcome, ToolOutcome>>> = {
  [Outcomes.SUCCESS]: "success",
  [Outcomes.FAILED]: "failed",
  [Outcomes.RETRY]: "retry",
  [Outcomes.DENIED]: "denied",
  [Outcomes.INTERRUPTED]: "interrupted",
};

const INPUT_OUTCOMES: Readonly<Partial<Record<WireInputOutcome, InputOutcome>>> = {
  [InputOutcomes.ANSWERED]: "answered",
  [InputOutcomes.DECLINED]: "declined",
  [InputOutcomes.TIMED_OUT]: "timed_out",
};

/**
 * One event, or undefined for one that this version does not know.
 * @throws RunError "protocol_violation" for JSON that is none, or a count beyond 2^53; "output_invalid" as toRunResult does
 */
export function toRunEvent(chunk: RunResponseChunk, call: Call): WireRunEvent | undefined {
  const seq = Number(chunk.seq);
  if (seq > Number.MAX_SAFE_INTEGER) toNumber(chunk.seq, "seq", factsOf(call));
  const { event, step } = chunk;
  // The order is by frequency: a stream is mostly text.
  switch (event.case) {
    case "textDelta":
      return { type: "text.delta", seq, step, text: chunk.data, partIndex: event.value.partIndex };
    case "thinkingDelta": {
      const { text, partIndex } = event.value;
      return { type: "thinking.delta", seq, step, text, partIndex };
    }
    case "toolArgsDelta": {
      const { text, partIndex, toolCallId, toolName } = event.value;
      return { type: "tool.args.delta", seq, step, text, partIndex, toolCallId, toolName };
    }
    case "frontendText":
      return { type: "frontend.text", seq, step, ...frontendText(event.value) };
    case "partStart":
      return { type: "part.start", seq, step, ...partStart(event.value) };
    case "partEnd":
      return { type: "part.end", seq, step, ...partEnd(event.value, call) };
    case "citationsDelta": {
      const citations = toCitations(optionalJson(event.value.citationsJson, "citations_delta.citations_json", call));
      return { type: "citations.delta", seq, step, citations, partIndex: event.value.partIndex };
    }
    case "toolCall":
      return { type: "tool.call", seq, step, ...toolCall(event.value, call) };
    case "toolResult":
      return { type: "tool.result", seq, step, ...toolResult(event.value, call) };
    case "outputCall":
      return { type: "output.call", seq, step, ...toolCall(event.value, call) };
    case "outputResult":
      return { type: "output.result", seq, step, ...toolResult(event.value, call) };
    case "partialOutputJson":
      return { type: "output.partial", seq, step, output: optionalJson(event.value, "partial_output_json", call) };
    case "retry":
      return { type: "retry", seq, step, ...retry(event.value, call) };
    case "pydanticEvent": {
      const told = optionalJson(event.value.eventJson, "pydantic_event.event_json", call);
      return { seq, step, ...ofPydanticEvent(event.value, told) };
    }
    case "inputRequested":
      return { type: "input.requested", seq, step, ...inputRequested(event.value, call) };
    case "inputAnswered": {
      const { token, name, outcome } = event.value;
      return { type: "input.answered", seq, step, token, name, outcome: INPUT_OUTCOMES[outcome] ?? "unknown" };
    }
    case "started": {
      const { modelName, conversationId } = event.value;
      return { type: "started", seq, step, modelName, conversationId };
    }
    case "completed":
      return { type: "completed", seq, step, result: toRunResult(event.value, call) };
    case "failed":
      return { type: "failed", seq, step, error: toRunError(event.value, call) };
    case "cancelled": {
      const { reason, usage, messagesJson, unfinished } = event.value;
      const used = usage === undefined ? {} : { usage: toUsage(usage, factsOf(call)) };
      const messages = tryDecodeJson(messagesJson);
      const said = Array.isArray(messages) ? { messages } : {};
      return { type: "cancelled", seq, step, reason, ...used, ...said, unfinished };
    }
    case "completedPart":
    case undefined:
      return undefined;
  }
}

function frontendText({ text, end }: FrontendText): { text: string; end?: "completed" | "failed" } {
  if (end === Ends.UNSPECIFIED) return { text };
  return { text, end: end === Ends.COMPLETED ? "completed" : "failed" };
}

function partStart({ partIndex, partKind, toolCallId, toolName }: PartStart) {
  return {
    partIndex,
    partKind: partKind as ResponsePartKind,
    ...(toolCallId === "" ? {} : { toolCallId }),
    ...(toolName === "" ? {} : { toolName }),
  };
}

function partEnd({ partIndex, partKind, partJson, omittedBytes }: PartEnd, call: Call) {
  const part = optionalJson(partJson, "part_end.part_json", call) as ResponsePart | undefined;
  if (part !== undefined && typeof part?.part_kind !== "string") {
    throw protocolViolation("sent part_end.part_json that is no part of a response", factsOf(call));
  }
  return { partIndex, partKind: partKind as ResponsePartKind, part, ...omitted(omittedBytes) };
}

function toolCall(tool: ToolCall, call: Call) {
  const { toolCallId, toolName, argsValid, omittedBytes } = tool;
  const args = omittedBytes > 0n ? undefined : toArgs(tool, call);
  return { toolCallId, toolName, args, argsValid, ...omitted(omittedBytes) };
}

/** Arguments that did not validate may be any text the model wrote; they are told as that text. */
function toArgs(tool: ToolCall, call: Call): unknown {
  if (tool.argsValid) return optionalJson(tool.argsJson, "tool_call.args_json", call);
  try {
    return optionalJson(tool.argsJson, "tool_call.args_json", call);
  } catch {
    return Buffer.from(tool.argsJson).toString("utf8");
  }
}

function toolResult({ toolCallId, toolName, contentJson, outcome, omittedBytes }: ToolResult, call: Call) {
  const content = optionalJson(contentJson, "tool_result.content_json", call);
  return { toolCallId, toolName, content, outcome: OUTCOMES[outcome] ?? "unknown", ...omitted(omittedBytes) };
}

function retry({ cause, contentJson, attempt, maxRetries }: ModelRetry, call: Call) {
  const content = optionalJson(contentJson, "retry.content_json", call);
  return {
    cause,
    content,
    ...(attempt === 0 ? {} : { attempt }),
    ...(maxRetries === 0 ? {} : { maxRetries }),
  };
}

function inputRequested(input: InputRequested, call: Call) {
  const { token, name, requestsJson, deadlineUnixMs, omittedBytes } = input;
  const requests = toPendingCalls(requestsJson, "input_requested.requests_json", call);
  return {
    token,
    name,
    ...(requests === undefined ? {} : { requests }),
    ...(deadlineUnixMs === 0n ? {} : { deadlineAtMs: Number(deadlineUnixMs) }),
    ...omitted(omittedBytes),
  };
}

function omitted(bytes: bigint): { omittedBytes?: number } {
  return bytes === 0n ? {} : { omittedBytes: Number(bytes) };
}
