/** What the worker answers → the values of run-types.ts. */

import { RunError } from "../errors.ts";
import {
  type DescribeResponse,
  OutputKind,
  type RunResponse,
  type RunResponseChunk,
  ToolOutcome,
} from "../gen/synapse_otp/v1/agent_pb.ts";
import type { Usage } from "../usage.ts";
import { toRunError } from "./agent-error.ts";
import { type Call, factsOf } from "./call.ts";
import { parseExact, UnsafeNumberError } from "./exact-json.ts";
import { decodeJson, protocolViolation } from "./json.ts";
import type { AgentDescription, WireDeferred, WireRunEvent, WireRunResult } from "./run-types.ts";
import { toNumber, toUsage } from "./usage.ts";

type Outcome = Extract<WireRunEvent, { type: "tool.result" }>["outcome"];

const OUTCOMES: Readonly<Partial<Record<number, Outcome>>> = {
  [ToolOutcome.SUCCESS]: "success",
  [ToolOutcome.FAILED]: "failed",
  [ToolOutcome.RETRY]: "retry",
  [ToolOutcome.DENIED]: "denied",
  [ToolOutcome.INTERRUPTED]: "interrupted",
};

/**
 * A finished run. Throws RunError "protocol_violation" for JSON that is none, or a count beyond 2^53, and "output_invalid" for an output that holds a
 * number which the rule of the call refuses.
 */
export function toRunResult(response: RunResponse, call: Call): WireRunResult {
  const facts = factsOf(call);
  const usage = toUsage(response.usage, facts);
  const newMessages = toMessages(response.newMessagesJson, call);
  const paused = response.kind === OutputKind.DEFERRED;
  return {
    ...(paused ? { deferred: toDeferred(response.deferredJson, call) } : {}),
    output: paused ? undefined : toOutput(response, call, { newMessages, usage }),
    usage,
    newMessages,
    runId: response.runId,
    conversationId: response.conversationId,
    modelName: response.modelName,
    finishReason: response.finishReason,
    unfinished: response.unfinished,
  };
}

/** One event, or undefined for one that this version does not know. Fails as {@link toRunResult} does. */
export function toRunEvent(chunk: RunResponseChunk, call: Call): WireRunEvent | undefined {
  const seq = Number(chunk.seq);
  if (seq > Number.MAX_SAFE_INTEGER) toNumber(chunk.seq, "seq", factsOf(call));
  const event = chunk.event;
  switch (event.case) {
    case "textDelta":
      return { type: "text.delta", seq, text: chunk.data, step: chunk.step, partIndex: event.value.partIndex };
    case "thinkingDelta": {
      const { text, partIndex } = event.value;
      return { type: "thinking.delta", seq, text, step: chunk.step, partIndex };
    }
    case "started": {
      const { modelName, conversationId } = event.value;
      return { type: "started", seq, modelName, conversationId };
    }
    case "toolCall": {
      const { toolCallId, toolName, argsValid, omittedBytes } = event.value;
      const args = omittedBytes > 0n ? undefined : toArgs(event.value, call);
      return { type: "tool.call", seq, toolCallId, toolName, args, argsValid, ...omitted(omittedBytes) };
    }
    case "toolResult": {
      const { toolCallId, toolName, contentJson, omittedBytes } = event.value;
      const content = optionalJson(contentJson, "tool_result.content_json", call);
      const outcome = OUTCOMES[event.value.outcome] ?? "unknown";
      return { type: "tool.result", seq, toolCallId, toolName, content, outcome, ...omitted(omittedBytes) };
    }
    case "partialOutputJson":
      return { type: "output.partial", seq, output: optionalJson(event.value, "partial_output_json", call) };
    case "completed":
      return { type: "completed", seq, result: toRunResult(event.value, call) };
    case "failed":
      return { type: "failed", seq, error: toRunError(event.value, call) };
    case "cancelled": {
      const { reason, usage, unfinished } = event.value;
      if (usage === undefined) return { type: "cancelled", seq, reason, unfinished };
      return { type: "cancelled", seq, reason, usage: toUsage(usage, factsOf(call)), unfinished };
    }
    case "completedPart":
    case undefined:
      return undefined;
  }
}

