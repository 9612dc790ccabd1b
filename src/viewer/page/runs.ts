/** The runs that are known: as reports tell of those that a worker has taken, and as the system's own list has those that are kept or wait. */

import type { ToldRun } from "../../inspect/inspected-system.ts";
import type { WatchMessage } from "../../inspect/watch.ts";
import type { ReportView } from "./report-view.ts";

/** A run. */
export interface RunView {
  readonly runId: string;
  readonly agentId: string;
  attempt: number;
  startedAtMs: number | undefined;
  waitedMs: number | undefined;
  /** "queued", "running", "waiting", or how it has ended. */
  state: string;
  /** The code of what it has failed with. */
  code: string | undefined;
  durationMs: number | undefined;
  tokens: number | undefined;
  /** As the system's list has it, while that does. */
  told: ToldRun | undefined;
}

type Looked = Extract<WatchMessage, { type: "runs" }>;

/** More than that are not kept; the oldest leave. */
const most = 2_000;

/** All of them, oldest first. */
export class RunViews {
  readonly #runs = new Map<string, RunView>();

  get all(): RunView[] {
    return [...this.#runs.values()];
  }

  /** Those of one agent. */
  of(agentId: string | undefined): RunView[] {
    return this.all.filter((run) => run.agentId === agentId);
  }

  /** Those that wait for somebody's answer. */
  get waiting(): RunView[] {
    return this.all.filter(({ state }) => state === "waiting");
  }

  /** Takes a report, whatever it is about. */
  tell({ atMs, report }: ReportView): void {
    const { type, runId, agentId } = report;
    if (runId === undefined || agentId === undefined) return;
    if (type === "run.started") {
      const run = this.#view(runId, agentId);
      run.attempt = report.attempt ?? 1;
      run.startedAtMs = atMs;
      run.waitedMs = report.waitedMs;
      if (run.state !== "waiting") run.state = "running";
      return;
    }
    const run = this.#runs.get(runId);
    if (run === undefined || type !== "run.settled") return;
    const { outcome = "", code, durationMs, usage } = report;
    // The list knows what a completed run's report does not: that it has paused.
    if (run.told?.state !== "paused") run.state = outcome;
    run.code = code;
    run.durationMs = durationMs;
    run.tokens = usage === undefined ? undefined : (usage.inputTokens ?? 0) + (usage.outputTokens ?? 0);
  }

  /** Takes what has changed of the system's list. */
  look({ runs, removed }: Pick<Looked, "runs" | "removed">): void {
    // The newest come first.
    for (const told of runs.toReversed()) {
      const run = this.#view(told.runId, told.agentId);
      run.told = told;
      run.state = told.state;
      run.attempt = Math.max(run.attempt, told.attempts ?? 1);
      run.startedAtMs ??= told.startedAtMs ?? told.waits?.[0]?.sinceMs;
      if (told.startedAtMs !== undefined && told.endedAtMs !== undefined) {
        run.durationMs ??= told.endedAtMs - told.startedAtMs;
      }
    }
    for (const runId of removed) {
      const run = this.#runs.get(runId);
      if (run === undefined) continue;
      run.told = undefined;
      // One that was not kept waits no more; how it ends its report tells.
      if (run.state === "waiting") run.state = "running";
    }
  }

  /** The system's list is told anew. */
  begin(): void {
    this.look({ runs: [], removed: this.all.flatMap(({ runId, told }) => (told === undefined ? [] : [runId])) });
  }

  /** The system's list as it is, as a message. */
  opening(atMs: number): Looked[] {
    const runs = this.all.flatMap(({ told }) => told ?? []).reverse();
    return runs.length === 0 ? [] : [{ type: "runs", atMs, runs, removed: [] }];
  }

  #view(runId: string, agentId: string): RunView {
    const known = this.#runs.get(runId);
    if (known !== undefined) return known;
    const run: RunView = {
      runId,
      agentId,
      attempt: 1,
      startedAtMs: undefined,
      waitedMs: undefined,
      state: "queued",
      code: undefined,
      durationMs: undefined,
      tokens: undefined,
      told: undefined,
    };
    this.#runs.set(runId, run);
    if (this.#runs.size > most) this.#forgetOldest();
    return run;
  }

  /** Those that are in the system's list stay: that is bounded by itself. */
  #forgetOldest(): void {
    for (const [runId, { told }] of this.#runs) {
      if (told !== undefined) continue;
      this.#runs.delete(runId);
      return;
    }
  }
}
