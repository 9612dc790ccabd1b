/** What is left of a run in Python after its caller was answered: told when it stays, and when it has ended then. */

import type { RunOwner } from "./pending-run.ts";

/** How long it may go on before that is told, in milliseconds. */
const lingerMs = 1_000;

/** The rest of one run. */
export class Lingering {
  readonly #owner: Pick<RunOwner, "clock" | "report">;
  readonly #runId: string;
  #timer: unknown;
  #sinceMs: number | undefined;

  constructor(owner: Pick<RunOwner, "clock" | "report">, runId: string) {
    this.#owner = owner;
    this.#runId = runId;
  }

  /** The caller has its answer, and the run goes on. */
  watch(): void {
    const { clock } = this.#owner;
    const sinceMs = clock.monotonicMs();
    this.#timer = clock.setTimeout(() => {
      this.#sinceMs = sinceMs;
      this.#tell("run.lingers", sinceMs);
    }, lingerMs);
  }

  /** Nothing of it is left. */
  over(): void {
    if (this.#timer !== undefined) this.#owner.clock.clearTimeout(this.#timer);
    if (this.#sinceMs !== undefined) this.#tell("run.gone", this.#sinceMs);
  }

  #tell(type: "run.lingers" | "run.gone", sinceMs: number): void {
    const forMs = Math.round(this.#owner.clock.monotonicMs() - sinceMs);
    this.#owner.report({ type, runId: this.#runId, forMs });
  }
}
