/** The answer of a fake agent as it crosses the wire. */

import { randomUUID } from "node:crypto";
import type { MessageInitShape } from "@bufbuild/protobuf";
import { OutputKind, type RunResponseSchema } from "../gen/synapse_otp/v1/agent_pb.ts";
import type { FakeAsk, FakeRun } from "./fake-run.ts";

/** A finished run in the contract's words. */
export type Response = MessageInitShape<typeof RunResponseSchema>;

/** The answer of a run. */
export function responseOf(run: FakeRun, output: unknown, modelName: string): Response {
  const text = typeof output === "string";
  const result = text ? output : JSON.stringify(output);
  const [requestTokens, responseTokens] = [tokens(run.prompt), tokens(result)];
  const usage = { requests: 1n, requestTokens, responseTokens, totalTokens: requestTokens + responseTokens };
  return {
    result,
    outputJson: encode(output),
    kind: text ? OutputKind.TEXT : OutputKind.STRUCTURED,
    ...deferredOf(output),
    usage,
    newMessagesJson: encode([
      { kind: "request", parts: [{ part_kind: "user-prompt", content: run.prompt }] },
      { kind: "response", parts: [{ part_kind: "text", content: result }] },
    ]),
    runId: run.runId,
    conversationId: run.conversationId || randomUUID(),
    attempts: run.attempt,
    modelName,
    finishReason: "stop",
    incarnation: run.incarnation,
  };
}

/** What makes an answer that of a paused run; nothing for any other. */
function deferredOf(output: unknown): Pick<Response, "kind" | "deferredJson"> {
  if (!(output instanceof FakePause)) return {};
  return { kind: OutputKind.DEFERRED, deferredJson: requestsJson(output.asks) };
}

/** The output of a run that pauses: no other output is taken for one, whatever it holds. */
export class FakePause {
  readonly asks: readonly FakeAsk[];

  constructor(asks: readonly FakeAsk[]) {
    this.asks = asks;
  }
}

/** What a fake run asks people for, as pydantic-ai's DeferredToolRequests. */
export function requestsJson(asks: readonly FakeAsk[]): Uint8Array<ArrayBuffer> {
  const parts = (kind: string) =>
    asks
      .filter((ask) => (ask.kind ?? "approval") === kind)
      .map(({ toolCallId, toolName, args = {} }) => ({ tool_call_id: toolCallId, tool_name: toolName, args }));
  return encode({ approvals: parts("approval"), calls: parts("external"), metadata: {} });
}

/** One token for each word. */
function tokens(text: string): bigint {
  return BigInt(text.split(/\s+/).filter((word) => word !== "").length);
}

/** A value as JSON. */
export function encode(value: unknown): Uint8Array<ArrayBuffer> {
  return new TextEncoder().encode(JSON.stringify(value));
}
