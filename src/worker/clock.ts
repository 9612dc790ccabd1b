/** The time that this room reads: given, never taken, so that a test can hold it still. */

/** Where a launcher reads and spends time. */
export interface Clock {
  /** Milliseconds from any fixed origin; must not run backwards. */
  now(): number;
  /** Calls `fn` once after `ms` milliseconds; the answer is for `clearTimeout`. */
  setTimeout(fn: () => void, ms: number): unknown;
  clearTimeout(handle: unknown): void;
}

/** The machine's monotonic clock. Its timers keep the event loop alive. */
export const realClock: Clock = {
  now: () => performance.now(),
  setTimeout: (fn, ms) => setTimeout(fn, ms),
  clearTimeout: (handle) => clearTimeout(handle as NodeJS.Timeout),
};

/** The longest delay Node's `setTimeout` keeps; a longer one would fire at once. */
const longestDelayMs = 2 ** 31 - 1;

/** A timer that is off, or runs towards one call. Setting it anew replaces the call before. */
export interface Timer {
  /** Calls `fn` after `ms`; more than 2^31 - 1 ms (24.8 days) counts as never. */
  set(ms: number, fn: () => void): void;
  clear(): void;
}

/** Creates a timer that is off. */
export function createTimer(clock: Clock): Timer {
  let handle: unknown;
  const clear = () => {
    if (handle === undefined) return;
    clock.clearTimeout(handle);
    handle = undefined;
  };
  return {
    clear,
    set(ms, fn) {
      clear();
      if (ms > longestDelayMs) return;
      handle = clock.setTimeout(() => {
        handle = undefined;
        fn();
      }, ms);
    },
  };
}
