/** A clock that a test moves: supervisors, delays and shutdown times follow it instead of the machine's own time. */

import { AsyncResource } from "node:async_hooks";
import type { Clock } from "../otp/scheduler/clock.ts";
import { checkMs } from "./checks.ts";
import { type Timer, TimerHeap } from "./timer-heap.ts";

/** A clock that stands still until it is moved. */
export interface VirtualClock extends Clock {
  /** Moves time forward and runs every timer that falls due, in order of time, then of creation. A timer set meanwhile runs too, if due. */
  advance(ms: number): void;
  /** Sets the wall clock (`now`) by so many milliseconds, back if negative: timers and durations do not notice. */
  step(ms: number): void;
  /** Timers that wait. */
  readonly pending: number;
}

/**
 * Makes a virtual clock. `startMs` is milliseconds since the Unix epoch; default 0.
 * @throws CallerError "invalid_argument", as `advance` and `step` do, for what is no time
 */
export function createVirtualClock(startMs = 0): VirtualClock {
  checkMs("startMs", startMs);
  let nowMs = startMs;
  let stepMs = 0;
  let orders = 0;
  const timers = new TimerHeap();

  return {
    now: () => nowMs + stepMs,
    monotonicMs: () => nowMs,
    setTimeout(run, ms) {
      orders += 1;
      // As Node's own timers it runs where it was set: `self()` is the same, and an error is that process's.
      const timer: Timer = {
        atMs: nowMs + Math.max(0, ms),
        order: orders,
        run: AsyncResource.bind(run, "VirtualTimer"),
        index: -1,
      };
      timers.add(timer);
      return timer;
    },
    clearTimeout(handle) {
      if (handle !== undefined && handle !== null) timers.remove(handle as Timer);
    },
    advance(ms) {
      checkMs("ms", ms, 0);
      const untilMs = nowMs + ms;
      for (;;) {
        const timer = timers.first;
        if (timer === undefined || timer.atMs > untilMs) break;
        timers.remove(timer);
        nowMs = timer.atMs;
        timer.run();
      }
      nowMs = untilMs;
    },
    step(ms) {
      checkMs("ms", ms);
      stepMs += ms;
    },
    get pending() {
      return timers.size;
    },
  };
}
