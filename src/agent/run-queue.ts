/** The bounded queue in which an agent's runs wait, in order. It is the agent's, however many workers serve it. */

import { CallerError } from "../errors.ts";

/** A run that waits, between its neighbours. */
interface Place<Run> {
  readonly run: Run;
  /** Nobody wants the run yet: it is no more than a place in the order. */
  reserved: boolean;
  /** Since when it waits. */
  readonly sinceMs: number;
  before: Place<Run> | undefined;
  behind: Place<Run> | undefined;
}

/** The limits of a queue, and its time. */
export interface RunQueueOptions {
  readonly maxQueue: number;
  /** The monotonic time in milliseconds; default: time stands still, for those who never ask how long a run waits. */
  readonly nowMs?: () => number;
}

/** Runs that wait. Adding, taking and removing are constant-time. */
export class RunQueue<Run> {
  readonly #agentId: string;
  readonly #maxQueue: number;
  readonly #nowMs: () => number;
  readonly #waiting = new Map<Run, Place<Run>>();
  #reserved = 0;
  #first: Place<Run> | undefined;
  #last: Place<Run> | undefined;

  constructor(agentId: string, { maxQueue, nowMs = () => 0 }: RunQueueOptions) {
    this.#agentId = agentId;
    this.#maxQueue = maxQueue;
    this.#nowMs = nowMs;
  }

  get waitingCount(): number {
    return this.#waiting.size - this.#reserved;
  }

  /** Whether a run that comes now would be taken in this turn by workers with so many free places. */
  isTakenAtOnce(freePlaces: number): boolean {
    // Behind a reserved place runs wait for this turn alone.
    const held = this.#reserved > 0 ? this.waitingCount : 0;
    return this.waitingCount === held && held < freePlaces;
  }

  /**
   * Whether it would take a run. `freePlaces` are those of workers that are ready, for which it need not wait: they are asked for when it has no room itself.
   * @throws CallerError "queue_full" if not
   */
  check(freePlaces: () => number): void {
    const count = this.waitingCount;
    if (count < this.#maxQueue || this.isTakenAtOnce(freePlaces())) return;
    throw new CallerError(
      "queue_full",
      `agent "${this.#agentId}" has ${count} runs waiting and takes at most ${this.#maxQueue}; try again later or raise maxQueue`,
      { field: "maxQueue", value: this.#maxQueue },
    );
  }

  /**
   * Adds a run at the end, or where its place was reserved; `freePlaces` as of `check`.
   * @throws CallerError "queue_full"
   */
  push(run: Run, freePlaces: () => number): void {
    this.check(freePlaces);
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

  /** How long the run that would be taken next has waited, in milliseconds; undefined when none waits. */
  get oldestWaitMs(): number | undefined {
    return this.#first?.reserved === false ? this.#nowMs() - this.#first.sinceMs : undefined;
  }

  /** Takes the next run out; undefined when none waits. */
  take(): Run | undefined {
    const place = this.#first;
    if (place === undefined || place.reserved) return undefined;
    this.#leave(place);
    return place.run;
  }

  /** Puts a run at the front, whatever the limit says. */
  putBack(run: Run): void {
    const place: Place<Run> = {
      run,
      reserved: false,
      sinceMs: this.#nowMs(),
      before: undefined,
      behind: this.#first,
    };
    if (this.#first === undefined) this.#last = place;
    else this.#first.before = place;
    this.#first = place;
    this.#waiting.set(run, place);
  }

  /** Forgets a run that has ended while it waited. */
  remove(run: Run): void {
    const place = this.#waiting.get(run);
    if (place !== undefined) this.#leave(place);
  }

  /** Empties it and hands out what waited, oldest first. */
  drain(): Run[] {
    const waiting: Run[] = [];
    for (let place = this.#first; place !== undefined; place = place.behind) waiting.push(place.run);
    this.#first = undefined;
    this.#last = undefined;
    this.#reserved = 0;
    this.#waiting.clear();
    return waiting;
  }

  #append(run: Run, reserved: boolean): void {
    const place: Place<Run> = { run, reserved, sinceMs: this.#nowMs(), before: this.#last, behind: undefined };
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
