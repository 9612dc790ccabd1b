/** What the worker answers → the values of run-types.ts. */

import { RunError } from "../errors.ts";
import { type DescribeResponse, type OutputAt, OutputKind, type RunResponse } from "../gen/synapse_otp/v1/agent_pb.ts";
import type { Usage } from "../usage.ts";
import { type Call, factsOf } from "./call.ts";
import { type PendingCall, pendingCalls } from "./deferred-calls.ts";
import { parseExact, refuseUnsafe, type UnsafeHolders, UnsafeNumberError } from "./exact-json.ts";
import { decodeJson, protocolViolation } from "./json.ts";
import type { AgentDescription, WireDeferred, WireRunResult } from "./run-types.ts";
import { toUsage } from "./usage.ts";

/**
 * A finished run. Throws RunError "protocol_violation" for JSON that is none, or a count beyond 2^53, and "output_invalid" for an output that holds a
 * number which the rule of the call refuses.
 */
export function toRunResult(response: RunResponse, call: Call): WireRunResult {
  const facts = factsOf(call);
  const usage = toUsage(response.usage, facts);
  const holders: UnsafeHolders = new Map();
  const newMessages = toMessages(response.newMessagesJson, "new_messages_json", call, holders);
  let allMessages: unknown[] | undefined;
  const paused = response.kind === OutputKind.DEFERRED;
  return {
    ...(paused ? { deferred: toDeferred(response.deferredJson, "deferred_json", call) } : {}),
    output: paused ? undefined : toOutput(response, call, { newMessages, usage, holders }),
    usage,
    newMessages,
    get allMessages() {
      allMessages ??= toAllMessages(response.allMessagesJson, newMessages, call);
      return allMessages;
    },
    runId: response.runId,
    conversationId: response.conversationId,
    modelName: response.modelName,
    finishReason: response.finishReason,
    unfinished: response.unfinished,
  };
}

/** What the agent is. Throws RunError "protocol_violation" for a schema that is not JSON. */
export function toDescription(response: DescribeResponse, call: Call): AgentDescription {
  const schema = (bytes: Uint8Array, field: string) => optionalJson(bytes, field, call);
  return {
    agentId: response.agentId,
    name: response.name,
    description: response.description,
    model: response.model,
    inputSchema: schema(response.inputSchemaJson, "input_schema_json"),
    outputSchema: schema(response.outputSchemaJson, "output_schema_json"),
    depsSchema: schema(response.depsSchemaJson, "deps_schema_json"),
    depsType: response.depsType,
    tools: response.tools.map((tool) => ({
      name: tool.name,
      description: tool.description,
      parametersSchema: schema(tool.parametersSchemaJson, "parameters_schema_json"),
      needsApproval: tool.requiresApproval,
      external: tool.external,
    })),
    unknownToolsets: response.unknownToolsets,
    outputTools: response.outputTools,
    schemaHash: response.schemaHash,
    synapseOtpVersion: response.synapseOtpVersion,
    pydanticAiVersion: response.pydanticAiVersion,
    pythonVersion: response.pythonVersion,
    protocolVersion: response.protocolVersion,
    features: response.features,
  };
}

/** What an output is read with. */
interface RunSoFar {
  readonly newMessages: unknown[];
  readonly holders: UnsafeHolders;
  readonly usage: Usage;
}

/** A worker that knows `result` alone answers with text; structured output has no meaning without its JSON. */
function toOutput(response: RunResponse, call: Call, run: RunSoFar): unknown {
  const rule = call.unsafeNumbers ?? "string";
  const facts = factsOf(call);
  try {
    if (response.outputAt !== undefined) return outputAt(response.outputAt, call, run);
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
function outputAt(at: OutputAt, call: Call, { newMessages, holders }: RunSoFar): unknown {
  const rule = call.unsafeNumbers ?? "string";
  const part = (newMessages as Partial<Message>[])[at.message]?.parts?.[at.part];
  if (part?.part_kind === "text" && typeof part.content === "string") return part.content;
  if (part?.part_kind === "tool-call") {
    if (typeof part.args === "string") return parseExact(part.args, rule);
    // The messages were read by another rule: in them such a number is no fault.
    if (rule === "error") refuseUnsafe(part.args, holders);
    return part.args;
  }
  throw protocolViolation("points to an output that is not in its messages", factsOf(call));
}

/** As much of a pydantic-ai message as an output is found by. */
interface Message {
  parts: { part_kind?: unknown; content?: unknown; args?: unknown }[];
}

/**
 * What a run asks people for.
 * @throws RunError "protocol_violation" for what is no DeferredToolRequests
 */
function toDeferred(bytes: Uint8Array, field: string, call: Call): WireDeferred {
  const deferred = optionalJson(bytes, field, call) as Partial<WireDeferred> | undefined;
  const { calls, approvals } = deferred ?? {};
  if (deferred === undefined || !Array.isArray(calls) || !Array.isArray(approvals)) {
    throw protocolViolation(`sent ${field} that is none`, factsOf(call));
  }
  return { ...deferred, calls, approvals };
}

/**
 * The calls that a run asks people about; undefined where it asks about none.
 * @throws RunError "protocol_violation" for what is no DeferredToolRequests
 */
export function toPendingCalls(bytes: Uint8Array, field: string, call: Call): PendingCall[] | undefined {
  return bytes.byteLength === 0 ? undefined : pendingCalls(toDeferred(bytes, field, call));
}

function toAllMessages(bytes: Uint8Array, newMessages: unknown[], call: Call): unknown[] {
  if (bytes.byteLength > 0) return toMessages(bytes, "all_messages_json", call);
  return [...toMessages(call.historyJson ?? bytes, "message_history_json", call), ...newMessages];
}

function toMessages(bytes: Uint8Array, field: string, call: Call, holders?: UnsafeHolders): unknown[] {
  const messages = optionalJson(bytes, field, call, holders) ?? [];
  if (!Array.isArray(messages)) throw protocolViolation(`sent ${field} that is not a list`, factsOf(call));
  return messages;
}

/** A document beside the output: a number that the output may not hold is told as its text. */
export function optionalJson(bytes: Uint8Array, field: string, call: Call, holders?: UnsafeHolders): unknown {
  if (bytes.byteLength === 0) return undefined;
  const rule = call.unsafeNumbers === "bigint" ? "bigint" : "string";
  return decodeJson(bytes, field, { facts: factsOf(call), rule, ...(holders === undefined ? {} : { holders }) });
}
