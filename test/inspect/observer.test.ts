import { expect, test } from "vitest";
import { createActor, createMachine, type InspectionEvent } from "xstate";
import { guardInspector } from "../../src/inspect/observer.ts";

type Trouble = Parameters<Parameters<typeof guardInspector>[1]>[0];

const eventOf = (index: number, type = "@xstate.snapshot") => ({ type, index }) as unknown as InspectionEvent;
const indexOf = (event: InspectionEvent) => (event as unknown as { index: number }).index;

/** Turns of the event loop until `done` holds. */
async function until(done: () => boolean): Promise<void> {
  const deadlineMs = performance.now() + 5_000;
  while (!done()) {
    if (performance.now() > deadlineMs) throw new Error("not within 5 s");
    await new Promise((resolve) => setImmediate(resolve));
  }
}

test("an observer gets every event, in order, in a later turn", async () => {
  const seen: number[] = [];
  const { next } = guardInspector({ next: (event) => seen.push(indexOf(event)) }, () => undefined);
  for (let index = 0; index < 100; index += 1) next(eventOf(index));
  expect(seen).toEqual([]);
  await until(() => seen.length === 100);
  expect(seen).toEqual(Array.from({ length: 100 }, (_value, index) => index));
});

test("a throw is reported with its error, and the next event still comes", async () => {
  const seen: number[] = [];
  const troubles: Trouble[] = [];
  const broken = new Error("the observer broke on purpose");
  const { next } = guardInspector(
    (event) => {
      if (indexOf(event) === 1) throw broken;
      seen.push(indexOf(event));
    },
    (trouble) => troubles.push(trouble),
  );
  for (const index of [0, 1, 2]) next(eventOf(index));
  await until(() => seen.length === 2);
  expect([seen, troubles]).toEqual([[0, 2], [{ type: "inspect.threw", error: broken }]]);
});

test("an actor that is inspected by a throwing observer goes on", async () => {
  const troubles: Trouble[] = [];
  const { next, flush } = guardInspector(
    () => {
      throw new Error("always");
    },
    (trouble) => troubles.push(trouble),
  );
  const machine = createMachine({ initial: "a", states: { a: { on: { go: "b" } }, b: {} } });
  const actor = createActor(machine, { inspect: next });
  actor.start();
  actor.send({ type: "go" });
  expect(actor.getSnapshot().value).toBe("b");
  flush();
  expect(troubles.length).toBeGreaterThan(2);
  actor.stop();
});

test("a slow observer holds nobody up: other turns come between its events, and the order is kept", async () => {
  const seen: number[] = [];
  let turns = 0;
  const { next } = guardInspector(
    (event) => {
      const untilMs = performance.now() + 3;
      while (performance.now() < untilMs);
      seen.push(indexOf(event));
    },
    () => undefined,
  );
  for (let index = 0; index < 40; index += 1) next(eventOf(index));
  const count = () => {
    turns += 1;
    if (seen.length < 40) setImmediate(count);
  };
  count();
  await until(() => seen.length === 40);
  expect(seen).toEqual([...seen].sort((a, b) => a - b));
  expect(turns).toBeGreaterThan(8);
});

test("beyond its buffer events are dropped and counted, and registrations of actors never are", async () => {
  const seen: InspectionEvent[] = [];
  const troubles: Trouble[] = [];
  const { next } = guardInspector(
    (event) => seen.push(event),
    (trouble) => troubles.push(trouble),
  );
  for (let index = 0; index < 20_005; index += 1) next(eventOf(index));
  next(eventOf(20_005, "@xstate.actor"));
  await until(() => seen.length === 20_001);
  expect(troubles).toEqual([{ type: "inspect.dropped", events: 5 }]);
  expect(seen.at(-1)?.type).toBe("@xstate.actor");
  next(eventOf(1));
  await until(() => seen.length === 20_002);
  expect(troubles).toHaveLength(1);
});

test("flush hands over at once what is buffered, however slow the observer is", () => {
  const seen: number[] = [];
  const { next, flush } = guardInspector(
    (event) => {
      const untilMs = performance.now() + 2;
      while (performance.now() < untilMs);
      seen.push(indexOf(event));
    },
    () => undefined,
  );
  for (let index = 0; index < 20; index += 1) next(eventOf(index));
  flush();
  expect(seen).toHaveLength(20);
  flush();
  expect(seen).toHaveLength(20);
});

test("an observer without next() is taken", () => {
  const { next, flush } = guardInspector({}, () => undefined);
  next(eventOf(1));
  expect(() => flush()).not.toThrow();
});
