import { expect, test } from "vitest";
import { History } from "../../../src/viewer/page/history.ts";
import { actor, ended, family, moved, report, sent } from "./messages.ts";

test("a history goes back to any moment, and marks the crashes", () => {
  const history = new History();
  history.add([
    ...family,
    sent("a", "go", 1_000),
    moved("a", "go", "on", 1_000),
    report(2_000, { type: "agent.crashed", agentId: "poet" } as never),
    moved("a", "crash", "crashed", 2_000),
    { type: "end", atMs: 3_000 },
  ]);
  expect([history.firstMs, history.lastMs]).toEqual([1, 3_000]);
  expect(history.marks).toMatchObject([{ atMs: 2_000, agentId: "poet" }]);
  const stateAt = (atMs: number) => history.at(atMs).byPath.get("house/poet")?.snapshot.value;
  expect([stateAt(500), stateAt(1_500), stateAt(2_500)]).toEqual(["off", "on", "crashed"]);
  expect(history.at(2_500).ended).toBe(false);
  expect(history.live.ended).toBe(true);
  expect(history.rateAt(2_500)).toBeCloseTo(1 / 3);
  expect(history.density().reduce((sum, value) => sum + value)).toBe(1);
  history.clear();
  expect([history.messages.length, history.marks.length, history.live.actors.size]).toEqual([0, 0, 0]);
});

test("at the moment of a crash the agent is crashed, although it has left that state within the same millisecond", () => {
  const history = new History();
  history.add([
    report(2_000, { type: "agent.crashed", agentId: "poet" } as never),
    ...family,
    moved("a", "exit", "crashed", 2_001),
    moved("a", "decided", "restarting", 2_001),
  ]);
  expect(history.at(2_000).byPath.get("house/poet")?.snapshot.value).toBe("crashed");
  expect(history.at(2_001).byPath.get("house/poet")?.snapshot.value).toBe("restarting");
});

test("a history is bounded, and keeps the actors of what it has forgotten", () => {
  const history = new History({ messages: 300 });
  history.add(family);
  for (let atMs = 2; atMs < 2_000; atMs += 1)
    history.add([sent("a", "go", atMs), moved("a", "go", atMs % 2 === 0 ? "on" : "off", atMs)]);
  expect(history.messages.length).toBeLessThanOrEqual(301);
  expect(history.at(1_999).byPath.get("house/poet")?.snapshot.value).toBe("off");
});

test("a history is bounded by what its messages take, too", () => {
  const history = new History({ characters: 10_000 });
  history.add(family);
  for (let atMs = 2; atMs < 200; atMs += 1) history.add([moved("a", "go", `state ${atMs}`, atMs)], 1_000);
  expect(history.messages.length).toBeLessThanOrEqual(family.length + 10);
  const stateAt = (atMs: number) => history.at(atMs).byPath.get("house/poet")?.snapshot.value;
  expect([stateAt(199), stateAt(history.firstMs)]).toEqual(["state 199", `state ${history.firstMs}`]);
  // One batch that is larger than all that may be kept is shown.
  history.add([moved("a", "go", "large", 200)], 20_000);
  expect(stateAt(200)).toBe("large");
});

test("the time line begins with what is kept, and so do its marks", () => {
  const history = new History({ messages: 300 });
  history.add(family);
  for (let second = 1; second < 1_000; second += 1) {
    const crash = report(second * 1_000, { type: "agent.crashed", agentId: "poet" } as never);
    history.add([crash, sent("a", "go", second * 1_000)]);
  }
  expect(history.firstMs).toBeGreaterThan(800_000);
  expect(Math.min(...history.marks.map(({ atMs }) => atMs))).toBeGreaterThanOrEqual(history.firstMs);
  expect(history.density().reduce((sum, value) => sum + value)).toBeLessThan(200);
  expect(history.at(history.firstMs).byPath.has("house/poet")).toBe(true);
  // The record of a crash outlives its mark.
  expect(history.live.crashes("poet").length).toBeGreaterThan(900);
});

test("actors that have ended leave a history", () => {
  const history = new History({ messages: 3_000 });
  history.add(family);
  for (let index = 0; index < 20_000; index += 1) {
    history.add([actor(`x${index}`, `guest-${index}`, "s"), ended(`x${index}`, index)]);
  }
  expect(history.messages.length).toBeLessThanOrEqual(3_000);
  expect(history.live.actors.size).toBeLessThan(1_100);
});
