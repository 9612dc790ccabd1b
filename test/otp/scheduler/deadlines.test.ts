import { expect, test } from "vitest";
import { type Deadline, Deadlines } from "../../../src/otp/scheduler/deadlines.ts";
import { createVirtualClock } from "../../../src/testing/virtual-clock.ts";

function world() {
  const clock = createVirtualClock();
  const deadlines = new Deadlines(clock);
  const expired: string[] = [];
  const add = (name: string, ms: number): Deadline => {
    const deadline: Deadline = {
      atMs: 0,
      previous: undefined,
      next: undefined,
      lane: undefined,
      expire: () => expired.push(`${name} at ${clock.now()}`),
    };
    deadlines.add(deadline, ms);
    return deadline;
  };
  return { clock, deadlines, expired, add };
}

const turn = () => new Promise((resolve) => setImmediate(resolve));

test("each expires at its time, in order, whatever their lengths", () => {
  const { clock, expired, add } = world();
  add("a", 100);
  add("b", 50);
  clock.advance(30);
  add("c", 100);
  add("d", 50);
  add("e", 0);
  clock.advance(1_000);
  expect(expired).toEqual(["e at 30", "b at 50", "d at 80", "a at 100", "c at 130"]);
});

test("a wall clock that is set back or forward moves no deadline", () => {
  const { clock, deadlines } = world();
  let expired = 0;
  const add = (ms: number): void =>
    deadlines.add(
      {
        atMs: 0,
        previous: undefined,
        next: undefined,
        lane: undefined,
        expire: () => {
          expired += 1;
        },
      },
      ms,
    );
  add(100);
  clock.step(-3_600_000);
  clock.advance(100);
  expect(expired).toBe(1);
  add(100);
  clock.step(7_200_000);
  add(100);
  clock.advance(99);
  expect(expired).toBe(1);
  clock.advance(1);
  expect(expired).toBe(3);
});

test("one that is met does not expire, first, middle or last of its length", () => {
  const { clock, deadlines, expired, add } = world();
  const [a, , c, , e] = ["a", "b", "c", "d", "e"].map((name) => add(name, 10));
  for (const met of [c, a, e]) deadlines.remove(met as Deadline);
  deadlines.remove(a as Deadline);
  clock.advance(10);
  expect(expired).toEqual(["b at 10", "d at 10"]);
});

test("many of one length cost one timer, and none when all are met", async () => {
  const { clock, deadlines, add } = world();
  const many = Array.from({ length: 1_000 }, (_, index) => add(String(index), 5_000));
  expect(clock.pending).toBe(1);
  for (const met of many) deadlines.remove(met);
  await turn();
  expect(clock.pending).toBe(0);
  add("next", 5_000);
  expect(clock.pending).toBe(1);
});

test("a timer is kept when another of its length comes within the turn", async () => {
  const { clock, deadlines, expired, add } = world();
  deadlines.remove(add("met", 10));
  clock.advance(5);
  add("late", 10);
  await turn();
  clock.advance(5);
  expect(expired).toEqual([]);
  clock.advance(5);
  expect(expired).toEqual(["late at 15"]);
});

test("one that expires may add another of the same length", () => {
  const { clock, deadlines, expired } = world();
  let left = 3;
  const again: Deadline = {
    atMs: 0,
    previous: undefined,
    next: undefined,
    lane: undefined,
    expire() {
      expired.push(`again at ${clock.now()}`);
      left -= 1;
      if (left > 0) deadlines.add(again, 10);
    },
  };
  deadlines.add(again, 10);
  clock.advance(100);
  expect(expired).toEqual(["again at 10", "again at 20", "again at 30"]);
});

test("one that throws as it expires keeps no other from its time", () => {
  const { clock, deadlines, expired, add } = world();
  const broken: Deadline = {
    atMs: 0,
    previous: undefined,
    next: undefined,
    lane: undefined,
    expire() {
      throw new Error("raised as it expired");
    },
  };
  deadlines.add(broken, 10);
  add("next", 10);
  clock.advance(9);
  add("last", 10);
  expect(() => clock.advance(1)).toThrow("raised as it expired");
  clock.advance(100);
  expect(expired.map((text) => text.split(" ")[0])).toEqual(["next", "last"]);
});
