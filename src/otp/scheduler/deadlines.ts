/** Many timeouts of few lengths, at the price of one timer for each length: what calls wait on. Adding and removing is constant-time. */

import type { Clock } from "./clock.ts";

/** Something that may be late. */
export interface Deadline {
  atMs: number;
  previous: Deadline | undefined;
  next: Deadline | undefined;
  lane: Lane | undefined;
  /** Its time is up; it has been removed. Must not throw. */
  expire(): void;
}

/** The deadlines of one length, soonest first. */
export interface Lane {
  readonly ms: number;
  first: Deadline | undefined;
  last: Deadline | undefined;
  timer: unknown;
  /** Empty, and about to be given up. */
  idle: boolean;
}

/** The deadlines of a runtime. */
export class Deadlines {
  readonly #clock: Clock;
  readonly #lanes = new Map<number, Lane>();
  #idle: Lane[] = [];
  readonly #sweep = () => this.#giveUpIdle();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Expires `deadline` after `ms`. */
  add(deadline: Deadline, ms: number): void {
    let lane = this.#lanes.get(ms);
    if (lane === undefined) {
      lane = { ms, first: undefined, last: undefined, timer: undefined, idle: false };
      this.#lanes.set(ms, lane);
    }
    deadline.atMs = this.#clock.monotonicMs() + ms;
    deadline.lane = lane;
    deadline.previous = lane.last;
    if (lane.last === undefined) lane.first = deadline;
    else lane.last.next = deadline;
    lane.last = deadline;
    if (lane.timer === undefined) this.#arm(lane, ms);
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
    if (lane.first !== undefined || lane.idle) return;
    lane.idle = true;
    // A timer keeps the host alive while something waits on it and not a turn longer. It goes at the end of the turn, because a call that
    // is answered within its turn is the common case.
    if (this.#idle.push(lane) === 1) setImmediate(this.#sweep);
  }

  #arm(lane: Lane, ms: number): void {
    lane.timer = this.#clock.setTimeout(() => {
      lane.timer = undefined;
      this.#expire(lane);
    }, ms);
  }

  #expire(lane: Lane): void {
    const nowMs = this.#clock.monotonicMs();
    try {
      for (let due = lane.first; due !== undefined && due.atMs <= nowMs; due = lane.first) {
        this.remove(due);
        due.expire();
      }
    } finally {
      // Whatever one of them does, the others are told in their time.
      if (lane.first !== undefined && lane.timer === undefined) {
        this.#arm(lane, Math.max(1, lane.first.atMs - nowMs));
      }
    }
  }

  #giveUpIdle(): void {
    const idle = this.#idle;
    this.#idle = [];
    for (const lane of idle) {
      lane.idle = false;
      if (lane.first !== undefined) continue;
      if (lane.timer !== undefined) this.#clock.clearTimeout(lane.timer);
      this.#lanes.delete(lane.ms);
    }
  }
}
