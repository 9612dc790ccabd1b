import fc from "fast-check";
import { expect, test } from "vitest";
import { Mailbox } from "../../src/agent/mailbox.ts";
import { RunQueue } from "../../src/agent/run-queue.ts";

function setUp(maxQueue: number, maxConcurrency: number) {
  const queue = new RunQueue<number>("poet", { maxQueue });
  const box = new Mailbox(queue, maxConcurrency);
  const push = (run: number, ready: boolean) => queue.push(run, () => (ready ? box.freePlaces : 0));
  return { box, queue, push };
}

test("runs leave in the order they came, as many at a time as the worker holds", () => {
  const { box, queue, push } = setUp(10, 2);
  for (const run of [1, 2, 3]) push(run, false);
  expect([box.take(), box.take(), box.take()]).toEqual([1, 2, undefined]);
  expect([[...box.inFlight], queue.waitingCount, queue.isTakenAtOnce(box.freePlaces)]).toEqual([[1, 2], 1, false]);
  expect(box.remove(1)).toBe(true);
  expect(box.take()).toBe(3);
});

test("a full queue refuses with its limit and the agent's name", () => {
  const { queue, push } = setUp(1, 1);
  push(1, false);
  expect(() => push(2, false)).toThrow(
    expect.objectContaining({
      code: "queue_full",
      field: "maxQueue",
      value: 1,
      message: expect.stringContaining('"poet"'),
    }),
  );
  expect(queue.waitingCount).toBe(1);
});

test("a queue of 0 takes what a ready worker can hold at once", () => {
  const { box, push } = setUp(0, 1);
  expect(() => push(1, false)).toThrow(/queue_full/);
  push(1, true);
  expect(box.take()).toBe(1);
  expect(() => push(2, true)).toThrow(/queue_full/);
});

test("a run that is put back is the next one out, even in a full queue", () => {
  const { box, queue, push } = setUp(2, 2);
  push(1, false);
  box.take();
  for (const run of [2, 3]) push(run, false);
  box.putBack(1);
  expect(queue.waitingCount).toBe(3);
  expect([box.take(), box.take(), box.take()]).toEqual([1, 2, undefined]);
});

test("runs that stay with a worker whose place is taken leave the places of the next one free, and count as held", () => {
  const { box, queue, push } = setUp(10, 2);
  for (const run of [1, 2, 3, 4]) push(run, false);
  expect([box.take(), box.take(), box.take()]).toEqual([1, 2, undefined]);
  box.retire();
  expect([box.take(), box.take(), box.take()]).toEqual([3, 4, undefined]);
  expect([[...box.retired], [...box.inFlight]]).toEqual([
    [1, 2],
    [3, 4],
  ]);
  expect(box.remove(1)).toBe(true);
  box.putBack(2);
  box.putBack(4);
  expect([queue.waitingCount, box.drain("retired"), box.drain("inFlight")]).toEqual([2, [], [3]]);
});

test("a run that the worker does not hold is not put back", () => {
  const { box, queue } = setUp(2, 1);
  box.putBack(9);
  expect([queue.waitingCount, box.inFlight.size]).toEqual([0, 0]);
});

