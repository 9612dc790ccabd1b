/** The bounded queue of an agent's runs. A run belongs to the agent, not to the worker or the call that carries it. */

import { CallerError } from "../errors.ts";

/** A run that waits, between its neighbours. */
interface Place<Run> {
  readonly run: Run;
  /** Nobody wants the run yet: it is no more than a place in the order. */
  reserved: boolean;
  before: Place<Run> | undefined;
  behind: Place<Run> | undefined;
}

/** Runs that wait, in order, and runs that a worker holds: the current one, or the one before it. Adding, taking and removing are constant-time. */
export class Mailbox<Run> {
  readonly #agentId: string;
  readonly #maxQueue: number;
  readonly #maxConcurrency: number;
  readonly #waiting = new Map<Run, Place<Run>>();
  readonly #inFlight = new Set<Run>();
  readonly #retired = new Set<Run>();
  #reserved = 0;
  #first: Place<Run> | undefined;
  #last: Place<Run> | undefined;

  constructor(agentId: string, limits: { maxQueue: number; maxConcurrency: number }) {
    this.#agentId = agentId;
    this.#maxQueue = limits.maxQueue;
    this.#maxConcurrency = limits.maxConcurrency;
  }

  get waitingCount(): number {
    return this.#waiting.size - this.#reserved;
  }

  get inFlight(): ReadonlySet<Run> {
    return this.#inFlight;
  }

  /** What the worker before holds still, which takes no more. */
  get retired(): ReadonlySet<Run> {
    return this.#retired;
  }

  /** Whether a run that comes now would be taken in this turn, if the worker is ready. */
  get hasRoom(): boolean {
    // Behind a reserved place runs wait for this turn alone.
    const held = this.#reserved > 0 ? this.waitingCount : 0;
    return this.waitingCount === held && held + this.#inFlight.size < this.#maxConcurrency;
  }

  /**
   * Whether it would take a run. `mayRunAtOnce` tells that a worker is ready, so that it need not wait.
   * @throws CallerError "queue_full" if not
   */
  check(mayRunAtOnce: boolean): void {
    const count = this.waitingCount;
    if (count < this.#maxQueue || (mayRunAtOnce && this.hasRoom)) return;
    throw new CallerError(
      "queue_full",
      `agent "${this.#agentId}" has ${count} runs waiting and takes at most ${this.#maxQueue}; try again later or raise maxQueue`,
      { field: "maxQueue", value: this.#maxQueue },
    );
  }

  /**
   * Adds a run at the end, or where its place was reserved; `mayRunAtOnce` as of `check`.
   * @throws CallerError "queue_full"
   */
  push(run: Run, mayRunAtOnce: boolean): void {
    this.check(mayRunAtOnce);
    const reserved = this.#waiting.get(run);
    if (reserved === undefined) this.#append(run, false);
    else if (reserved.reserved) {
      reserved.reserved = false;
      this.#reserved -= 1;
    }
  }

  /** Keeps a place at the end for a run that nobody wants yet. It counts as no run, but those behind it are not taken before it is wanted or given up. */
  reserve(run: Run): void {
    this.#append(run, true);
    this.#reserved += 1;
  }

  /** Gives a reserved place up. */
  giveUp(run: Run): void {
    const place = this.#waiting.get(run);
    if (place?.reserved === true) this.#leave(place);
  }

  /** The run that would be taken next; undefined when none waits. */
  get first(): Run | undefined {
    return this.#first?.reserved === false ? this.#first.run : undefined;
  }

  /** The next run for a worker, which holds it from now on; undefined when none waits or the worker is full. */
  take(): Run | undefined {
    const place = this.#first;
    if (place === undefined || place.reserved || this.#inFlight.size >= this.#maxConcurrency) return undefined;
    this.#leave(place);
    this.#inFlight.add(place.run);
    return place.run;
  }

  /** The runs in flight stay with the worker that holds them, and another takes its place: it holds none yet. */
  retire(): void {
    for (const run of this.#inFlight) this.#retired.add(run);
    this.#inFlight.clear();
  }

  /** Puts a run that a worker refused unbegun, or lost, back to the front. */
  putBack(run: Run): void {
    if (!this.#inFlight.delete(run) && !this.#retired.delete(run)) return;
    const place: Place<Run> = { run, reserved: false, before: undefined, behind: this.#first };
    if (this.#first === undefined) this.#last = place;
    else this.#first.before = place;
    this.#first = place;
    this.#waiting.set(run, place);
  }

  /** Forgets a run that has ended, wherever it was. Answers whether a worker held it. */
  remove(run: Run): boolean {
    if (this.#inFlight.delete(run) || this.#retired.delete(run)) return true;
    const place = this.#waiting.get(run);
    if (place !== undefined) this.#leave(place);
    return false;
  }

  /** Empties one side and hands it out, oldest first. */
  drain(side: "waiting" | "inFlight" | "retired"): Run[] {
    if (side !== "waiting") {
      const holder = side === "inFlight" ? this.#inFlight : this.#retired;
      const held = [...holder];
      holder.clear();
      return held;
    }
    const waiting: Run[] = [];
    for (let place = this.#first; place !== undefined; place = place.behind) waiting.push(place.run);
    this.#first = undefined;
    this.#last = undefined;
    this.#reserved = 0;
    this.#waiting.clear();
    return waiting;
  }

  #append(run: Run, reserved: boolean): void {
    const place: Place<Run> = { run, reserved, before: this.#last, behind: undefined };
    if (this.#last === undefined) this.#first = place;
    else this.#last.behind = place;
    this.#last = place;
    this.#waiting.set(run, place);
  }

  #leave(place: Place<Run>): void {
    const { run, before, behind } = place;
    if (place.reserved) this.#reserved -= 1;
    this.#waiting.delete(run);
    if (before === undefined) this.#first = behind;
    else before.behind = behind;
    if (behind === undefined) this.#last = before;
    else behind.before = before;
  }
}
