/** The bounded queue of an agent's runs. A run belongs to the agent, not to the worker or the call that carries it. */

import { CallerError } from "../errors.ts";

/** Runs that wait, in order, and runs that a worker holds. */
export class Mailbox<Run> {
  readonly #agentId: string;
  readonly #maxQueue: number;
  readonly #maxConcurrency: number;
  readonly #waiting = new Set<Run>();
  readonly #inFlight = new Set<Run>();

  constructor(agentId: string, limits: { maxQueue: number; maxConcurrency: number }) {
    this.#agentId = agentId;
    this.#maxQueue = limits.maxQueue;
    this.#maxConcurrency = limits.maxConcurrency;
  }

  get waitingCount(): number {
    return this.#waiting.size;
  }

  get inFlight(): ReadonlySet<Run> {
    return this.#inFlight;
  }

  /** Whether a run that comes now would be taken at once, if the worker is ready. */
  get hasRoom(): boolean {
    return this.#waiting.size === 0 && this.#inFlight.size < this.#maxConcurrency;
  }

  /**
   * Adds a run at the end. `mayRunAtOnce` tells that a worker is ready, so that it need not wait.
   * @throws CallerError "queue_full"
   */
  push(run: Run, mayRunAtOnce: boolean): void {
    if (this.#waiting.size >= this.#maxQueue && !(mayRunAtOnce && this.hasRoom)) {
      throw new CallerError(
        "queue_full",
        `agent "${this.#agentId}" has ${this.#waiting.size} runs waiting and takes at most ${this.#maxQueue}; try again later or raise maxQueue`,
        { field: "maxQueue", value: this.#maxQueue },
      );
    }
    this.#waiting.add(run);
  }

  /** The next run for a worker, which holds it from now on; undefined when none waits or the worker is full. */
  take(): Run | undefined {
    if (this.#inFlight.size >= this.#maxConcurrency) return undefined;
    for (const run of this.#waiting) {
      this.#waiting.delete(run);
      this.#inFlight.add(run);
      return run;
    }
    return undefined;
  }

  /** Puts a run that a worker refused unbegun back to the front. */
  putBack(run: Run): void {
    if (!this.#inFlight.delete(run)) return;
    const behind = [...this.#waiting];
    this.#waiting.clear();
    this.#waiting.add(run);
    for (const other of behind) this.#waiting.add(other);
  }

  /** Forgets a run that has ended, wherever it was. Answers whether a worker held it. */
  remove(run: Run): boolean {
    if (this.#inFlight.delete(run)) return true;
    this.#waiting.delete(run);
    return false;
  }

  /** Empties one side and hands it out, oldest first. */
  drain(side: "waiting" | "inFlight"): Run[] {
    const set = side === "waiting" ? this.#waiting : this.#inFlight;
    const runs = [...set];
    set.clear();
    return runs;
  }
}
