import { expect, test } from "vitest";
import { createTimer, realClock } from "../../src/worker/clock.ts";
import { createManualClock } from "./fixture-worker.ts";

test("a timer fires once, at its time", () => {
  const clock = createManualClock();
  const fired: number[] = [];
  createTimer(clock).set(10, () => fired.push(clock.now()));
  clock.advance(9);
  expect(fired).toEqual([]);
  clock.advance(1);
  clock.advance(100);
  expect(fired).toEqual([10]);
});

test("setting a timer anew replaces the call before", () => {
  const clock = createManualClock();
  const fired: string[] = [];
  const timer = createTimer(clock);
  timer.set(10, () => fired.push("first"));
  timer.set(20, () => fired.push("second"));
  clock.advance(20);
  expect(fired).toEqual(["second"]);
  expect(clock.pending).toBe(0);
});

test("a cleared timer does not fire, and may be cleared again", () => {
  const clock = createManualClock();
  const timer = createTimer(clock);
  timer.set(10, () => expect.unreachable());
  timer.clear();
  timer.clear();
  clock.advance(10);
  expect(clock.pending).toBe(0);
});

test("a delay that Node cannot keep counts as never", () => {
  const clock = createManualClock();
  createTimer(clock).set(Number.POSITIVE_INFINITY, () => expect.unreachable());
  expect(clock.pending).toBe(0);
});

test("the real clock does not run backwards", () => {
  const before = realClock.now();
  expect(realClock.now()).toBeGreaterThanOrEqual(before);
});
