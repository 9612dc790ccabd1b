/** What a run asks its host for in its middle, and what the host may answer, in TypeScript's own shapes. */

import type { ContentPart } from "./content.ts";
import type { PendingCall } from "./deferred-calls.ts";

/** A model has called a tool of the host. */
export interface ToolCallRequest {
  readonly type: "tool.call";
  readonly toolCallId: string;
  readonly toolName: string;
  /** As the model wrote them. */
  readonly args: unknown;
  /** How often the tool has failed in a row before. */
  readonly retry: number;
  /** The model request that has asked for it, from 1. */
  readonly step: number;
}

/** The run waits for an answer from outside. */
export interface WaitRequest {
  readonly type: "wait";
  /** The same in each attempt of the run. */
  readonly token: string;
  /** What the run's code calls it. */
  readonly name: string;
  /** What the answer is about; undefined: any JSON value answers it. */
  readonly requests: readonly PendingCall[] | undefined;
  /** Milliseconds; undefined: as long as the run lasts. */
  readonly timeLeftMs: number | undefined;
}

/** What a run asks for. */
export type HostRequest = ToolCallRequest | WaitRequest;

/** What the host answers. `unknown`: nothing here knows such requests; the run fails. */
export type HostReply =
  | { readonly type: "unknown" }
  | { readonly type: "timed_out" }
  | { readonly type: "tool.return"; readonly value: unknown }
  | { readonly type: "tool.content"; readonly parts: readonly ContentPart[] }
  | { readonly type: "tool.retry"; readonly message: string }
  | { readonly type: "tool.failed"; readonly message: string }
  | { readonly type: "tool.error"; readonly name: string; readonly message: string }
  | { readonly type: "wait.answered"; readonly valueJson: Uint8Array<ArrayBuffer> }
  | { readonly type: "wait.declined"; readonly reason: string };

/** Answers the requests of one run. The signal is aborted when the answer is not needed any more, whoever ended what. Must not reject. */
export type HostRequestHandler = (request: HostRequest, signal: AbortSignal) => Promise<HostReply>;
