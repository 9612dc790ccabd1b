/** Many timeouts of few lengths, at the price of one timer for each length: what calls wait on. Adding and removing is constant-time. */

import type { Clock } from "./clock.ts";

/** Something that may be late. */
export interface Deadline {
  atMs: number;
  previous: Deadline | undefined;
  next: Deadline | undefined;
  lane: Lane | undefined;
  /** Its time is up; it has been removed. */
  expire(): void;
}

interface Lane {
  readonly ms: number;
  first: Deadline | undefined;
  last: Deadline | undefined;
  timer: unknown;
}

interface HostTimer {
  ref?(): void;
  unref?(): void;
}

/** The deadlines of a runtime. */
export class Deadlines {
  readonly #clock: Clock;
  readonly #lanes = new Map<number, Lane>();
  #count = 0;
  #checking = false;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Expires `deadline` after `ms`. */
  add(deadline: Deadline, ms: number): void {
    let lane = this.#lanes.get(ms);
    if (lane === undefined) {
      lane = { ms, first: undefined, last: undefined, timer: undefined };
      this.#lanes.set(ms, lane);
    }
    deadline.atMs = this.#clock.now() + ms;
    deadline.lane = lane;
    deadline.previous = lane.last;
    if (lane.last === undefined) lane.first = deadline;
    else lane.last.next = deadline;
    lane.last = deadline;
    this.#count += 1;
    if (lane.timer === undefined) this.#arm(lane, ms);
    else if (!this.#checking) this.#checkSoon();
  }

  /** Forgets a deadline that was met. */
  remove(deadline: Deadline): void {
    const { lane, previous, next } = deadline;
    if (lane === undefined) return;
    if (previous === undefined) lane.first = next;
    else previous.next = next;
    if (next === undefined) lane.last = previous;
    else next.previous = previous;
    deadline.lane = undefined;
    deadline.previous = undefined;
    deadline.next = undefined;
    this.#count -= 1;
    if (!this.#checking) this.#checkSoon();
  }

  #arm(lane: Lane, ms: number): void {
    lane.timer = this.#clock.setTimeout(() => {
      lane.timer = undefined;
      this.#expire(lane);
    }, ms);
    if (!this.#checking) this.#checkSoon();
  }

  #expire(lane: Lane): void {
    const nowMs = this.#clock.now();
    for (let due = lane.first; due !== undefined && due.atMs <= nowMs; due = lane.first) {
      this.remove(due);
      due.expire();
    }
    if (lane.first !== undefined && lane.timer === undefined) this.#arm(lane, Math.max(1, lane.first.atMs - nowMs));
    else if (lane.first === undefined) this.#lanes.delete(lane.ms);
  }

  /**
   * A timer keeps the host alive while something waits on it and not a moment longer; looked at once a turn, because a call that is answered
   * within its turn is the common case.
   */
  #checkSoon(): void {
    this.#checking = true;
    const check = setImmediate(() => {
      this.#checking = false;
      for (const lane of this.#lanes.values()) {
        const timer = lane.timer as HostTimer | undefined;
        if (lane.first === undefined) timer?.unref?.();
        else timer?.ref?.();
      }
    });
    if (this.#count === 0) check.unref();
  }
}
