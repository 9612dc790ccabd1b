import { create } from "@bufbuild/protobuf";
import { expect, expectTypeOf, test } from "vitest";
import { PydanticEventSchema } from "../../src/gen/synapse_otp/v1/agent_pb.ts";
import { deltaTypes, eventTypes, ofPydanticEvent } from "../../src/rpc/pydantic-event.ts";
import type { ProgressEvent } from "../../src/rpc/run-event.ts";

const read = (kind: string, event: unknown, omittedBytes = 0n) =>
  ofPydanticEvent(create(PydanticEventSchema, { kind, omittedBytes }), event);

test.each([
  ["final_result", { tool_name: null, tool_call_id: null }, { type: "output.start" }],
  ["final_result", { tool_name: "f", tool_call_id: "c" }, { type: "output.start", toolName: "f", toolCallId: "c" }],
  [
    "part_delta",
    { index: 2, delta: { part_delta_kind: "speech", transcript_delta: "hi" } },
    { type: "speech.delta", partIndex: 2, delta: { part_delta_kind: "speech", transcript_delta: "hi" } },
  ],
  [
    "deferred_tool_requests",
    { requests: { calls: [], approvals: [{ tool_name: "wipe" }], metadata: {} } },
    { type: "deferred.requests", requests: { calls: [], approvals: [{ tool_name: "wipe" }], metadata: {} } },
  ],
  ["deferred_tool_results", { results: { calls: {} } }, { type: "deferred.results", results: { calls: {} } }],
  [
    "enqueued_messages",
    { enqueue_id: "e", messages: [{ kind: "request" }], parts: [] },
    { type: "messages.enqueued", enqueueId: "e", messages: [{ kind: "request" }] },
  ],
  [
    "tool_availability_delta",
    { part: { tools_added: ["a"], tool_call_id: "c" } },
    { type: "tools.available", toolsAdded: ["a"], toolCallId: "c" },
  ],
  [
    "capability_load_delta",
    { part: { loaded: ["a"], tool_call_id: null } },
    { type: "capabilities.loaded", loaded: ["a"] },
  ],
  [
    "model_settings_delta",
    { part: { settings: { top_p: 1 }, top_level: true } },
    { type: "settings.changed", settings: { top_p: 1 }, topLevel: true },
  ],
  [
    "custom",
    { event_kind: "custom", name: "steps_done", tool_call_id: "c", tool_name: "work", done: 1 },
    { type: "custom", name: "steps_done", toolCallId: "c", toolName: "work", data: { done: 1 } },
  ],
  [
    "capability",
    { event_kind: "capability", kind: "todo", capability_id: "t", tool_call_id: null, tool_name: null, items: [1] },
    { type: "capability", kind: "todo", capabilityId: "t", data: { items: [1] } },
  ],
  [
    "realtime_session_error",
    { event_kind: "realtime_session_error", message: "m", type: "t", code: null, recoverable: true },
    { type: "realtime", kind: "session_error", message: "m", errorType: "t", recoverable: true },
  ],
  ["newer_than_this", { n: 7 }, { type: "unknown", kind: "newer_than_this", event: { n: 7 } }],
  ["realtime_newer", { n: 7 }, { type: "unknown", kind: "realtime_newer", event: { n: 7 } }],
  ["custom", { name: 7 }, { type: "unknown", kind: "custom", event: { name: 7 } }],
  ["part_delta", { index: "0" }, { type: "unknown", kind: "part_delta", event: { index: "0" } }],
  ["capability_load_delta", { part: 5 }, { type: "unknown", kind: "capability_load_delta", event: { part: 5 } }],
  ["custom", "a text", { type: "unknown", kind: "custom", event: "a text" }],
])("%s is what it says: %j", (kind, event, expected) => {
  expect(read(kind, event)).toEqual(expected);
});

test("an event that was left out for its size says how large it was", () => {
  expect(read("custom", undefined, 5_000n)).toEqual({
    type: "unknown",
    kind: "custom",
    event: undefined,
    omittedBytes: 5_000,
  });
});

test("every event that a run tells is the event of some kind of pydantic-ai's, or is the bridge's own", () => {
  type Told = (typeof eventTypes)[keyof typeof eventTypes] | (typeof deltaTypes)[keyof typeof deltaTypes];
  type Own =
    | "citations.delta"
    | "frontend.text"
    | "input.answered"
    | "input.requested"
    | "output.partial"
    | "retry"
    | "unknown";
  expectTypeOf<Told | Own>().toEqualTypeOf<ProgressEvent["type"]>();
  expect([Object.keys(eventTypes).length, Object.keys(deltaTypes).length]).toEqual([25, 4]);
});