test("whatever is done to it: order is kept, bounds are kept, nothing is lost and nothing doubled", () => {
  const step = fc.oneof(
    { weight: 4, arbitrary: fc.record({ type: fc.constant("push" as const), ready: fc.boolean() }) },
    { weight: 4, arbitrary: fc.record({ type: fc.constant("take" as const) }) },
    { weight: 2, arbitrary: fc.record({ type: fc.constant("remove" as const), pick: fc.nat() }) },
    { weight: 2, arbitrary: fc.record({ type: fc.constant("putBack" as const), pick: fc.nat() }) },
    { weight: 1, arbitrary: fc.record({ type: fc.constant("crash" as const) }) },
  );
  fc.assert(
    fc.property(
      fc.array(step, { maxLength: 150, size: "max" }),
      fc.integer({ min: 0, max: 5 }),
      fc.integer({ min: 1, max: 4 }),
      (steps, maxQueue, maxConcurrency) => {
        const { box, queue, push } = setUp(maxQueue, maxConcurrency);
        let waiting: number[] = [];
        let held: number[] = [];
        let next = 0;
        for (const todo of steps) {
          switch (todo.type) {
            case "push": {
              const room = waiting.length === 0 && held.length < maxConcurrency;
              next += 1;
              const run = next;
              if (waiting.length < maxQueue || (todo.ready && room)) {
                push(run, todo.ready);
                waiting.push(run);
              } else {
                expect(() => push(run, todo.ready)).toThrow(/queue_full/);
              }
              break;
            }
            case "take": {
              const expected = held.length < maxConcurrency ? waiting[0] : undefined;
              expect(box.take()).toBe(expected);
              if (expected === undefined) break;
              waiting = waiting.slice(1);
              held.push(expected);
              break;
            }
            case "remove": {
              const all = [...waiting, ...held];
              const run = all[todo.pick % Math.max(1, all.length)];
              if (run === undefined) break;
              expect(box.remove(run)).toBe(held.includes(run));
              waiting = waiting.filter((other) => other !== run);
              held = held.filter((other) => other !== run);
              break;
            }
            case "putBack": {
              const run = held[todo.pick % Math.max(1, held.length)];
              if (run === undefined) break;
              box.putBack(run);
              held = held.filter((other) => other !== run);
              waiting = [run, ...waiting];
              break;
            }
            case "crash":
              expect(box.drain("inFlight")).toEqual(held);
              held = [];
              break;
            default:
              todo satisfies never;
          }
          expect([...box.inFlight]).toEqual(held);
          expect(queue.waitingCount).toBe(waiting.length);
          expect(held.length).toBeLessThanOrEqual(maxConcurrency);
        }
        expect(queue.drain()).toEqual(waiting);
        expect(queue.waitingCount).toBe(0);
      },
    ),
  );
});

test("a reserved place keeps the order and counts as no run", () => {
  const { box, queue, push } = setUp(0, 2);
  queue.reserve(1);
  push(2, true);
  expect([box.take(), queue.waitingCount, queue.isTakenAtOnce(box.freePlaces)]).toEqual([undefined, 1, true]);
  push(1, true);
  expect([box.take(), box.take(), queue.waitingCount]).toEqual([1, 2, 0]);
});

test("a reserved place that is given up holds nobody up, and is gone", () => {
  const { box, queue, push } = setUp(1, 2);
  queue.reserve(1);
  push(2, false);
  expect(() => push(1, false)).toThrow(/queue_full/);
  queue.giveUp(1);
  queue.giveUp(2);
  expect([box.take(), box.take()]).toEqual([2, undefined]);
  push(1, false);
  queue.giveUp(1);
  expect(box.take()).toBe(1);
});

test("a reserved place that is drained or removed is forgotten", () => {
  const { box, queue, push } = setUp(5, 2);
  queue.reserve(1);
  queue.reserve(2);
  expect(box.remove(1)).toBe(false);
  expect(queue.drain()).toEqual([2]);
  push(3, false);
  expect([queue.waitingCount, box.take()]).toEqual([1, 3]);
});

test("fifty thousand runs that wait come and go in no time that their number would show", () => {
  const { box, queue, push } = setUp(100_000, 1);
  const startMs = performance.now();
  for (let run = 0; run < 50_000; run += 1) push(run, false);
  for (let run = 49_999; run >= 25_000; run -= 1) box.remove(run);
  for (let run = 0; run < 25_000; run += 1) {
    expect(box.take()).toBe(run);
    box.remove(run);
  }
  expect(queue.waitingCount).toBe(0);
  // A queue that looks through what has left takes some ten seconds.
  expect(performance.now() - startMs).toBeLessThan(5_000);
});
