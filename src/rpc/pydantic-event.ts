/** Events that cross the wire in pydantic-ai's own words → typed events. */

import type { PydanticEvent } from "../gen/synapse_otp/v1/agent_pb.ts";
import type { Citation, DeferredRequests, ResponsePartKind } from "./message-part.ts";
import type { ProgressEvent, RealtimeFacts } from "./run-event.ts";

type EventType = ProgressEvent["type"];

/** Every kind of event of pydantic-ai, and what it is here. A test in Python compares it with the installed version. */
export const eventTypes = {
  part_start: "part.start",
  part_delta: "text.delta",
  part_end: "part.end",
  final_result: "output.start",
  function_tool_call: "tool.call",
  function_tool_result: "tool.result",
  output_tool_call: "output.call",
  output_tool_result: "output.result",
  deferred_tool_requests: "deferred.requests",
  deferred_tool_results: "deferred.results",
  enqueued_messages: "messages.enqueued",
  tool_availability_delta: "tools.available",
  capability_load_delta: "capabilities.loaded",
  model_settings_delta: "settings.changed",
  custom: "custom",
  capability: "capability",
  realtime_turn_complete: "realtime",
  realtime_input_speech_start: "realtime",
  realtime_input_speech_end: "realtime",
  realtime_output_speech_start: "realtime",
  realtime_output_speech_end: "realtime",
  realtime_response_interrupted: "realtime",
  realtime_input_transcription_error: "realtime",
  realtime_session_reconnect: "realtime",
  realtime_session_error: "realtime",
} as const satisfies Readonly<Record<string, EventType>>;

/** The same for the kinds of deltas in a `part_delta`. */
export const deltaTypes = {
  text: "text.delta",
  thinking: "thinking.delta",
  tool_call: "tool.args.delta",
  speech: "speech.delta",
} as const satisfies Readonly<Record<string, EventType>>;

/** Every kind of part of a response. */
export const partKinds = {
  text: true,
  thinking: true,
  "tool-call": true,
  "builtin-tool-call": true,
  "builtin-tool-return": true,
  file: true,
  compaction: true,
  speech: true,
} as const satisfies Readonly<Record<ResponsePartKind, true>>;

type Fields = Readonly<Record<string, unknown>>;

/** What an event is that pydantic-ai alone has a word for; `event` is its parsed JSON, undefined where that was left out for its size. */
export function ofPydanticEvent({ kind, omittedBytes }: PydanticEvent, event: unknown): ProgressBody {
  const unknownEvent: ProgressBody = { type: "unknown", kind, event };
  if (omittedBytes > 0n) return { ...unknownEvent, omittedBytes: Number(omittedBytes) };
  if (typeof event !== "object" || event === null) return unknownEvent;
  if (!(needs[kind] ?? everything)(event as Fields)) return unknownEvent;
  return bodyOf(kind, event as Fields) ?? unknownEvent;
}

const isObject = (value: unknown): boolean => typeof value === "object" && value !== null && !Array.isArray(value);
const areTexts = (value: unknown): boolean => Array.isArray(value) && value.every((item) => typeof item === "string");
const everything = (): boolean => true;

/** What the fields of an event have to be for it to be told by its name; another one is told as it came. */
const needs: Readonly<Record<string, (event: Fields) => boolean>> = {
  part_delta: ({ index, delta }) => typeof index === "number" && isObject(delta),
  deferred_tool_requests({ requests }) {
    const { calls, approvals } = (requests ?? {}) as Fields;
    return Array.isArray(calls) && Array.isArray(approvals);
  },
  enqueued_messages: ({ enqueue_id, messages }) => typeof enqueue_id === "string" && Array.isArray(messages),
  tool_availability_delta: ({ part }) => areTexts(((part ?? {}) as Fields).tools_added),
  capability_load_delta: ({ part }) => areTexts(((part ?? {}) as Fields).loaded),
  custom: ({ name }) => typeof name === "string",
  capability: ({ kind }) => typeof kind === "string",
};

/** An event less what all events have. */
export type ProgressBody = Without<ProgressEvent, "seq" | "step">;
type Without<T, Key extends PropertyKey> = T extends unknown ? Omit<T, Key> : never;

function bodyOf(kind: string, event: Fields): ProgressBody | undefined {
  const part = (event.part ?? {}) as Fields;
  switch (kind) {
    case "final_result":
      return { type: "output.start", ...callOf(event) };
    case "part_delta":
      return { type: "speech.delta", partIndex: event.index as number, delta: event.delta as Fields };
    case "deferred_tool_requests":
      return { type: "deferred.requests", requests: event.requests as DeferredRequests };
    case "deferred_tool_results":
      return { type: "deferred.results", results: event.results };
    case "enqueued_messages":
      return {
        type: "messages.enqueued",
        enqueueId: event.enqueue_id as string,
        messages: event.messages as unknown[],
      };
    case "tool_availability_delta":
      return { type: "tools.available", toolsAdded: part.tools_added as string[], ...callOf(part) };
    case "capability_load_delta":
      return { type: "capabilities.loaded", loaded: part.loaded as string[], ...callOf(part) };
    case "model_settings_delta":
      return { type: "settings.changed", settings: part.settings, topLevel: part.top_level === true };
    case "custom": {
      const { event_kind: _kind, name, tool_call_id: _id, tool_name: _tool, ...data } = event;
      return { type: "custom", name: name as string, ...callOf(event), data };
    }
    case "capability": {
      const { event_kind: _kind, kind: own, capability_id, tool_call_id: _id, tool_name: _tool, ...data } = event;
      const capability = typeof capability_id === "string" ? { capabilityId: capability_id } : {};
      return { type: "capability", kind: own as string, ...capability, ...callOf(event), data };
    }
    default:
      return kind.startsWith("realtime_") && kind in eventTypes ? realtime(kind, event) : undefined;
  }
}

/** The tool call that an event belongs to. */
function callOf({ tool_call_id, tool_name }: Fields): { toolCallId?: string; toolName?: string } {
  return {
    ...(typeof tool_call_id === "string" ? { toolCallId: tool_call_id } : {}),
    ...(typeof tool_name === "string" ? { toolName: tool_name } : {}),
  };
}

const realtimeNames: Readonly<Record<string, keyof RealtimeFacts>> = {
  item_id: "itemId",
  content_index: "contentIndex",
  message: "message",
  type: "errorType",
  code: "code",
  recoverable: "recoverable",
  state_restored: "stateRestored",
};

function realtime(kind: string, event: Fields): ProgressBody {
  const facts = Object.entries(event).flatMap(([name, value]) => {
    const own = realtimeNames[name];
    return own === undefined || value === null ? [] : [[own, value]];
  });
  const rest = Object.fromEntries(facts) as Omit<RealtimeFacts, "kind">;
  return { type: "realtime", kind: kind.slice("realtime_".length) as RealtimeFacts["kind"], ...rest };
}

/** Citations as they cross the wire. */
export function toCitations(value: unknown): readonly Citation[] {
  return Array.isArray(value) ? value : [];
}
