/** The calls that a run asks people about, out of pydantic-ai's DeferredToolRequests. */

import type { WireDeferred, WireDeferredCall } from "./run-types.ts";

/** What a run asks for: consent to a call ("approval"), the result of one that is made elsewhere ("external"), or an answer to a question. */
export interface PendingCall {
  readonly kind: "approval" | "external" | "question";
  readonly toolCallId: string;
  readonly toolName: string;
  readonly args: unknown;
  /** What the tool says beside it; undefined: nothing. */
  readonly metadata: unknown;
}

/** The calls, those to be approved first. */
export function pendingCalls({ approvals, calls, metadata = {}, _kinds = {} }: WireDeferred): PendingCall[] {
  const pending = (call: WireDeferredCall, kind: PendingCall["kind"]): PendingCall => ({
    kind,
    toolCallId: call.tool_call_id,
    toolName: call.tool_name,
    args: argsOf(call.args),
    metadata: metadata[call.tool_call_id],
  });
  return [
    ...approvals.map((call) => pending(call, "approval")),
    ...calls.map((call) => pending(call, _kinds[call.tool_call_id] === "question" ? "question" : "external")),
  ];
}

/** As the model wrote them: an object, or its JSON, or no JSON at all. */
function argsOf(args: unknown): unknown {
  if (typeof args !== "string") return args ?? {};
  try {
    return JSON.parse(args);
  } catch {
    return args;
  }
}
