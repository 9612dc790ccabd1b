import { create, type MessageInitShape } from "@bufbuild/protobuf";
import { describe, expect, test } from "vitest";
import {
  FrontendEnd,
  InputOutcome,
  RunResponseChunkSchema,
  ToolOutcome,
} from "../../src/gen/synapse_otp/v1/agent_pb.ts";
import { beginCall } from "../../src/rpc/call.ts";
import { toRunEvent } from "../../src/rpc/convert-event.ts";
import { json } from "./agent-server.ts";

const call = beginCall('run "r" of agent "a"', { agentId: "a", runId: "r" }, {});

function event(init: MessageInitShape<typeof RunResponseChunkSchema>) {
  return toRunEvent(create(RunResponseChunkSchema, { seq: 1n, step: 3, ...init }), call);
}

const violation = (text: string) =>
  expect.objectContaining({ code: "protocol_violation", runId: "r", message: expect.stringContaining(text) });

describe("an event", () => {
  test("keeps a sequence number up to 2^53", () => {
    expect(event({ seq: BigInt(Number.MAX_SAFE_INTEGER), event: { case: "textDelta", value: {} } })?.seq).toBe(
      Number.MAX_SAFE_INTEGER,
    );
    expect(() => event({ seq: 2n ** 60n, event: { case: "textDelta", value: {} } })).toThrow(violation("seq"));
  });

  test.each<[string, ToolOutcome]>([
    ["success", ToolOutcome.SUCCESS],
    ["failed", ToolOutcome.FAILED],
    ["retry", ToolOutcome.RETRY],
    ["denied", ToolOutcome.DENIED],
    ["interrupted", ToolOutcome.INTERRUPTED],
    ["unknown", ToolOutcome.UNSPECIFIED],
    ["unknown", 77 as ToolOutcome],
  ])("of a tool's result has the outcome %s", (outcome, wire) => {
    expect(event({ event: { case: "toolResult", value: { outcome: wire } } })).toMatchObject({ outcome });
  });

  test("of a tool call with arguments that did not validate keeps the model's text", () => {
    const argsJson = new TextEncoder().encode('{"a": ');
    expect(event({ event: { case: "toolCall", value: { argsJson } } })).toMatchObject({ args: '{"a": ' });
    const valid = { argsJson, argsValid: true };
    expect(() => event({ event: { case: "toolCall", value: valid } })).toThrow(violation("args_json"));
  });

  test("of an unknown kind is undefined", () => {
    expect(event({})).toBeUndefined();
  });
});

test("arguments and results that were left out for their size say how large they were", () => {
  const call = { toolCallId: "c", toolName: "t", omittedBytes: 5_000n };
  expect(event({ event: { case: "toolCall", value: { ...call, argsValid: true } } })).toMatchObject({
    args: undefined,
    omittedBytes: 5_000,
  });
  expect(event({ event: { case: "toolResult", value: call } })).toMatchObject({
    content: undefined,
    omittedBytes: 5_000,
  });
});

type Wire = NonNullable<MessageInitShape<typeof RunResponseChunkSchema>["event"]>;

