/** When the runs of a fake service have ended, whatever became of the calls that carried them. */

import type { FakeRun } from "./fake-run.ts";

type RunKey = Pick<FakeRun, "runId" | "attempt">;

/** The runs of a service, until nothing of them works any more: neither their call nor what their agent has begun for it. */
export class RunEnds {
  readonly #working = new Map<string, Set<Promise<unknown>>>();
  readonly #givenUp = new Set<string>();

  /** Counts a call, or an agent's answer to it, until it settles. */
  add(run: RunKey, work: Promise<unknown>): void {
    const key = keyOf(run);
    const all = this.#working.get(key) ?? new Set();
    this.#working.set(key, all.add(work));
    const done = () => {
      all.delete(work);
      if (all.size === 0) this.#working.delete(key);
    };
    work.then(done, done);
  }

  /** Settles when a run has ended. False: it is not known, and will be refused. */
  async ended(run: RunKey): Promise<boolean> {
    const key = keyOf(run);
    if (!this.#working.has(key)) {
      this.#givenUp.add(key);
      return false;
    }
    for (let all = this.#working.get(key); all !== undefined; all = this.#working.get(key)) {
      await Promise.allSettled(all);
    }
    return true;
  }

  /** Whether its caller had given it up before it came. */
  isGivenUp(run: RunKey): boolean {
    return this.#givenUp.has(keyOf(run));
  }
}

function keyOf({ runId, attempt }: RunKey): string {
  return `${attempt}:${runId}`;
}
