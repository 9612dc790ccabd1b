/** What a run asks its host for, and the host's answers, as they cross the wire. */

import { create, type MessageInitShape } from "@bufbuild/protobuf";
import { type HostAnswer, HostAnswerSchema, type HostRequest as WireRequest } from "../gen/synapse_otp/v1/agent_pb.ts";
import { type Call, factsOf } from "./call.ts";
import { toContent } from "./content.ts";
import { toPendingCalls } from "./convert.ts";
import type { HostReply, HostRequest } from "./host-requests.ts";
import { decodeJson, encodeJson } from "./json.ts";

type Answer = NonNullable<MessageInitShape<typeof HostAnswerSchema>["answer"]>;

/**
 * The request in a message; undefined for one that this version does not know.
 * @throws RunError "protocol_violation" for JSON that is none, or not what it should be
 */
export function toHostRequest({ request, timeLeftMs }: WireRequest, call: Call): HostRequest | undefined {
  if (request.case === "wait") {
    const { token, name, requestsJson } = request.value;
    const requests = toPendingCalls(requestsJson, "wait.requests_json", call);
    return {
      type: "wait",
      token,
      name,
      requests,
      timeLeftMs: timeLeftMs === undefined ? undefined : Number(timeLeftMs),
    };
  }
  if (request.case !== "toolCall") return undefined;
  const { toolCallId, toolName, argsJson, retry, step } = request.value;
  const rule = call.unsafeNumbers === "bigint" ? "bigint" : "string";
  const args = decodeJson(argsJson, "tool_call.args_json", { facts: factsOf(call), rule });
  return { type: "tool.call", toolCallId, toolName, args, retry, step };
}

/**
 * The message of an answer.
 * @throws CallerError "invalid_argument" for a value that JSON cannot hold, or content that breaks its rule; `what` is its name in errors
 */
export function toHostAnswer(requestId: bigint, reply: HostReply, what: string): HostAnswer {
  return create(HostAnswerSchema, { requestId, answer: toAnswer(reply, what) });
}

function toAnswer(reply: HostReply, what: string): Answer {
  switch (reply.type) {
    case "unknown":
      return { case: "unknown", value: {} };
    case "timed_out":
      return { case: "timedOut", value: {} };
    case "tool.return":
      return { case: "toolReturn", value: { valueJson: encodeJson(what, reply.value ?? null, "write") } };
    case "tool.content":
      return { case: "toolReturn", value: { content: toContent(what, reply.parts) } };
    case "tool.retry":
      return { case: "toolRetry", value: { message: reply.message.toWellFormed() } };
    case "tool.failed":
      return { case: "toolFailed", value: { message: reply.message.toWellFormed() } };
    case "tool.error":
      return { case: "toolError", value: { message: reply.message.toWellFormed(), type: reply.name.toWellFormed() } };
    case "wait.answered":
      return { case: "waitAnswered", value: { valueJson: reply.valueJson } };
    case "wait.declined":
      return { case: "waitDeclined", value: { reason: reply.reason.toWellFormed() } };
  }
}
