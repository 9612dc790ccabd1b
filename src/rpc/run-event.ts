/** The events of a run as they cross the wire, in TypeScript's own shapes. */

import type { RunError } from "../errors.ts";
import type { Usage } from "../usage.ts";
import type { PendingCall } from "./deferred-calls.ts";
import type { Citation, DeferredRequests, ResponsePart, ResponsePartKind } from "./message-part.ts";
import type { WireRunResult } from "./run-types.ts";

/** What every event has. */
interface EventBase {
  /** 1, 2, 3, ... within an attempt. */
  seq: number;
  /** The model request that it belongs to, from 1; 0: before the first. */
  step: number;
}

/** What became of a tool's call. */
export type ToolOutcome = "success" | "failed" | "retry" | "denied" | "interrupted" | "unknown";

/** What became of a wait: it was answered, or declined, or its time has passed. */
export type InputOutcome = "answered" | "declined" | "timed_out" | "unknown";

interface ToolCalled {
  toolCallId: string;
  toolName: string;
  args: unknown;
  argsValid: boolean;
  /** Bytes of `args`, which are larger than a message may be, and left out. */
  omittedBytes?: number;
}

interface ToolReturned {
  toolCallId: string;
  toolName: string;
  content: unknown;
  outcome: ToolOutcome;
  /** Bytes of `content`, which is larger than a message may be, and left out. */
  omittedBytes?: number;
}

/** What pydantic-ai's events of realtime sessions tell; `kind` is theirs without "realtime_". */
export interface RealtimeFacts {
  kind:
    | "turn_complete"
    | "input_speech_start"
    | "input_speech_end"
    | "output_speech_start"
    | "output_speech_end"
    | "response_interrupted"
    | "input_transcription_error"
    | "session_reconnect"
    | "session_error";
  itemId?: string;
  contentIndex?: number;
  message?: string;
  errorType?: string;
  code?: string;
  recoverable?: boolean;
  stateRestored?: boolean;
}

/** What a run tells while it works, one type for each kind of pydantic-ai's events; more may be added. */
export type ProgressEvent = EventBase &
  (
    | { type: "text.delta"; text: string; partIndex: number }
    | { type: "thinking.delta"; text: string; partIndex: number }
    /** A piece of the arguments that the model writes for a tool; the pieces of a call are one JSON document. */
    | { type: "tool.args.delta"; text: string; partIndex: number; toolCallId: string; toolName: string }
    | { type: "citations.delta"; citations: readonly Citation[]; partIndex: number }
    | { type: "speech.delta"; delta: Readonly<Record<string, unknown>>; partIndex: number }
    /** A part of the model's response begins; what it begins with comes as a delta. */
    | { type: "part.start"; partIndex: number; partKind: ResponsePartKind; toolCallId?: string; toolName?: string }
    /** A part is complete; files and results of a provider's own tools come here. */
    | {
        type: "part.end";
        partIndex: number;
        partKind: ResponsePartKind;
        part: ResponsePart | undefined;
        omittedBytes?: number;
      }
    | ({ type: "tool.call" } & ToolCalled)
    | ({ type: "tool.result" } & ToolReturned)
    /** What the model writes from here on is the run's output; by a tool, where there is one. */
    | { type: "output.start"; toolCallId?: string; toolName?: string }
    | { type: "output.partial"; output: unknown }
    /** The tool call that gives the output, and what became of it. */
    | ({ type: "output.call" } & ToolCalled)
    | ({ type: "output.result" } & ToolReturned)
    /** The answer of this step cannot be used: the model is told `content`, and asked again. `attempt` counts from 1. */
    | { type: "retry"; cause: string; content: unknown; attempt?: number; maxRetries?: number }
    | { type: "deferred.requests"; requests: DeferredRequests }
    /** As pydantic-ai's DeferredToolResults. */
    | { type: "deferred.results"; results: unknown }
    /** The run waits for an answer from outside, which `agent.answer` gives; about `requests`, or any JSON value where there are none. */
    | {
        type: "input.requested";
        token: string;
        name: string;
        requests?: readonly PendingCall[];
        /** Until when, in milliseconds since the Unix epoch; absent: as long as the run lasts. */
        deadlineAtMs?: number;
        /** Bytes of `requests`, which are larger than a message may be, and left out. */
        omittedBytes?: number;
      }
    /** It waits no more. */
    | { type: "input.answered"; token: string; name: string; outcome: InputOutcome }
    /** Messages that were added to the run from outside, or by a tool. */
    | { type: "messages.enqueued"; enqueueId: string; messages: unknown[] }
    | { type: "tools.available"; toolsAdded: string[]; toolCallId?: string }
    | { type: "capabilities.loaded"; loaded: string[]; toolCallId?: string }
    | { type: "settings.changed"; settings: unknown; topLevel: boolean }
    /** An event of the agent's own code (`ctx.emit`). */
    | { type: "custom"; name: string; toolCallId?: string; toolName?: string; data: Readonly<Record<string, unknown>> }
    /** An event of a capability. */
    | {
        type: "capability";
        kind: string;
        capabilityId?: string;
        toolCallId?: string;
        toolName?: string;
        data: Readonly<Record<string, unknown>>;
      }
    | ({ type: "realtime" } & RealtimeFacts)
    /**
     * Of a run that answers a front end (`agent.fetch`), in place of the others: one event of its protocol, as it is sent to the client. `end`: it tells how the run has
     * ended, or follows what does.
     */
    | { type: "frontend.text"; text: string; end?: "completed" | "failed" }
    /** An event of pydantic-ai that this version does not know, or (`omittedBytes`) that is larger than a message may be. */
    | { type: "unknown"; kind: string; event: unknown; omittedBytes?: number }
  );

/** One event of a stream as it crossed the wire. The last one is exactly one of completed, failed, cancelled. */
export type WireRunEvent =
  | ProgressEvent
  | (EventBase &
      (
        | { type: "started"; modelName: string; conversationId: string }
        | { type: "completed"; result: WireRunResult }
        | { type: "failed"; error: RunError }
        | { type: "cancelled"; reason: string; usage?: Usage; messages?: unknown[]; unfinished: boolean }
      ));
