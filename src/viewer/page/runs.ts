/** The runs that are known, as their reports tell of them. */

import type { ReportView } from "./report-view.ts";

/** A run. */
export interface RunView {
  readonly runId: string;
  readonly agentId: string;
  attempt: number;
  startedAtMs: number;
  waitedMs: number;
  outcome: string;
  durationMs: number | undefined;
  tokens: number | undefined;
}

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

  /** Takes a report, whatever it is about. */
  tell({ atMs, report }: ReportView): void {
    const { type, runId, agentId } = report;
    if (runId === undefined || agentId === undefined) return;
    if (type === "run.started") {
      const { attempt = 1, waitedMs = 0 } = report;
      this.#runs.set(runId, {
        runId,
        agentId,
        attempt,
        waitedMs,
        startedAtMs: atMs,
        outcome: "runs",
        durationMs: undefined,
        tokens: undefined,
      });
      const [oldest] = this.#runs.keys();
      if (this.#runs.size > most && oldest !== undefined) this.#runs.delete(oldest);
      return;
    }
    const run = this.#runs.get(runId);
    if (run === undefined || type !== "run.settled") return;
    const { outcome = "", code, durationMs, usage } = report;
    run.outcome = code === undefined ? outcome : `${outcome}: ${code}`;
    run.durationMs = durationMs;
    run.tokens = usage === undefined ? undefined : (usage.inputTokens ?? 0) + (usage.outputTokens ?? 0);
  }
}
