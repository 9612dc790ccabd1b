/** What of a run goes on in Python after its caller was answered: told when it stays, and when it is gone. */

import type { RunOwner } from "./pending-run.ts";

/** How long a run whose caller was answered may go on in Python before that is told, in milliseconds. */
const lingerMs = 1_000;

/** The rest of one run. */
export class Lingering {
  readonly #owner: RunOwner;
  readonly #runId: string;
  #timer: unknown;
  #sinceMs: number | undefined;

  constructor(owner: RunOwner, runId: string) {
    this.#owner = owner;
    this.#runId = runId;
  }

  /** From now on it has nobody to be answered. */
  begin(): void {
    const { clock } = this.#owner;
    const sinceMs = clock.monotonicMs();
    this.#timer = clock.setTimeout(() => {
      this.#sinceMs = sinceMs;
      const forMs = Math.round(clock.monotonicMs() - sinceMs);
      this.#owner.report({ type: "run.lingers", runId: this.#runId, forMs });
    }, lingerMs);
  }

  /** Nothing of it is left. */
  end(): void {
    const { clock } = this.#owner;
    if (this.#timer !== undefined) clock.clearTimeout(this.#timer);
    if (this.#sinceMs === undefined) return;
    const forMs = Math.round(clock.monotonicMs() - this.#sinceMs);
    this.#owner.report({ type: "run.gone", runId: this.#runId, forMs });
  }
}
