import { expect, test } from "vitest";
import type { WatchMessage } from "../../../src/inspect/watch.ts";
import type { WireEvent } from "../../../src/inspect/wire-event.ts";
import { History } from "../../../src/viewer/page/history.ts";
import { World } from "../../../src/viewer/page/world.ts";

const base = (sessionId: string, atMs: number) =>
  ({ sessionId, rootId: "r", createdAt: String(atMs), id: null, _version: "0" }) as const;
const actor = (sessionId: string, name: string, parentId?: string, value = "off"): WireEvent => ({
  type: "@xstate.actor",
  name,
  parentId,
  definition: "{}",
  snapshot: { status: "active", value },
  ...base(sessionId, 1),
});
const sent = (sessionId: string, type: string, atMs: number, sourceId?: string): WireEvent => ({
  type: "@xstate.event",
  sourceId,
  event: { type },
  ...base(sessionId, atMs),
});
const moved = (sessionId: string, type: string, value: string, atMs: number): WireEvent => ({
  type: "@xstate.snapshot",
  event: { type },
  snapshot: { status: "active", value },
  ...base(sessionId, atMs),
});
const report = (atMs: number, facts: { type: string }): WatchMessage => ({
  type: "report",
  atMs,
  level: "info",
  text: facts.type,
  report: facts,
});
const family = [actor("r", "runtime"), actor("s", "house", "r"), actor("a", "poet", "s")];

function worldOf(messages: readonly WatchMessage[]): World {
  const world = new World();
  for (const message of messages) world.apply(message);
  return world;
}

test("what policies have decided about a place is found at it and above it, what a budget does with runs too", () => {
  const offender = { path: "house/team/poet" };
  const world = worldOf([
    report(1, { type: "child.exited", offender, supervisor: "house/team" } as never),
    report(2, { type: "agent.limited", path: "house/team/poet", by: "wait", because: "used up" } as never),
    report(3, { type: "agent.limited", path: "house/other", by: "refuse" } as never),
    report(4, { type: "agent.unlimited", path: "house/team/poet" } as never),
    report(5, { type: "run.started", path: "house/team/poet" } as never),
  ]);
  const told = (path: string) => world.decisions(path).map(({ atMs }) => atMs);
  expect([told("house/team/poet"), told("house/team"), told("house"), told("house/other"), told("house/te")]).toEqual([
    [1, 2, 4],
    [1, 2, 4],
    [1, 2, 3, 4],
    [3],
    [],
  ]);
});

test("actors are found by the path that their place in the tree has", () => {
  expect([...worldOf(family).byPath.keys()]).toEqual(["", "house", "house/poet"]);
});

test("an event is shown with the state that it led to, also one that was sent while another was handled", () => {
  const world = worldOf([
    ...family,
    sent("a", "crash", 2, "s"),
    sent("a", "restart", 3, "s"),
    moved("a", "crash", "crashed", 4),
    moved("a", "restart", "restarting", 5),
  ]);
  expect(world.rows.map(({ source, target, event, state }) => [source, target, event.type, state])).toEqual([
    ["house", "poet", "crash", "crashed"],
    ["house", "poet", "restart", "restarting"],
  ]);
  expect(world.byPath.get("house/poet")?.moved).toEqual({
    event: "restart",
    from: "crashed",
    to: "restarting",
    atMs: 5,
  });
});

test("the tree follows the actors between two looks at it", () => {
  const node = { path: "house/poet", id: "poet", kind: "agent", state: "off", restarts: 0 } as const;
  const world = worldOf([...family, { type: "nodes", atMs: 1, nodes: [node], removed: [] }]);
  const before = world.treeVersion;
  world.apply(moved("a", "go", "on", 2));
  expect(world.nodes.get("house/poet")?.state).toBe("on");
  expect(world.treeVersion).toBeGreaterThan(before);
  world.apply({ type: "nodes", atMs: 3, nodes: [], removed: ["house/poet"] });
  expect(world.nodes.size).toBe(0);
});

test("runs are what their reports say", () => {
  const world = worldOf([
    report(10, { type: "run.started", runId: "1", agentId: "poet", attempt: 1, waitedMs: 2 } as never),
    report(20, {
      type: "run.settled",
      runId: "1",
      agentId: "poet",
      outcome: "failed",
      code: "worker_exited",
      durationMs: 10,
    } as never),
  ]);
  expect([...world.runs.values()]).toMatchObject([
    { runId: "1", outcome: "failed: worker_exited", durationMs: 10, waitedMs: 2 },
  ]);
});

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
  const history = new History(300);
  history.add(family);
  for (let atMs = 2; atMs < 2_000; atMs += 1)
    history.add([sent("a", "go", atMs), moved("a", "go", atMs % 2 === 0 ? "on" : "off", atMs)]);
  expect(history.messages.length).toBeLessThanOrEqual(301);
  expect(history.at(1_999).byPath.get("house/poet")?.snapshot.value).toBe("off");
});
