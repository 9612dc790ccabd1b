/** The client of one incarnation: typed calls over one session. It knows nothing of processes. */

import type { ContentPart } from "./content.ts";
import type { EncodedRun } from "./encoded-run.ts";
import type { HostRequestHandler } from "./host-requests.ts";
import type { WireRunEvent } from "./run-event.ts";
import type { AgentDescription, WireRunResult } from "./run-types.ts";

/** What a live run is told. */
export interface SteerMessage {
  readonly content: readonly ContentPart[];
  /** "asap": with the next model request; "when_idle": when the run would end otherwise. */
  readonly priority: "asap" | "when_idle";
}

/** How one call may be ended early. */
export interface CallOptions {
  /** Cancels the call; the Python handler is cancelled too. */
  signal?: AbortSignal | undefined;
  /** Becomes the gRPC deadline, which the Python handler sees. */
  timeoutMs?: number | undefined;
}

/**
 * Calls reject with a `RunError` (the agent's answer), a `CallerError` "message_too_large" or a {@link ConnectionLostError}.
 * A lost connection says nothing of why: the worker's exit does.
 */
export interface AgentClient {
  run(request: EncodedRun, options?: CallOptions): Promise<WireRunResult>;
  /** Leaving the loop early cancels the call. Yields exactly one terminal event, last; rejects only as `run` does for transport reasons. */
  stream(request: EncodedRun, options?: CallOptions): AsyncGenerator<WireRunEvent, void, undefined>;
  /**
   * As `stream`, for a run that asks its host for something: each request is answered by `handler`. Events are read ahead by some, so that a request is
   * answered while its reader pauses.
   */
  session(
    request: EncodedRun,
    handler: HostRequestHandler,
    options?: CallOptions,
  ): AsyncGenerator<WireRunEvent, void, undefined>;
  /** Puts a message into a run; false when it runs there no more. */
  steer(runId: string, attempt: number, message: SteerMessage, options?: CallOptions): Promise<boolean>;
  /**
   * Settles when nothing of a run works any more: neither the call that carried it, which may have been cancelled long ago, nor a thread that it
   * has started. A run that the worker does not know, or does not know yet, has ended, and is refused when it comes.
   */
  awaitEnd(runId: string, attempt: number, options?: CallOptions): Promise<void>;
  describe(agentId: string, options?: CallOptions): Promise<AgentDescription>;
  /** The standard health check, answered by the worker's event loop. */
  checkHealth(options?: CallOptions): Promise<"serving" | "not_serving">;
  /** Settles when the connection is gone, whoever ended it. Never rejects. */
  readonly closed: Promise<void>;
  /** Ends the connection; calls in flight reject with ConnectionLostError. Idempotent. */
  close(): void;
}

/** The connection to the worker is gone. Internal: the agent replaces it by the worker's exit before a caller sees it. */
export class ConnectionLostError extends Error {
  override readonly name = "ConnectionLostError";
  /** Whether it is certain that the worker has not begun the call: it was never sent, or refused before anything was done with it. */
  readonly neverBegan: boolean;

  constructor(message: string, options: { cause?: unknown; neverBegan?: boolean } = {}) {
    super(message, "cause" in options ? { cause: options.cause } : undefined);
    this.neverBegan = options.neverBegan ?? false;
  }
}
