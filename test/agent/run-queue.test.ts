import { expect, test } from "vitest";
import { RunQueue } from "../../src/agent/run-queue.ts";

const none = () => 0;

test("the queue knows how long its first run has waited; a reserved place waits for nothing", () => {
  let nowMs = 1_000;
  const queue = new RunQueue<string>("poet", { maxQueue: 10, nowMs: () => nowMs });
  expect(queue.oldestWaitMs).toBeUndefined();
  queue.push("first", none);
  nowMs = 1_400;
  queue.push("second", none);
  expect(queue.oldestWaitMs).toBe(400);
  expect([queue.take(), queue.oldestWaitMs]).toEqual(["first", 0]);
  nowMs = 1_500;
  queue.putBack("first");
  expect([queue.first, queue.oldestWaitMs]).toEqual(["first", 0]);
  queue.drain();
  queue.reserve("third");
  expect([queue.oldestWaitMs, queue.waitingCount]).toEqual([undefined, 0]);
});

test("a queue that has room does not ask for free places", () => {
  const queue = new RunQueue<number>("poet", { maxQueue: 1 });
  const asked: number[] = [];
  const places = () => asked.push(0);
  queue.push(1, places);
  expect(asked).toEqual([]);
  expect(() => queue.push(2, places)).toThrow(/queue_full/);
  expect(asked).toEqual([0]);
});

test("a full queue takes as many as there are free places when nothing waits", () => {
  const queue = new RunQueue<number>("poet", { maxQueue: 0 });
  expect(() => queue.check(none)).toThrow(/queue_full/);
  queue.push(1, () => 1);
  expect(() => queue.check(() => 5)).toThrow(/queue_full/);
});
