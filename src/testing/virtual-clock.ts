/** A clock that a test moves: supervisors, delays and shutdown times follow it instead of the machine's own time. */

import type { Clock } from "../otp/clock.ts";

/** A clock that stands still until it is moved. */
export interface VirtualClock extends Clock {
  /** Moves time forward and runs every timer that falls due, in order of time, then of creation. A timer set meanwhile runs too, if due. */
  advance(ms: number): void;
  /** Timers that wait. */
  readonly pending: number;
}

interface Timer {
  atMs: number;
  order: number;
  run: () => void;
}

/** Makes a virtual clock. `startMs` is milliseconds since the Unix epoch; default 0. */
export function createVirtualClock(startMs = 0): VirtualClock {
  let nowMs = startMs;
  let orders = 0;
  const timers = new Set<Timer>();

  function nextDue(untilMs: number): Timer | undefined {
    let first: Timer | undefined;
    for (const timer of timers) {
      if (timer.atMs > untilMs) continue;
      const earlier = first === undefined || timer.atMs < first.atMs;
      if (earlier || (timer.atMs === first?.atMs && timer.order < first.order)) first = timer;
    }
    return first;
  }

  return {
    now: () => nowMs,
    setTimeout(run, ms) {
      orders += 1;
      const timer: Timer = { atMs: nowMs + Math.max(0, ms), order: orders, run };
      timers.add(timer);
      return timer;
    },
    clearTimeout(handle) {
      timers.delete(handle as Timer);
    },
    advance(ms) {
      const untilMs = nowMs + ms;
      for (let timer = nextDue(untilMs); timer !== undefined; timer = nextDue(untilMs)) {
        timers.delete(timer);
        nowMs = timer.atMs;
        timer.run();
      }
      nowMs = untilMs;
    },
    get pending() {
      return timers.size;
    },
  };
}
