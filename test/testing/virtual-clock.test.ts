import fc from "fast-check";
import { expect, test } from "vitest";
import { self } from "../../src/otp/process/current.ts";
import { exit } from "../../src/otp/process/link.ts";
import type { Process } from "../../src/otp/process/process.ts";
import { LocalRuntime } from "../../src/otp/process/runtime.ts";
import { spawn } from "../../src/otp/start/spawn.ts";
import { createVirtualClock } from "../../src/testing/index.ts";

test("timers run in order of time, then of creation, with the time they were set for", () => {
  const clock = createVirtualClock(1_000);
  const ran: [string, number][] = [];
  const note = (name: string) => () => void ran.push([name, clock.now()]);
  clock.setTimeout(note("b"), 20);
  clock.setTimeout(note("a"), 10);
  clock.setTimeout(note("c"), 20);
  clock.advance(19);
  expect([ran, clock.now(), clock.pending]).toEqual([[["a", 1_010]], 1_019, 2]);
  clock.advance(1);
  expect(ran.slice(1)).toEqual([
    ["b", 1_020],
    ["c", 1_020],
  ]);
});

test("a timer that is set by a timer runs in the same move when it falls due", () => {
  const clock = createVirtualClock();
  const ran: number[] = [];
  const again = () => {
    ran.push(clock.now());
    clock.setTimeout(again, 10);
  };
  clock.setTimeout(again, 10);
  clock.advance(35);
  expect(ran).toEqual([10, 20, 30]);
  expect(clock.pending).toBe(1);
});

test("a cleared timer does not run; clearing one that ran, or none, does nothing", () => {
  const clock = createVirtualClock();
  const ran: string[] = [];
  const first = clock.setTimeout(() => ran.push("first"), 5);
  const second = clock.setTimeout(() => ran.push("second"), 5);
  clock.clearTimeout(second);
  clock.advance(5);
  clock.clearTimeout(first);
  clock.clearTimeout(undefined);
  expect([ran, clock.pending]).toEqual([["first"], 0]);
});

test("fifty thousand timers run in order, with every third cleared", () => {
  const clock = createVirtualClock();
  const ran: number[] = [];
  const count = 50_000;
  for (let index = 0; index < count; index += 1) {
    const ms = (index * 7_919) % count;
    const handle = clock.setTimeout(() => ran.push(ms), ms);
    if (ms % 3 === 0) clock.clearTimeout(handle);
  }
  clock.advance(count);
  expect(ran).toEqual(Array.from({ length: count }, (_value, ms) => ms).filter((ms) => ms % 3 !== 0));
});

test("any mix of setting, clearing and moving runs what a sorted list would run", () => {
  const step = fc.oneof(
    fc.record({ type: fc.constant("set" as const), ms: fc.integer({ min: 0, max: 50 }) }),
    fc.record({ type: fc.constant("clear" as const), index: fc.nat(40) }),
    fc.record({ type: fc.constant("advance" as const), ms: fc.integer({ min: 0, max: 30 }) }),
  );
  fc.assert(
    fc.property(fc.array(step, { maxLength: 120, size: "max" }), (steps) => {
      const clock = createVirtualClock();
      const ran: number[] = [];
      const expected: number[] = [];
      let model: { atMs: number; id: number }[] = [];
      const handles: unknown[] = [];
      for (const todo of steps) {
        if (todo.type === "set") {
          const id = handles.length;
          model.push({ atMs: clock.now() + todo.ms, id });
          handles.push(clock.setTimeout(() => ran.push(id), todo.ms));
        } else if (todo.type === "clear") {
          clock.clearTimeout(handles[todo.index]);
          model = model.filter(({ id }) => id !== todo.index);
        } else {
          clock.advance(todo.ms);
          const due = model.filter(({ atMs }) => atMs <= clock.now()).sort((a, b) => a.atMs - b.atMs || a.id - b.id);
          expected.push(...due.map(({ id }) => id));
          model = model.filter(({ atMs }) => atMs > clock.now());
        }
        expect(clock.pending).toBe(model.length);
      }
      expect(ran).toEqual(expected);
    }),
  );
});

test("a step of the wall clock moves no timer and no duration", () => {
  const clock = createVirtualClock(10_000);
  let fired = 0;
  clock.setTimeout(() => {
    fired += 1;
  }, 100);
  clock.advance(50);
  clock.step(-5_000);
  expect([clock.now(), clock.monotonicMs()]).toEqual([5_050, 10_050]);
  clock.advance(49);
  expect(fired).toBe(0);
  clock.advance(1);
  expect(fired).toBe(1);
});

test("a timer runs as whoever has set it: self() is the same, and what it rejects with is that process's", async () => {
  const clock = createVirtualClock();
  const runtime = new LocalRuntime({ clock });
  const seen: unknown[] = [];
  const [one, other] = [1, 2].map(() =>
    spawn(
      ({ receive }) => {
        clock.setTimeout(() => seen.push(self()), 10);
        return receive();
      },
      { runtime },
    ),
  );
  await new Promise((resolve) => setImmediate(resolve));
  clock.advance(10);
  expect(seen).toEqual([one, other]);
  for (const process of [one, other]) exit(process as Process, "kill");
});
