import { expect, test } from "vitest";
import type { WatchMessage } from "../../../src/inspect/watch.ts";
import { World } from "../../../src/viewer/page/world.ts";
import { actor, ended, family, moved, report, sent } from "./messages.ts";

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

test("actors that have ended are forgotten when many others have, but for those whose place is in the tree", () => {
  const node = { path: "house/poet", id: "poet", kind: "process", state: "done", restarts: 0 } as const;
  const world = worldOf([...family, { type: "nodes", atMs: 1, nodes: [node], removed: [] }, ended("a", 2)]);
  for (let index = 0; index < 5_000; index += 1) {
    world.apply(actor(`x${index}`, `guest-${index}`, "s"));
    world.apply(sent(`x${index}`, "go", 3));
    world.apply(ended(`x${index}`, 3));
  }
  expect(world.actors.size).toBeLessThan(1_100);
  expect(world.byPath.size).toBe(world.actors.size);
  expect([world.byPath.get("house/poet")?.sessionId, world.byPath.has("house/guest-4999")]).toEqual(["a", true]);
  // Its place is gone: it goes with the others.
  world.apply({ type: "nodes", atMs: 4, nodes: [], removed: ["house/poet"] });
  for (let index = 0; index < 5_000; index += 1) {
    world.apply(actor(`y${index}`, `guest-${index}`, "s"));
    world.apply(ended(`y${index}`, 5));
  }
  expect(world.byPath.has("house/poet")).toBe(false);
});

test("a header in the middle begins anew: actors, places and runs of before are gone, reports and lines stay", () => {
  const node = { path: "house/poet", id: "poet", kind: "agent", state: "off", restarts: 0 } as const;
  const header = (system: string): WatchMessage => ({ type: "header", version: 1, system, atMs: 1 });
  const kept = { runId: "1", agentId: "poet", state: "waiting", kept: true } as const;
  const world = worldOf([
    header("house"),
    ...family,
    { type: "nodes", atMs: 1, nodes: [node], removed: [] },
    { type: "runs", atMs: 1, runs: [kept], removed: [] },
    report(2, { type: "agent.crashed", agentId: "poet" } as never),
    { type: "end", atMs: 3 },
    header("next"),
  ]);
  expect([world.system, world.ended, world.nodes.size, world.byPath.size]).toEqual(["next", false, 0, 0]);
  expect([world.runs.waiting, world.crashes("poet").length]).toEqual([[], 1]);
});

test("lines of many agents are bounded together, and the newest of each stay", () => {
  const world = new World();
  for (let round = 0; round < 100; round += 1) {
    for (let index = 0; index < 1_000; index += 1) {
      world.apply({ type: "line", atMs: round, agentId: `a${index}`, incarnation: 1, level: "info", text: `${round}` });
    }
  }
  const lines = [...world.lines.values()];
  expect(lines.flat().length).toBeLessThanOrEqual(40_000);
  expect(lines.length).toBe(1_000);
  expect(lines.every((some) => some.at(-1)?.text === "99")).toBe(true);
});

test("an opening makes a world like the one that it is of", () => {
  const node = { path: "house/poet", id: "poet", kind: "agent", state: "off", restarts: 0 } as const;
  const messages: WatchMessage[] = [
    { type: "header", version: 1, system: "house", atMs: 1 },
    ...family,
    { type: "nodes", atMs: 1, nodes: [node], removed: [] },
    { type: "health", atMs: 1, ok: false, text: "degraded" },
    { type: "recordings", atMs: 1, files: ["house.jsonl"] },
    moved("a", "go", "on", 2),
    report(3, { type: "agent.crashed", agentId: "poet" } as never),
  ];
  const before = worldOf(messages);
  const after = worldOf(before.opening(messages));
  const shown = ({ system, health, recordings, nodes, byPath, crashes }: World) => ({
    crashes: crashes.call(after).length,
    nodes: [...nodes.values()],
    actors: [...byPath].map(([path, { snapshot }]) => [path, snapshot]),
    ...{ system, health, recordings },
  });
  expect(shown(after)).toEqual(shown(before));
  expect(shown(after)).toMatchObject({ system: "house", nodes: [{ state: "on" }], crashes: 1 });
});
