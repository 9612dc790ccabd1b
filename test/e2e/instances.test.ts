import { expect, test } from "vitest";
import { WorkerError } from "../../src/errors.ts";
import { controllable, isAlive, pidOf, rejection, untilGone, watch } from "./support.ts";

test("kill -9 of one of three in the middle of load: its runs end or are tried again, nothing else is lost, and nothing is done twice", async () => {
  const retry = { onWorkerExit: "if_idempotent" } as const;
  const { system, report, reports } = await watch([controllable({ instances: 3, maxConcurrency: 2, retry })]);
  const agent = system.agent("ctl");
  await Promise.all(agent.instances.map(({ id }) => report("agent.ready", ({ path }) => path.endsWith(`/${id}`))));
  expect(new Set(agent.instances.map(({ pid }) => pid)).size).toBe(3);

  const long = rejection(agent.run("sleep:30"));
  const victim = agent.instances.find(({ inFlight }) => inFlight === 1);
  const others = agent.instances.filter((instance) => instance !== victim).map(({ pid }) => pid);
  const idempotent = Array.from({ length: 20 }, (_, index) => agent.run(`echo:${index}`, { idempotent: true }));
  const killed = reports.filter(({ type }) => type === "run.settled").length;
  expect(killed).toBe(0);
  process.kill(victim?.pid as number, "SIGKILL");

  const results = await Promise.all(idempotent);
  expect(results.map(({ output }) => output)).toEqual(results.map((_, index) => `${index}`));
  const lost = await long;
  expect(lost).toBeInstanceOf(WorkerError);
  expect(lost).toMatchObject({ code: "worker_exited", signal: "SIGKILL", crash: { pid: victim?.pid } });
  // Each run that was asked for has been answered once, and each that was taken a second time was held by the one that died.
  const settled = reports.flatMap((one) => (one.type === "run.settled" ? [one.runId] : []));
  expect([settled.length, new Set(settled).size]).toEqual([21, 21]);
  const { crash } = await report("agent.crashed");
  const retried = reports.flatMap((one) => (one.type === "run.retried" ? [one.runId] : []));
  for (const runId of retried) expect(crash.runsInFlight).toContain(runId);
  expect(agent.instances.filter(({ pid }) => others.includes(pid))).toHaveLength(2);
  expect(reports.filter(({ type }) => type === "agent.crashed")).toHaveLength(1);

  await report("agent.ready", ({ incarnation }) => incarnation === 4);
  expect(agent.instances.map(({ restarts }) => restarts).sort()).toEqual([0, 0, 1]);
  expect(agent.instances.every(({ state }) => state === "ready")).toBe(true);
});

test("an agent that has no worker starts one for a run and lets it go when it is idle, and no process stays", async () => {
  const { system, report } = await watch([controllable({ instances: { min: 0, max: 2, idleMs: 50 } })]);
  const agent = system.agent("ctl");
  expect([agent.instances, agent.state, system.health().status]).toEqual([[], "ready", "serving"]);
  await system.whenReady();
  expect(agent.instances).toEqual([]);
  expect((await agent.run("echo:first")).output).toBe("first");
  const { crash } = await report("worker.retired");
  expect(crash).toMatchObject({ cause: "retired", exitCode: 0 });
  await untilGone(crash.pid as number);
  expect(isAlive(crash.pid as number)).toBe(false);
  expect(await agent.run("echo:second")).toMatchObject({ output: "second", incarnation: 2 });
});

test("kill -9 of a worker that has a spare: the spare serves in its place, and another is started", async () => {
  const { system, report, reports } = await watch([controllable({ spare: true })]);
  const agent = system.agent("ctl");
  const { pid } = await report("spare.ready");
  expect(agent.health.spare).toMatchObject({ state: "ready", incarnation: 2, pid });
  process.kill(pidOf(agent), "SIGKILL");
  await report("agent.ready", ({ incarnation }) => incarnation === 2);
  expect([agent.pid, agent.state]).toEqual([pid, "ready"]);
  expect(await agent.run("echo:on")).toMatchObject({ output: "on", incarnation: 2 });
  await report("spare.ready", ({ incarnation }) => incarnation === 3);
  expect(reports.filter(({ type }) => type === "agent.crashed")).toHaveLength(1);

  // A spare that dies is replaced too.
  process.kill(agent.health.spare?.pid as number, "SIGKILL");
  expect((await report("spare.lost")).crash).toMatchObject({ cause: "signaled", signal: "SIGKILL", incarnation: 3 });
  await report("spare.ready", ({ incarnation }) => incarnation === 4);
  const pids = [pidOf(agent), agent.health.spare?.pid as number];
  await system.stop();
  expect(pids.map(isAlive)).toEqual([false, false]);
});
