import { expect, test } from "vitest";
import { clearDelay } from "../../../src/otp/supervisor/child.ts";
import { createVirtualClock } from "../../../src/testing/virtual-clock.ts";
import { puppet } from "./puppet.ts";

test("a delayed restart is dropped, once", () => {
  const clock = createVirtualClock();
  const { child } = puppet();
  child.timer = clock.setTimeout(() => undefined, 100);
  clearDelay(child, clock);
  clearDelay(child, clock);
  expect([child.timer, clock.pending]).toEqual([undefined, 0]);
});
