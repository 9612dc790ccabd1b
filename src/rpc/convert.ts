/** What the worker answers → the values of run-types.ts. */

import type { RunErrorFacts } from "../errors.ts";
import {
  type DescribeResponse,
  OutputKind,
  type RunResponse,
  type RunResponseChunk,
  ToolOutcome,
} from "../gen/synapse_otp/v1/agent_pb.ts";
import { toRunError } from "./agent-error.ts";
import { type Call, factsOf } from "./call.ts";
import { decodeJson, protocolViolation } from "./json.ts";
import type { AgentDescription, WireRunEvent, WireRunResult } from "./run-types.ts";
import { toNumber, toUsage } from "./usage.ts";

type Outcome = Extract<WireRunEvent, { type: "tool.result" }>["outcome"];

const OUTCOMES: Readonly<Partial<Record<number, Outcome>>> = {
  [ToolOutcome.SUCCESS]: "success",
  [ToolOutcome.FAILED]: "failed",
  [ToolOutcome.RETRY]: "retry",
  [ToolOutcome.DENIED]: "denied",
  [ToolOutcome.INTERRUPTED]: "interrupted",
};

/** A finished run. Throws RunError "protocol_violation" for JSON that is none, or a count beyond 2^53. */
export function toRunResult(response: RunResponse, call: Call): WireRunResult {
  const facts = factsOf(call);
  return {
    output: toOutput(response, facts),
    usage: toUsage(response.usage, facts),
    newMessages: toMessages(response.newMessagesJson, facts),
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
      const { toolCallId, toolName, argsValid } = event.value;
      return { type: "tool.call", seq, toolCallId, toolName, args: toArgs(event.value, call), argsValid };
    }
    case "toolResult": {
      const { toolCallId, toolName, contentJson, outcome } = event.value;
      const content = optionalJson(contentJson, "tool_result.content_json", factsOf(call));
      return { type: "tool.result", seq, toolCallId, toolName, content, outcome: OUTCOMES[outcome] ?? "unknown" };
    }
    case "partialOutputJson":
      return { type: "output.partial", seq, output: decodeJson(event.value, "partial_output_json", factsOf(call)) };
    case "completed":
      return { type: "completed", seq, result: toRunResult(event.value, call) };
    case "failed":
      return { type: "failed", seq, error: toRunError(event.value, call) };
    case "cancelled": {
      const { reason, usage, unfinished } = event.value;
      if (usage === undefined) return { type: "cancelled", seq, reason, unfinished };
      return { type: "cancelled", seq, reason, usage: toUsage(usage, factsOf(call)), unfinished };
    }
    case undefined:
      return undefined;
  }
}

/** What the agent is. Throws RunError "protocol_violation" for a schema that is not JSON. */
export function toDescription(response: DescribeResponse, call: Call): AgentDescription {
  const facts = factsOf(call);
  const { agentId, name, description, model, schemaHash, pydanticAiVersion, pythonVersion, protocolVersion } = response;
  return {
    agentId,
    name,
    description,
    model,
    outputSchema: optionalJson(response.outputSchemaJson, "output_schema_json", facts),
    depsSchema: optionalJson(response.depsSchemaJson, "deps_schema_json", facts),
    tools: response.tools.map((tool) => ({
      name: tool.name,
      description: tool.description,
      parametersSchema: optionalJson(tool.parametersSchemaJson, "parameters_schema_json", facts),
    })),
    schemaHash,
    pydanticAiVersion,
    pythonVersion,
    protocolVersion,
  };
}

/** A worker that knows `result` alone answers with text; structured output has no meaning without its JSON. */
function toOutput(response: RunResponse, facts: RunErrorFacts): unknown {
  if (response.outputJson.byteLength === 0 && response.kind !== OutputKind.STRUCTURED) return response.result;
  return decodeJson(response.outputJson, "output_json", facts);
}

function toMessages(bytes: Uint8Array, facts: RunErrorFacts): unknown[] {
  const messages = optionalJson(bytes, "new_messages_json", facts) ?? [];
  if (!Array.isArray(messages)) throw protocolViolation("sent new_messages_json that is not a list", facts);
  return messages;
}

/** Arguments that did not validate may be any text the model wrote; they are told as that text. */
function toArgs(tool: { argsJson: Uint8Array; argsValid: boolean }, call: Call): unknown {
  if (tool.argsValid) return optionalJson(tool.argsJson, "tool_call.args_json", factsOf(call));
  try {
    return optionalJson(tool.argsJson, "tool_call.args_json", factsOf(call));
  } catch {
    return Buffer.from(tool.argsJson).toString("utf8");
  }
}

function optionalJson(bytes: Uint8Array, field: string, facts: RunErrorFacts): unknown {
  return bytes.byteLength === 0 ? undefined : decodeJson(bytes, field, facts);
}
