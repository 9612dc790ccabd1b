import { expect, test } from "vitest";
import { realClock, setIdleTimeout } from "../../../src/otp/scheduler/clock.ts";
import { createVirtualClock } from "../../../src/testing/index.ts";

test("an idle timer does not keep the program alive, and is one of the clock's", () => {
  const timer = setIdleTimeout(realClock, () => undefined, 60_000) as NodeJS.Timeout;
  expect(timer.hasRef()).toBe(false);
  realClock.clearTimeout(timer);
  const clock = createVirtualClock();
  const calls: number[] = [];
  setIdleTimeout(clock, () => calls.push(1), 10);
  clock.advance(10);
  expect([calls, clock.pending]).toEqual([[1], 0]);
});
