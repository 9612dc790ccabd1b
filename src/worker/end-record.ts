/** What is known of a worker's end: who has decided it, and what the worker has said of it. At its exit it becomes the record of that. */

import type { WorkerLoadFailure } from "../crash.ts";
import { exitCause, nextVerdict, type Verdict } from "./exit-cause.ts";
import { HoldUp } from "./hold-up.ts";
import type { WorkerExit } from "./launcher.ts";
import { withOutOfMemory } from "./out-of-memory.ts";

/** What is seen when the process has been reaped. */
export interface SeenExit extends Pick<WorkerExit, "pid" | "incarnation" | "stderrTail" | "uptimeMs"> {
  readonly peakMemoryBytes: WorkerExit["peakMemoryBytes"];
  readonly faultTrace: WorkerExit["faultTrace"];
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  /** Whether the zygote that would have reaped it is gone, so that nobody knows how it ended. */
  readonly zygoteLost: boolean;
  readonly oomKilled: boolean;
}

/** The record of one worker, from its spawn on. */
export class EndRecord {
  readonly holdUp = new HoldUp();
  /** Whether it has served. */
  wasReady = false;
  /** The signal from outside that has asked it to end. */
  outsideSignal: NodeJS.Signals | undefined;
  loadFailure: WorkerLoadFailure | undefined;
  /** What is to be said beside the cause. */
  detail: string | undefined;
  #verdict: Verdict | undefined;

  /** What the host has decided; undefined: nothing yet. */
  get verdict(): Verdict | undefined {
    return this.#verdict;
  }

  /** The host decides: what it has decided first counts, see {@link nextVerdict}. */
  decide(verdict: Verdict): void {
    this.#verdict = nextVerdict(this.#verdict, verdict);
  }

  /** The process was reaped. */
  exit({ code, signal, zygoteLost, oomKilled, ...seen }: SeenExit): WorkerExit {
    // Asked to stop, it has no signal of ours to end by.
    const lost = zygoteLost && (this.#verdict === undefined || this.#verdict === "stop");
    const observed = lost ? "zygote_lost" : exitCause(this.#verdict, signal);
    const cause = withOutOfMemory(observed, { code, signal, stderrTail: seen.stderrTail, oomKilled });
    const overdue = this.#verdict === "stop_overdue" && cause === "killed";
    return {
      ...seen,
      cause,
      exitCode: code ?? undefined,
      signal: signal ?? undefined,
      loadFailure: this.loadFailure,
      detail: this.detail ?? (overdue ? this.holdUp.describe() : undefined),
      wasReady: this.wasReady,
      ...(this.outsideSignal === undefined ? {} : { outsideSignal: this.outsideSignal }),
    };
  }
}
