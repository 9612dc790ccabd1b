import { expect, test } from "vitest";
import { Deque } from "../../../src/otp/scheduler/deque.ts";

test("items come out in the order they went in, also while others go in", () => {
  const deque = new Deque<number>();
  const out: number[] = [];
  for (let index = 0; index < 10_000; index += 1) {
    deque.push(index);
    if (index % 3 !== 0) out.push(deque.shift() as number);
  }
  while (deque.length > 0) out.push(deque.shift() as number);
  expect(out).toEqual(Array.from({ length: 10_000 }, (_, index) => index));
  expect(deque.shift()).toBeUndefined();
});

test("an item put first comes out first, before and after others have left", () => {
  const deque = new Deque<string>();
  deque.unshift("a");
  deque.push("b");
  deque.unshift("first");
  expect([deque.shift(), deque.shift()]).toEqual(["first", "a"]);
  deque.unshift("again");
  expect(deque.values()).toEqual(["again", "b"]);
});

test("the first item that matches is taken, the others keep their order", () => {
  const deque = new Deque<number>();
  for (const item of [0, 1, 2, 3, 4, 5]) deque.push(item);
  deque.shift();
  expect([deque.take((item) => item % 2 === 0), deque.take((item) => item > 9)]).toEqual([{ item: 2 }, undefined]);
  expect([deque.values(), deque.length]).toEqual([[1, 3, 4, 5], 4]);
  deque.clear();
  expect([deque.values(), deque.length, deque.shift()]).toEqual([[], 0, undefined]);
});

test("a queue of 1,000,000 empties in a moment", () => {
  const deque = new Deque<number>();
  const began = performance.now();
  for (let index = 0; index < 1_000_000; index += 1) deque.push(index);
  while (deque.length > 0) deque.shift();
  expect(performance.now() - began).toBeLessThan(2_000);
});
