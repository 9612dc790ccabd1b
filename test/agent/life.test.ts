import { expect, test } from "vitest";
import { startPoet } from "./fleet.ts";

test("the reports of a life come in order, each with the agent's path, time and incarnation", async () => {
  const fleet = await startPoet();
  await fleet.agent().whenReady();
  fleet.launcher.worker("poet").crash();
  await fleet.report("agent.ready", ({ incarnation }) => incarnation === 2);
  await fleet.agent().stop();
  const mine = fleet.reports.filter((report) => "agentId" in report);
  expect(mine.map(({ type, incarnation }) => [type, incarnation])).toEqual([
    ["worker.spawned", 1],
    ["agent.ready", 1],
    ["agent.crashed", 1],
    ["worker.spawned", 2],
    ["agent.ready", 2],
    ["agent.stopped", 2],
  ]);
  for (const report of mine) expect(report).toMatchObject({ path: "supervisor/poet", atMs: 1_000_000 });
});

test("the last 50 events of the machine are kept, oldest first", async () => {
  const fleet = await startPoet();
  const agent = fleet.agent();
  for (let run = 0; run < 30; run += 1) await agent.run("hello");
  fleet.launcher.worker("poet").crash();
  const { crash } = await fleet.report("agent.crashed");
  const events = Array.from({ length: 25 }, () => ["run.started", "run.settled"]).flat();
  expect(crash.lastEvents).toEqual(events);
});
