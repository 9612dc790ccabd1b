/** The runs of a system that belong to it, as a service sees them: found by their ids, read again, and cancelled by whoever may. */

import type { SynapseError } from "../errors.ts";
import type { OpenWait } from "./open-waits.ts";
import type { PausedRun } from "./paused-run.ts";
import type { RunOutcome, RunResult } from "./run-result.ts";
import type { RunStream } from "./run-stream.ts";

/** Where a run is: it waits for a worker, or is in one, where it works or waits for answers from outside, or has ended in one of four ways. */
export type RunState = "queued" | "running" | "waiting" | "paused" | "completed" | "failed" | "cancelled";

/** A run as it is now. */
export interface RunInfo<Output = unknown> {
  readonly runId: string;
  readonly agentId: string;
  readonly state: RunState;
  readonly detached: boolean;
  /** As it was started with. */
  readonly idempotencyKey?: string;
  /** Milliseconds since the Unix epoch. */
  readonly startedAtMs: number;
  /** Absent while it waits or runs. */
  readonly endedAtMs?: number;
  /** How many workers have taken it. */
  readonly attempts: number;
  /** The worker that has it or had it last; 0: none had. */
  readonly incarnation: number;
  /** The numbers of the first event that is kept, and of the last one; without any, the last is one less than the first. */
  readonly firstSeq: number;
  readonly lastSeq: number;
  /** About what its events and its outcome take in memory. */
  readonly bytes: number;
  /** What a waiting run waits for; `agent.answer` answers it. */
  readonly waits?: readonly OpenWait[];
  /** Of a completed run. */
  readonly result?: RunResult<Output>;
  /** Of a paused run. */
  readonly paused?: PausedRun;
  /** Of a failed or cancelled run. */
  readonly error?: SynapseError;
}

/**
 * A run that belongs to its system, as `agent.start` and `system.runs.attach` hand it out. Each loop over it is a reader of its own that gets every event
 * from the same place on, whenever it begins; the numbers of the events (`seq`) go on over all attempts. A reader that comes later than the events are kept rejects with
 * CallerError "events_expired". Readers share the events: they are not to be changed.
 */
export interface RunHandle<Output = unknown, Result = RunResult<Output>> extends RunStream<Output, Result> {
  readonly agentId: string;
  readonly state: RunState;
}

/** Which runs are listed. */
export interface RunFilter {
  /** Those of one agent, by its id or definition. */
  readonly agent?: string | { readonly id: string } | undefined;
  readonly state?: RunState | undefined;
  /** At most so many, the newest; default: all. */
  readonly limit?: number | undefined;
}

/** Where a reader begins. */
export interface AttachOptions {
  /** The number of the last event that it has; default 0: it has none. */
  readonly after?: number | undefined;
}

/** The runs that `agent.start` began, as long as they are kept. */
export interface Runs {
  /** A run as it is now; undefined when none of this id is kept. */
  get(runId: string): RunInfo | undefined;
  /**
   * The runs that are kept, the newest first.
   * @throws CallerError "invalid_argument"
   */
  list(filter?: RunFilter): RunInfo[];
  /**
   * A run to be read and waited for, while it runs or after its end. Leaving it changes nothing for a detached run.
   * @throws CallerError "not_found" when no run of this id is kept, "events_expired" when those after `after` are not, "invalid_argument"
   */
  attach<Output = unknown>(runId: string, options?: AttachOptions): RunHandle<Output, RunOutcome<Output>>;
  /**
   * Ends a run, waiting or running; it ends as cancelled.
   * @returns whether it ran still
   * @throws CallerError "not_found" or "invalid_argument"
   */
  cancel(runId: string, reason?: string): boolean;
}
