import { afterEach, beforeEach, expect, onTestFinished, test, vi } from "vitest";
import type { InspectedSystem, ToldReport } from "../../src/inspect/inspected-system.ts";
import { RemoteViewers } from "../../src/inspect/remote-viewers.ts";
import type { WatchMessage } from "../../src/inspect/watch.ts";
import { startLamps } from "./actors.ts";

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

/** The viewers of a system of one lamp. */
function start() {
  const { lamps, source, looks } = startLamps("lamp");
  const listeners = new Set<(told: ToldReport) => void>();
  const system: InspectedSystem = {
    ...source,
    name: "house",
    onReport: (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    onLine: () => () => undefined,
    nodes: () => [],
    runs: () => [],
    recordings: () => [],
    health: () => ({ ok: true, text: "serving" }),
  };
  const viewers = new RemoteViewers(system);
  onTestFinished(() => viewers.close());
  const report = (text: string) => {
    for (const tell of listeners) tell({ atMs: 1, level: "warn", text, report: { type: "x" } });
  };
  return { viewers, lamp: lamps[0], looks, listeners, report };
}

const typesOf = (messages: readonly WatchMessage[]) => messages.map(({ type }) => type);

test("one who asks for the first time is told how all is, and then what has happened since", () => {
  const { viewers, lamp } = start();
  const first = viewers.look("one");
  expect(first.opening).toBe(true);
  expect(typesOf(first.messages)).toEqual([
    "header",
    "nodes",
    "health",
    "runs",
    "recordings",
    "@xstate.actor",
    "@xstate.actor",
  ]);
  expect(viewers.look("one")).toEqual({ opening: false, messages: [] });
  lamp?.send({ type: "flip" });
  vi.advanceTimersByTime(200);
  const { opening, messages } = viewers.look("one");
  expect([opening, typesOf(messages)]).toEqual([false, ["@xstate.event", "@xstate.snapshot"]]);
  expect(viewers.look("two").opening).toBe(true);
});

test("one that asks no more is forgotten, and while there is none actors are left alone", () => {
  const { viewers, looks, listeners } = start();
  expect(looks()).toBe(0);
  viewers.look("one");
  expect([looks(), listeners.size]).toEqual([1, 1]);
  vi.advanceTimersByTime(4_000);
  viewers.look("one");
  vi.advanceTimersByTime(4_000);
  expect(viewers.look("one").opening).toBe(false);
  vi.advanceTimersByTime(5_001);
  expect(listeners.size).toBe(0);
  expect(viewers.look("one").opening).toBe(true);
});

test("four look at a time", () => {
  const { viewers } = start();
  for (const name of ["1", "2", "3", "4"]) viewers.look(name);
  expect(() => viewers.look("5")).toThrow("[queue_full] 4 viewers look at system");
  expect(viewers.look("4").opening).toBe(false);
  vi.advanceTimersByTime(6_000);
  expect(viewers.look("5").opening).toBe(true);
});

test("one for whom more has happened than is kept is told anew how all is", () => {
  const { viewers, report } = start();
  viewers.look("one");
  for (let batch = 0; batch < 40; batch += 1) {
    for (let index = 0; index < 800; index += 1) report(`${batch} ${index}`);
    vi.advanceTimersByTime(110);
  }
  const { opening, messages } = viewers.look("one");
  expect([opening, messages[0]?.type]).toEqual([true, "header"]);
  expect(viewers.look("one").opening).toBe(false);
});
