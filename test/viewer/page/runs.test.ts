import { expect, test } from "vitest";
import type { ToldRun } from "../../../src/inspect/inspected-system.ts";
import type { WatchMessage } from "../../../src/inspect/watch.ts";
import { World } from "../../../src/viewer/page/world.ts";
import { report } from "./messages.ts";

const looked = (runs: readonly ToldRun[], removed: readonly string[] = []): WatchMessage => ({
  type: "runs",
  atMs: 1,
  runs,
  removed,
});
const told = (runId: string, more: Partial<ToldRun> = {}): ToldRun => ({
  runId,
  agentId: "poet",
  state: "running",
  kept: true,
  ...more,
});
const started = (runId: string) => report(10, { type: "run.started", runId, agentId: "poet", waitedMs: 2 } as never);
const settled = (runId: string, outcome: string, code?: string) =>
  report(20, { type: "run.settled", runId, agentId: "poet", outcome, code, durationMs: 10 } as never);

function worldOf(messages: readonly WatchMessage[]): World {
  const world = new World();
  for (const message of messages) world.apply(message);
  return world;
}

const stateOf = (world: World, runId: string) => world.runs.all.find((run) => run.runId === runId)?.state;

test("runs are what their reports say", () => {
  const world = worldOf([started("1"), settled("1", "failed", "worker_exited"), started("2")]);
  expect(world.runs.of("poet")).toMatchObject([
    { runId: "1", state: "failed", code: "worker_exited", durationMs: 10, waitedMs: 2 },
    { runId: "2", state: "running", durationMs: undefined },
  ]);
});

test("a run is known by the system's list before a worker has it, and by its reports after it has left the list", () => {
  const world = worldOf([looked([told("1", { state: "queued", startedAtMs: 5 })])]);
  expect(world.runs.all).toMatchObject([{ state: "queued", startedAtMs: 5 }]);
  world.apply(started("1"));
  expect(stateOf(world, "1")).toBe("running");
  world.apply(settled("1", "completed"));
  world.apply(looked([told("1", { state: "completed", startedAtMs: 5, endedAtMs: 25 })]));
  world.apply(looked([], ["1"]));
  expect(world.runs.all).toMatchObject([{ state: "completed", durationMs: 10, told: undefined }]);
});

test("a run of a caller waits until the list has it no more, and then runs on", () => {
  const waits = [{ token: "t", name: "reason", sinceMs: 3 }];
  const world = worldOf([started("1"), looked([told("1", { state: "waiting", kept: false, waits })])]);
  expect(world.runs.waiting).toMatchObject([{ runId: "1", told: { waits } }]);
  world.apply(looked([], ["1"]));
  expect([world.runs.waiting, stateOf(world, "1")]).toEqual([[], "running"]);
  world.apply(looked([told("1", { state: "waiting", kept: false, waits })]));
  world.apply(settled("1", "cancelled"));
  world.apply(looked([], ["1"]));
  expect(stateOf(world, "1")).toBe("cancelled");
});

test("runs are forgotten when there are many, but for those of the list; a new list begins as the old one is", () => {
  const world = worldOf([looked([told("kept", { state: "waiting" })])]);
  for (let index = 0; index < 3_000; index += 1) world.apply(started(`${index}`));
  expect(world.runs.all.length).toBe(2_000);
  expect([world.runs.all[0]?.runId, stateOf(world, "0"), stateOf(world, "2999")]).toEqual([
    "kept",
    undefined,
    "running",
  ]);
  expect(worldOf(world.opening([])).runs.waiting).toMatchObject([{ runId: "kept" }]);
});
