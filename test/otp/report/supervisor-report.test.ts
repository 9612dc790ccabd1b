import { expect, test } from "vitest";
import type { SupervisorReport } from "../../../src/otp/report/supervisor-report.ts";
import { defineSupervisor, startSupervisor } from "../../../src/otp/supervisor/start.ts";
import { createWorld, quiet } from "../scripted.ts";

test("the life of a child is told in order, with times of the clock", async () => {
  const { script, supervise, reports, clock } = createWorld();
  const a = script("a", { restart: "transient" });
  const supervisor = await supervise({ children: [a.spec] });
  clock.advance(10);
  await a.end("died");
  clock.advance(10);
  await a.end("normal");
  await supervisor.stop();
  const told = reports.filter((report) => "supervisor" in report).map(({ type, atMs }) => [type, atMs]);
  expect(told).toEqual([
    ["child.started", 0],
    ["child.exited", 10],
    ["child.started", 10],
    ["child.exited", 20],
    ["supervisor.stopped", 20],
  ]);
});

test("a nested supervisor's reports reach its root's onReport, or else its runtime's, with its own path", async () => {
  const { script, runtime, reports } = createWorld();
  const children = () => [defineSupervisor({ id: "inner", children: [script("a").spec] })];
  const own: SupervisorReport[] = [];
  const onReport = (report: unknown) => void own.push(report as SupervisorReport);
  const told = await startSupervisor({ id: "told", children: children() }, { runtime, onReport });
  const silent = await startSupervisor({ id: "silent", children: children() }, { runtime });
  const started = (list: SupervisorReport[]) =>
    list.flatMap((report) => (report.type === "child.started" ? [`${report.supervisor} ${report.offender.path}`] : []));
  expect(started(own)).toEqual(["told/inner told/inner/a", "told told/inner"]);
  expect(started(reports)).toEqual(["silent/inner silent/inner/a", "silent silent/inner"]);
  await Promise.all([told.stop(), silent.stop()]);
});

test("the offender names its supervisor's kind of child and its process, also for a nested supervisor", async () => {
  const { script, supervise, reports } = createWorld();
  const supervisor = await supervise({ children: [defineSupervisor({ id: "inner", children: [script("a").spec] })] });
  const offenders = reports.flatMap((report) => ("offender" in report ? [report.offender] : []));
  expect(offenders).toMatchObject([
    { childId: "a", type: "worker", process: expect.stringMatching(/^<\d+> a$/), incarnation: 1 },
    {
      childId: "inner",
      type: "supervisor",
      process: expect.stringMatching(/^<\d+> supervisor$/),
      shutdownMs: "infinity",
    },
  ]);
  await supervisor.stop();
  await quiet();
});
