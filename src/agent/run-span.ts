/** A run in the traces of its host: what runs need of a tracer. */

import type { Outcome } from "./run-outcome.ts";

/** Begins spans, each the child of what is active where the run was asked for. */
export interface RunTracer {
  begin(run: {
    readonly agentId: string;
    readonly runId: string;
    readonly conversationId: string | undefined;
  }): RunSpan;
}

/** The span of one run, from the question to the answer. */
export interface RunSpan {
  /** W3C trace context and baggage for the worker: its own spans are children of this one. */
  readonly headers: Readonly<Record<string, string>>;
  /** Empty where the trace is not recorded. */
  readonly ids: { readonly traceId?: string };
  /** The caller is answered. */
  end(outcome: Outcome, taken: { readonly attempts: number; readonly incarnation: number }): void;
}