test.each<[Wire, object]>([
  [
    { case: "toolArgsDelta", value: { partIndex: 1, toolCallId: "c", toolName: "t", text: '{"a"' } },
    { type: "tool.args.delta", partIndex: 1, toolCallId: "c", toolName: "t", text: '{"a"' },
  ],
  [
    { case: "frontendText", value: { text: "data: {}\n\n" } },
    { type: "frontend.text", text: "data: {}\n\n" },
  ],
  [
    { case: "frontendText", value: { text: "data: 1\n\n", end: FrontendEnd.COMPLETED } },
    { type: "frontend.text", text: "data: 1\n\n", end: "completed" },
  ],
  [
    { case: "frontendText", value: { text: "data: 2\n\n", end: FrontendEnd.FAILED } },
    { type: "frontend.text", text: "data: 2\n\n", end: "failed" },
  ],
  [
    { case: "partStart", value: { partIndex: 2, partKind: "text" } },
    { type: "part.start", partIndex: 2, partKind: "text" },
  ],
  [
    { case: "partStart", value: { partIndex: 2, partKind: "tool-call", toolCallId: "c", toolName: "t" } },
    { type: "part.start", partIndex: 2, partKind: "tool-call", toolCallId: "c", toolName: "t" },
  ],
  [
    { case: "partEnd", value: { partIndex: 2, partKind: "file", partJson: json({ part_kind: "file" }) } },
    { type: "part.end", partIndex: 2, partKind: "file", part: { part_kind: "file" } },
  ],
  [
    { case: "partEnd", value: { partIndex: 2, partKind: "file", omittedBytes: 9n } },
    { type: "part.end", partIndex: 2, partKind: "file", part: undefined, omittedBytes: 9 },
  ],
  [
    { case: "citationsDelta", value: { partIndex: 1, citationsJson: json([{ sources: [], anchor: null }]) } },
    { type: "citations.delta", partIndex: 1, citations: [{ sources: [], anchor: null }] },
  ],
  [
    {
      case: "outputCall",
      value: { toolCallId: "c", toolName: "final_result", argsJson: json({ a: 1 }), argsValid: true },
    },
    { type: "output.call", toolCallId: "c", toolName: "final_result", args: { a: 1 }, argsValid: true },
  ],
  [
    {
      case: "outputResult",
      value: { toolCallId: "c", toolName: "f", contentJson: json("ok"), outcome: ToolOutcome.RETRY },
    },
    { type: "output.result", toolCallId: "c", toolName: "f", content: "ok", outcome: "retry" },
  ],
  [
    { case: "retry", value: { cause: "model_retry", contentJson: json("again"), attempt: 1, maxRetries: 2 } },
    { type: "retry", cause: "model_retry", content: "again", attempt: 1, maxRetries: 2 },
  ],
  [
    { case: "retry", value: { cause: "x", contentJson: json("y") } },
    { type: "retry", cause: "x", content: "y" },
  ],
])("%o is an event with its step", (wire, expected) => {
  expect(event({ event: wire })).toEqual({ seq: 1, step: 3, ...expected });
});

test("a wait says what it is about, and until when, as far as it is known", () => {
  const part = { tool_name: "pay", args: '{"amount":1}', tool_call_id: "c1", part_kind: "tool-call" };
  const requests = { calls: [], approvals: [part], metadata: {} };
  const value = { token: "t", name: "n", requestsJson: json(requests), deadlineUnixMs: 9n };
  expect(event({ event: { case: "inputRequested", value } })).toEqual({
    type: "input.requested",
    seq: 1,
    step: 3,
    token: "t",
    name: "n",
    requests: [{ kind: "approval", toolCallId: "c1", toolName: "pay", args: { amount: 1 }, metadata: undefined }],
    deadlineAtMs: 9,
  });
  const bare = { type: "input.requested", seq: 1, step: 3, token: "t", name: "n" };
  expect(event({ event: { case: "inputRequested", value: { token: "t", name: "n" } } })).toEqual(bare);
  const omitted = { token: "t", name: "n", omittedBytes: 5_000n };
  expect(event({ event: { case: "inputRequested", value: omitted } })).toEqual({ ...bare, omittedBytes: 5_000 });
  const none = { token: "t", name: "n", requestsJson: json([]) };
  expect(() => event({ event: { case: "inputRequested", value: none } })).toThrow(violation("requests_json"));
});

test.each<[string, InputOutcome]>([
  ["answered", InputOutcome.ANSWERED],
  ["declined", InputOutcome.DECLINED],
  ["timed_out", InputOutcome.TIMED_OUT],
  ["unknown", 77 as InputOutcome],
])("the end of a wait has the outcome %s", (outcome, wire) => {
  const value = { token: "t", name: "n", outcome: wire };
  expect(event({ event: { case: "inputAnswered", value } })).toMatchObject({ type: "input.answered", outcome });
});
