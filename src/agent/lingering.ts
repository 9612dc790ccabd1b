/** What is left of a run in Python after its caller has been answered: told when it stays, and when it is gone after all. */

import type { Clock } from "../otp/scheduler/clock.ts";
import type { AgentReportFacts } from "./agent-report.ts";

/** How long a run whose caller was answered may go on in Python before that is told, in milliseconds. */
const lingerMs = 1_000;

/** The watch over the rest of one run. */
export class Lingering {
  readonly #runId: string;
  readonly #report: (facts: AgentReportFacts) => void;
  #clock: Clock | undefined;
  #timer: unknown;
  #sinceMs = 0;
  #told = false;

  constructor(runId: string, report: (facts: AgentReportFacts) => void) {
    this.#runId = runId;
    this.#report = report;
  }

  /** The caller has its answer, and the run goes on. */
  begin(clock: Clock): void {
    this.#clock = clock;
    this.#sinceMs = clock.monotonicMs();
    this.#timer = clock.setTimeout(() => {
      this.#told = true;
      this.#report({ type: "run.lingers", runId: this.#runId, forMs: this.#forMs(clock) });
    }, lingerMs);
  }

  /** Nothing of it is left. */
  end(): void {
    const clock = this.#clock;
    if (clock === undefined) return;
    if (this.#timer !== undefined) clock.clearTimeout(this.#timer);
    if (this.#told) this.#report({ type: "run.gone", runId: this.#runId, forMs: this.#forMs(clock) });
  }

  #forMs(clock: Clock): number {
    return Math.round(clock.monotonicMs() - this.#sinceMs);
  }
}
