/** Time as an argument: every wait and every time stamp of a supervisor goes through one of these. */

/** The longest that a timer can wait, in milliseconds: Node fires a longer one at once. */
export const longestTimerMs = 2_147_483_647;

/** A clock. Timers are one-shot. */
export interface Clock {
  /** Milliseconds since the Unix epoch, for time stamps: the machine's time may be set back while a program runs. */
  now(): number;
  /** Milliseconds since some moment, for durations and deadlines: it never runs backwards, whatever the machine's time does. */
  monotonicMs(): number;
  setTimeout(fn: () => void, ms: number): unknown;
  clearTimeout(handle: unknown): void;
}

/** A timer that does not keep the program alive, where the clock's own would. */
export function setIdleTimeout(clock: Clock, fn: () => void, ms: number): unknown {
  const timer = clock.setTimeout(fn, ms);
  if (typeof timer === "object" && timer !== null && "unref" in timer) (timer as NodeJS.Timeout).unref();
  return timer;
}

/** The machine's own time. */
export const realClock: Clock = {
  now: () => Date.now(),
  monotonicMs: () => performance.now(),
  setTimeout: (fn, ms) => setTimeout(fn, ms),
  clearTimeout: (handle) => clearTimeout(handle as NodeJS.Timeout),
};
