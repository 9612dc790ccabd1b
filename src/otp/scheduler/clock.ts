/** Time as an argument: every wait and every time stamp of a supervisor goes through one of these. */

/** The longest that a timer can wait, in milliseconds: Node fires a longer one at once. */
export const longestTimerMs = 2_147_483_647;

/** A clock. `now` is milliseconds since the Unix epoch; timers are one-shot. */
export interface Clock {
  now(): number;
  setTimeout(fn: () => void, ms: number): unknown;
  clearTimeout(handle: unknown): void;
}

/** The machine's own time. */
export const realClock: Clock = {
  now: () => Date.now(),
  setTimeout: (fn, ms) => setTimeout(fn, ms),
  clearTimeout: (handle) => clearTimeout(handle as NodeJS.Timeout),
};