/** What the agent is. Throws RunError "protocol_violation" for a schema that is not JSON. */
export function toDescription(response: DescribeResponse, call: Call): AgentDescription {
  const { agentId, name, description, model, schemaHash, pydanticAiVersion, pythonVersion, protocolVersion } = response;
  return {
    agentId,
    name,
    description,
    model,
    outputSchema: optionalJson(response.outputSchemaJson, "output_schema_json", call),
    depsSchema: optionalJson(response.depsSchemaJson, "deps_schema_json", call),
    tools: response.tools.map((tool) => ({
      name: tool.name,
      description: tool.description,
      parametersSchema: optionalJson(tool.parametersSchemaJson, "parameters_schema_json", call),
    })),
    schemaHash,
    pydanticAiVersion,
    pythonVersion,
    protocolVersion,
  };
}

/** A worker that knows `result` alone answers with text; structured output has no meaning without its JSON. */
function toOutput(response: RunResponse, call: Call, run: { newMessages: unknown[]; usage: Usage }): unknown {
  const rule = call.unsafeNumbers ?? "string";
  const facts = factsOf(call);
  try {
    if (response.outputAt !== undefined) return toOutputAt(response, call);
    if (response.outputJson.byteLength === 0 && response.kind !== OutputKind.STRUCTURED) return response.result;
    return decodeJson(response.outputJson, "output_json", { facts, rule });
  } catch (error) {
    if (!(error instanceof UnsafeNumberError)) throw error;
    const what = `agent "${call.agentId}" answered with the number ${error.text}, which no JavaScript number or JSON holds`;
    throw new RunError("output_invalid", `${what}; choose another unsafeNumbers than "error" to be given it`, {
      ...facts,
      usage: run.usage,
      messages: run.newMessages,
    });
  }
}

/** An output that the new messages hold already: the content of a text part, or the arguments of a tool call, as an object or as their JSON. */
function toOutputAt({ outputAt, newMessagesJson }: RunResponse, call: Call): unknown {
  const rule = call.unsafeNumbers ?? "string";
  const facts = factsOf(call);
  const messages = decodeJson(newMessagesJson, "new_messages_json", { facts, rule }) as Partial<Message>[];
  const part = messages[outputAt?.message ?? -1]?.parts?.[outputAt?.part ?? -1];
  if (part?.part_kind === "text" && typeof part.content === "string") return part.content;
  if (part?.part_kind === "tool-call") return typeof part.args === "string" ? parseExact(part.args, rule) : part.args;
  throw protocolViolation("points to an output that is not in its messages", facts);
}

/** As much of a pydantic-ai message as an output is found by. */
interface Message {
  parts: { part_kind?: unknown; content?: unknown; args?: unknown }[];
}

function toDeferred(bytes: Uint8Array, call: Call): WireDeferred {
  const deferred = optionalJson(bytes, "deferred_json", call) as Partial<WireDeferred> | undefined;
  const { calls, approvals } = deferred ?? {};
  if (deferred === undefined || !Array.isArray(calls) || !Array.isArray(approvals)) {
    throw protocolViolation("sent deferred_json that is none", factsOf(call));
  }
  return { ...deferred, calls, approvals };
}

function toMessages(bytes: Uint8Array, call: Call): unknown[] {
  const messages = optionalJson(bytes, "new_messages_json", call) ?? [];
  if (!Array.isArray(messages)) throw protocolViolation("sent new_messages_json that is not a list", factsOf(call));
  return messages;
}

/** Arguments that did not validate may be any text the model wrote; they are told as that text. */
function toArgs(tool: { argsJson: Uint8Array; argsValid: boolean }, call: Call): unknown {
  if (tool.argsValid) return optionalJson(tool.argsJson, "tool_call.args_json", call);
  try {
    return optionalJson(tool.argsJson, "tool_call.args_json", call);
  } catch {
    return Buffer.from(tool.argsJson).toString("utf8");
  }
}

function omitted(bytes: bigint): { omittedBytes?: number } {
  return bytes === 0n ? {} : { omittedBytes: Number(bytes) };
}

/** A document beside the output: a number that the output may not hold is told as its text. */
function optionalJson(bytes: Uint8Array, field: string, call: Call): unknown {
  if (bytes.byteLength === 0) return undefined;
  const rule = call.unsafeNumbers === "bigint" ? "bigint" : "string";
  return decodeJson(bytes, field, { facts: factsOf(call), rule });
}
