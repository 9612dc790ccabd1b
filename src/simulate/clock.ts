/** The time of a simulation: it goes from one timer to the next, and says whether what has run may have left work to be done in this moment. */

import { AsyncResource } from "node:async_hooks";
import type { Clock } from "../otp/scheduler/clock.ts";
import { type Timer, TimerHeap } from "../testing/timer-heap.ts";

/** A clock that is moved one timer at a time. It begins at 0. */
export class SimulationClock implements Clock {
  readonly #timers = new TimerHeap();
  #nowMs = 0;
  #orders = 0;
  /** Whether supervision is at work: its steps are done when the event loop comes round. */
  #stirred = false;

  now(): number {
    return this.#nowMs;
  }

  monotonicMs(): number {
    return this.#nowMs;
  }

  /** A timer of supervision. It runs where it was set, as Node's own. */
  setTimeout(run: () => void, ms: number): unknown {
    this.#stirred = true;
    const bound = AsyncResource.bind(run, "SimulationTimer");
    return this.after(ms, () => {
      this.#stirred = true;
      bound();
    });
  }

  clearTimeout(handle: unknown): void {
    if (handle !== undefined && handle !== null) this.#timers.remove(handle as Timer);
  }

  /** A timer of the simulation itself: what it does is done when it returns, unless it says otherwise by `stir`. */
  after(ms: number, run: () => void): unknown {
    this.#orders += 1;
    const timer: Timer = { atMs: this.#nowMs + Math.max(0, ms), order: this.#orders, run, index: -1 };
    this.#timers.add(timer);
    return timer;
  }

  /** Supervision has been told something. */
  stir(): void {
    this.#stirred = true;
  }

  /** Whether supervision was stirred since this was asked the last time. */
  takeStir(): boolean {
    const stirred = this.#stirred;
    this.#stirred = false;
    return stirred;
  }

  /** Runs the next timer; false when there is none up to this time: then that is the time. */
  step(untilMs: number): boolean {
    const timer = this.#timers.first;
    if (timer === undefined || timer.atMs > untilMs) {
      this.#nowMs = untilMs;
      return false;
    }
    this.#timers.remove(timer);
    this.#nowMs = timer.atMs;
    timer.run();
    return true;
  }
}
