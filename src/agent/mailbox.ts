/** An agent's runs as one of its workers sees them: those that wait, which may be others' too, and those that it holds. A run belongs to the agent, not to the worker or the call that carries it. */

import type { RunQueue } from "./run-queue.ts";

/** Runs that wait, in order, and runs that a worker holds: the current one, or the one before it. Adding, taking and removing are constant-time. */
export class Mailbox<Run> {
  readonly #queue: RunQueue<Run>;
  readonly #maxConcurrency: number;
  readonly #inFlight = new Set<Run>();
  readonly #retired = new Set<Run>();

  /**
   * @param queue the agent's
   * @param maxConcurrency how many runs the worker holds at a time
   */
  constructor(queue: RunQueue<Run>, maxConcurrency: number) {
    this.#queue = queue;
    this.#maxConcurrency = maxConcurrency;
  }

  get inFlight(): ReadonlySet<Run> {
    return this.#inFlight;
  }

  /** What the worker before holds still, which takes no more. */
  get retired(): ReadonlySet<Run> {
    return this.#retired;
  }

  /** How many runs the workers hold, the current one and the one before it. */
  get heldCount(): number {
    return this.#inFlight.size + this.#retired.size;
  }

  /** How many runs more the worker can hold. */
  get freePlaces(): number {
    return this.#maxConcurrency - this.#inFlight.size;
  }

  /** The next run for the worker, which holds it from now on; undefined when none waits or the worker is full. */
  take(): Run | undefined {
    if (this.freePlaces <= 0) return undefined;
    const run = this.#queue.take();
    if (run !== undefined) this.#inFlight.add(run);
    return run;
  }

  /** Whether a worker holds the run. */
  holds(run: Run): boolean {
    return this.#inFlight.has(run) || this.#retired.has(run);
  }

  /** The runs in flight stay with the worker that holds them, and another takes its place: it holds none yet. */
  retire(): void {
    for (const run of this.#inFlight) this.#retired.add(run);
    this.#inFlight.clear();
  }

  /** Puts a run that a worker refused unbegun, or lost, back to the front. */
  putBack(run: Run): void {
    if (this.#inFlight.delete(run) || this.#retired.delete(run)) this.#queue.putBack(run);
  }

  /** Forgets a run that has ended, wherever it was. Answers whether a worker held it. */
  remove(run: Run): boolean {
    if (this.#inFlight.delete(run) || this.#retired.delete(run)) return true;
    this.#queue.remove(run);
    return false;
  }

  /** Takes the runs from a worker, and hands them out, oldest first. */
  drain(side: "inFlight" | "retired"): Run[] {
    const holder = side === "inFlight" ? this.#inFlight : this.#retired;
    const held = [...holder];
    holder.clear();
    return held;
  }
}
