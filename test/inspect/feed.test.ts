import { expect, onTestFinished, test } from "vitest";
import { createActor } from "xstate";
import { type FeedOptions, InspectionFeed } from "../../src/inspect/feed.ts";
import type { WireEvent } from "../../src/inspect/wire-event.ts";
import { lamp, startLamps } from "./actors.ts";

function follow({ source }: ReturnType<typeof startLamps>, options: FeedOptions = {}) {
  const events: WireEvent[] = [];
  let skipped = 0;
  let batches = 0;
  const feed = new InspectionFeed(
    source,
    (batch) => {
      events.push(...batch.events);
      skipped += batch.skipped;
      batches += 1;
    },
    { periodMs: 5, ...options },
  );
  onTestFinished(() => feed.close());
  const lastStateOf = (sessionId: string) =>
    events.findLast((event) => event.type === "@xstate.snapshot" && event.sessionId === sessionId);
  return { feed, events, skipped: () => skipped, batches: () => batches, lastStateOf };
}

test("whoever begins to look is told of every actor that is there, each after its parent, and then of what happens", async () => {
  const lamps = startLamps("a", "b");
  const { events } = follow(lamps);
  await expect.poll(() => events.length).toBe(3);
  expect(events.map((event) => (event.type === "@xstate.actor" ? event.name : event.type))).toEqual(["root", "a", "b"]);
  lamps.lamps[0]?.send({ type: "flip" });
  await expect.poll(() => events.length).toBe(5);
  expect(events.slice(3)).toMatchObject([
    { type: "@xstate.event", event: { type: "flip" }, sessionId: lamps.lamps[0]?.sessionId },
    { type: "@xstate.snapshot", event: { type: "flip" }, snapshot: { status: "active", value: "on" } },
  ]);
});

test("an actor that begins later is told of before its events", async () => {
  const lamps = startLamps();
  const { events } = follow(lamps);
  const late = createActor(lamp, { id: "late", parent: lamps.root } as never).start();
  late.send({ type: "flip" });
  await expect.poll(() => events.some(({ type }) => type === "@xstate.snapshot")).toBe(true);
  const mine = events.filter(({ sessionId }) => sessionId === late.sessionId);
  expect(mine[0]).toMatchObject({ type: "@xstate.actor", name: "late", parentId: lamps.root.sessionId });
});

test("under load the feed looks away, counts what it has not told, and tells the state that there is in the end", async () => {
  const lamps = startLamps("a", "b");
  const [busy, quiet] = lamps.lamps;
  const { events, skipped, lastStateOf } = follow(lamps, { maxEvents: 50, periodMs: 20 });
  await expect.poll(() => events.length).toBe(3);
  for (let flips = 0; flips < 5_001; flips += 1) busy?.send({ type: "flip" });
  quiet?.send({ type: "flip" });
  await expect.poll(() => lastStateOf(busy?.sessionId ?? "")).toMatchObject({ snapshot: { value: "on" } });
  await expect.poll(() => lastStateOf(quiet?.sessionId ?? "")).toMatchObject({ snapshot: { value: "on" } });
  expect(skipped()).toBeGreaterThan(0);
  expect(events.length).toBeLessThan(200);
  expect(lamps.looks()).toBeGreaterThan(1);
});

test("a batch that is full is told, and it looks again afterwards", async () => {
  const lamps = startLamps("a");
  const { events } = follow(lamps, { maxEvents: 20 });
  for (let flips = 0; flips < 1_000; flips += 1) lamps.lamps[0]?.send({ type: "flip" });
  await expect.poll(lamps.looks).toBe(2);
  const before = events.length;
  lamps.lamps[0]?.send({ type: "flip" });
  await expect.poll(() => events.slice(before).some(({ type }) => type === "@xstate.event")).toBe(true);
});

test("replay tells the last state of everybody, also of one that has ended", async () => {
  const lamps = startLamps("a", "b");
  const { feed, events } = follow(lamps);
  lamps.lamps[0]?.send({ type: "flip" });
  await expect.poll(() => events.length).toBe(5);
  (lamps.lamps[1] as unknown as { _stop(): void })._stop();
  await expect.poll(() => events.length).toBeGreaterThan(5);
  const replayed = feed.replay();
  const facts = replayed.map((event) =>
    event.type === "@xstate.actor" ? [event.name, event.snapshot.status, event.snapshot.value] : [],
  );
  expect(facts).toHaveLength(3);
  expect(facts).toEqual(
    expect.arrayContaining([
      ["a", "active", "on"],
      ["b", "stopped", "off"],
    ]),
  );
});

test("a sanitiser is asked for all that is told, and where it throws nothing is", async () => {
  const lamps = startLamps("a");
  const asked: string[] = [];
  const { events } = follow(lamps, {
    sanitise(value, what) {
      asked.push(what);
      if (what === "event") throw new Error("it may not be shown");
      return what === "definition" ? { id: "hidden" } : value;
    },
  });
  lamps.lamps[0]?.send({ type: "flip", password: "x" } as never);
  await expect.poll(() => events.length).toBe(4);
  expect(events[1]).toMatchObject({ definition: '{"id":"hidden"}' });
  expect(events[2]).toMatchObject({ event: { value: "(the sanitiser threw)" } });
  expect(new Set(asked)).toEqual(new Set(["definition", "context", "event"]));
});

test("a feed that is closed tells what it has noted and looks no more", async () => {
  const lamps = startLamps("a");
  const { feed, events } = follow(lamps, { periodMs: 10_000 });
  lamps.lamps[0]?.send({ type: "flip" });
  expect(events).toEqual([]);
  feed.close();
  expect(events.map(({ type }) => type)).toContain("@xstate.snapshot");
  const before = events.length;
  lamps.lamps[0]?.send({ type: "flip" });
  feed.close();
  expect(events).toHaveLength(before);
});

test("a feed that pauses looks at nothing, and begins anew when it resumes", async () => {
  const lamps = startLamps("a");
  const { feed, events } = follow(lamps, { paused: true });
  expect(lamps.looks()).toBe(0);
  feed.resume();
  await expect.poll(() => events.length).toBe(2);
  feed.pause();
  lamps.lamps[0]?.send({ type: "flip" });
  feed.resume();
  await expect.poll(() => events.length).toBe(4);
  expect(events[3]).toMatchObject({ type: "@xstate.actor", name: "a", snapshot: { value: "on" } });
});

test("what goes wrong while it looks is told once and ends its looking, and nothing else", async () => {
  const lamps = startLamps("a");
  let isOdd = false;
  const source = {
    ...lamps.source,
    *actors() {
      if (isOdd) throw new Error("an odd actor");
      yield* lamps.source.actors();
    },
  };
  const events: WireEvent[] = [];
  const feed = new InspectionFeed(source, (batch) => events.push(...batch.events), { periodMs: 5, maxEvents: 10 });
  onTestFinished(() => feed.close());
  await expect.poll(() => events.length).toBe(2);
  isOdd = true;
  // It looks away, and cannot find out who is there before it looks again.
  for (let flips = 0; flips < 101; flips += 1) lamps.lamps[0]?.send({ type: "flip" });
  await expect.poll(() => lamps.troubles).toMatchObject([{ message: "an odd actor" }]);
  expect(lamps.lamps[0]?.getSnapshot().value).toBe("on");
  isOdd = false;
  feed.resume();
  await expect.poll(() => events.at(-1)).toMatchObject({ name: "a", snapshot: { value: "on" } });
});
