import { expect, test } from "vitest";
import { startPoet } from "./fleet.ts";

test("the workers of an agent are launched one after the other, but for a swap, and each has a number of its own", async () => {
  const fleet = await startPoet();
  const agent = fleet.agent();
  await agent.whenReady();
  fleet.launcher.worker("poet").crash();
  await fleet.report("agent.ready", ({ incarnation }) => incarnation === 2);
  await agent.restart();
  await agent.restart({ graceful: true });
  await fleet.report("worker.retired");
  expect(fleet.launcher.workers.map(({ incarnation }) => incarnation)).toEqual([1, 2, 3, 4]);
  const spawned = fleet.reports.filter(({ type }) => type === "worker.spawned");
  expect(spawned.map((report) => "incarnation" in report && report.incarnation)).toEqual([1, 2, 3, 4]);
});
