import { describe, expect, test } from "vitest";
import { defineAgent } from "../../src/agent/define.ts";
import type { AgentSpec } from "../../src/agent/spec.ts";
import { formatTree } from "../../src/otp/report/tree.ts";
import type { FakeWorkerScript } from "../../src/testing/index.ts";
import type { WorkerSpec } from "../../src/worker/launcher.ts";
import { rejection } from "../rpc/agent-server.ts";
import { type Fleet, type FleetOptions, hang, startPoet, until } from "./fleet.ts";

type Start = FakeWorkerScript["start"];
const byNumber =
  (start: (incarnation: number) => Start) =>
  ({ incarnation }: WorkerSpec): FakeWorkerScript => ({ ...hang, start: start(incarnation) ?? "ready" });

/** A fleet whose "poet" serves and has a spare that is ready. */
async function startSpared(spec: Partial<AgentSpec> = {}, options: FleetOptions = {}): Promise<Fleet> {
  const fleet = await startPoet({ spare: true, ...spec }, { script: hang, ...options });
  await spareReady(fleet);
  return fleet;
}

const spareReady = (fleet: Fleet) =>
  until("the spare", () => fleet.agent().health.spare?.state === "ready" && fleet.agent().health.serving);

const worker = (fleet: Fleet, incarnation: number) => fleet.launcher.launched("poet", incarnation);

describe("a spare worker", () => {
  test("is started when the agent serves, is ready beside it, and is never handed a run", async () => {
    const fleet = await startSpared({ maxConcurrency: 1 });
    const agent = fleet.agent();
    const first = await worker(fleet, 1);
    const spare = await worker(fleet, 2);
    expect(agent.health.spare).toEqual({ state: "ready", incarnation: 2, pid: spare.pid, losses: 0 });
    expect(agent.instances).toMatchObject([{ id: "poet/1", incarnation: 1, pid: first.pid }]);
    expect(formatTree(fleet.supervisor.tree()).split("\n").slice(1)).toEqual([
      "└─ poet: ready",
      `   ├─ poet/1: ready, worker 1, pid ${first.pid}`,
      `   └─ poet/spare: ready, worker 2, pid ${spare.pid}`,
    ]);
    const held = rejection(agent.run("hang"));
    const waiting = agent.run("waits");
    await until("the run", () => first.runs.length === 1);
    expect([agent.queueLength, spare.runs.length]).toEqual([1, 0]);
    first.crash();
    await held;
    await waiting;
  });

  test("takes the place of one that crashes at once, and another is started in its own 100 ms later", async () => {
    const fleet = await startSpared({ instances: 2 }, { script: byNumber((n) => (n === 4 ? "never" : "ready")) });
    await until("both", () => fleet.agent().instances.every(({ state }) => state === "ready"));
    const agent = fleet.agent();
    expect(agent.health.spare).toMatchObject({ incarnation: 3 });
    const held = rejection(agent.run("hang"));
    await until("the run", () => agent.instances[0]?.inFlight === 1);
    (await worker(fleet, 1)).crash();
    expect(await held).toMatchObject({ code: "worker_exited" });
    await until("the spare in its place", () => agent.instances[0]?.incarnation === 3);
    expect(agent.instances[0]).toMatchObject({ state: "ready", restarts: 1, pid: (await worker(fleet, 3)).pid });
    expect(await agent.run("on")).toMatchObject({ output: "on", incarnation: 3 });
    fleet.clock.advance(99);
    expect(agent.health.spare).toMatchObject({ state: "restarting", incarnation: 3, pid: undefined });
    fleet.clock.advance(1);
    expect(agent.health.spare).toMatchObject({ state: "starting", incarnation: 4 });
    expect(agent.lastCrash).toMatchObject({ incarnation: 1, decision: { type: "restart" } });
  });

  test("is as any other worker from then on: its crash is one, and its number is its own", async () => {
    const fleet = await startSpared();
    const agent = fleet.agent();
    for (const [crashed, next] of [
      [1, 2],
      [2, 3],
      [3, 4],
    ] as const) {
      (await worker(fleet, crashed)).crash();
      await until("the next", () => agent.incarnation === next && agent.state === "ready");
      fleet.clock.advance(100);
      await spareReady(fleet);
    }
    expect(agent.lastCrash).toMatchObject({ incarnation: 3 });
    expect(agent.instances).toMatchObject([{ restarts: 3 }]);
    await agent.restart();
    await agent.restart({ graceful: true });
    expect(await agent.run("on")).toMatchObject({ output: "on" });
  });

  test("that dies is replaced, at once the first time, and is no crash of the agent", async () => {
    const fleet = await startSpared();
    (await worker(fleet, 2)).crash({ exitCode: 3 });
    const lost = await fleet.report("spare.lost");
    expect(lost).toMatchObject({ incarnation: 2, path: "supervisor/poet", crash: { exitCode: 3, runsInFlight: [] } });
    fleet.clock.advance(1);
    await until("the next spare", () => fleet.agent().health.spare?.state === "ready");
    expect(fleet.agent().health.spare).toMatchObject({ incarnation: 3, losses: 1 });
    const types = fleet.reports.map(({ type }) => type);
    expect(types.filter((type) => type === "agent.crashed" || type === "child.exited")).toEqual([]);
    expect([fleet.agent().lastCrash, fleet.agent().incarnation]).toEqual([undefined, 1]);
  });

  test("that cannot start is tried again after 1 s, 2 s, … 60 s, and the agent is restarted without one meanwhile", async () => {
    const fleet = await startPoet(
      { spare: true },
      { script: byNumber((n) => (n === 2 || n === 4 ? { exitCode: 1 } : "ready")) },
    );
    const agent = fleet.agent();
    await fleet.report("spare.lost");
    expect(agent.health.spare).toEqual({ state: "restarting", incarnation: 2, pid: undefined, losses: 1 });
    (await worker(fleet, 1)).crash();
    await until("the restart", () => agent.incarnation === 3 && agent.state === "ready");
    expect(fleet.launcher.workers).toHaveLength(3);
    fleet.clock.advance(999);
    expect(fleet.launcher.workers).toHaveLength(3);
    fleet.clock.advance(1);
    await until("the loss", () => agent.health.spare?.losses === 2);
    fleet.clock.advance(1_999);
    expect(fleet.launcher.workers).toHaveLength(4);
    fleet.clock.advance(1);
    await spareReady(fleet);
    expect(agent.health.spare).toMatchObject({ incarnation: 5 });
  });

  test.each([false, true])(
    "is replaced where a fresh worker is asked for (graceful: %s): it may have loaded what was there before",
    async (graceful) => {
      const fleet = await startSpared();
      const agent = fleet.agent();
      await agent.restart({ graceful });
      await spareReady(fleet);
      const spare = agent.health.spare?.incarnation ?? 0;
      expect(spare).toBeGreaterThan(2);
      expect((await (await worker(fleet, 2)).exited).cause).toBe("stopped");
      expect(fleet.reports.filter(({ type }) => type === "spare.lost")).toEqual([]);
      expect(agent.incarnation).toBeGreaterThan(2);
    },
  );

  test("ends with its agent, and begins again with it", async () => {
    const fleet = await startSpared();
    const agent = fleet.agent();
    await agent.stop();
    expect((await (await worker(fleet, 2)).exited).cause).toBe("stopped");
    expect(agent.health.spare).toBeUndefined();
    await agent.restart();
    await spareReady(fleet);
    fleet.supervisor.kill();
    await fleet.whileTimePasses(fleet.supervisor.ended);
    const exits = await Promise.all(fleet.launcher.workers.map(({ exited }) => exited));
    expect(exits.map(({ cause }) => cause)).toEqual(["stopped", "stopped", "killed", "killed"]);
  });

  test("is let go when the last instance is retired", async () => {
    const fleet = await startPoet({ spare: true, instances: { min: 0, idleMs: 1_000 } });
    const agent = fleet.agent();
    expect(fleet.launcher.workers).toEqual([]);
    await agent.run("first");
    await spareReady(fleet);
    fleet.clock.advance(1_000);
    await Promise.all(fleet.launcher.workers.map(({ exited }) => exited));
    expect([agent.instances, agent.health.spare]).toEqual([[], undefined]);
    expect(await agent.run("second")).toMatchObject({ incarnation: 3 });
    await spareReady(fleet);
  });

  test("is a boolean", () => {
    expect(() => defineAgent({ id: "poet", entry: "poet.py:agent", spare: 1 } as never)).toThrow(
      expect.objectContaining({ code: "invalid_argument", field: "spec.spare", value: 1 }),
    );
    expect(defineAgent({ id: "poet", entry: "poet.py:agent", spare: true }).agent.instances).toMatchObject({
      min: 1,
      max: 1,
    });
  });
});

describe("workers that die before their first word, a hundred times in a row", () => {
  const patient = { supervisor: { maxRestarts: 1_000 } };

  test.each([1, 3])("of an agent with %i instances and a spare lose no place and wedge nothing", async (instances) => {
    let dead = true;
    let deaths = 0;
    const script = ({ incarnation }: WorkerSpec): FakeWorkerScript => {
      if (!dead || incarnation <= instances + 1) return hang;
      deaths += 1;
      if (deaths === 100) dead = false;
      return { start: { signal: "SIGKILL" } };
    };
    const fleet = await startSpared({ instances, maxConcurrency: 2 }, { script, ...patient });
    const agent = fleet.agent();
    await until("all", () => agent.instances.every(({ state }) => state === "ready"));
    fleet.launcher.workers.find(({ pid }) => pid === agent.health.spare?.pid)?.crash();
    await fleet.report("spare.lost");
    for (const one of fleet.launcher.workers) one.crash();
    await until("all to be gone", () => agent.instances.every(({ state }) => state !== "ready"));
    const waiting = Array.from({ length: 20 }, (_, index) => agent.run(`${index}`));
    const results = await fleet.whileTimePasses(Promise.all(waiting));
    expect(results.map(({ output, attempts }) => [output, attempts])).toEqual(
      results.map((_, index) => [`${index}`, 1]),
    );
    await fleet.whileTimePasses(until("all to serve", () => agent.instances.every(({ state }) => state === "ready")));
    const held = Array.from({ length: instances * 2 }, () => rejection(agent.run("hang")));
    await until("every place to be taken", () => agent.instances.every(({ inFlight }) => inFlight === 2));
    expect(agent.queueLength).toBe(0);
    expect(deaths).toBeGreaterThanOrEqual(100);
    fleet.supervisor.kill();
    await Promise.all(held);
  });

  test("of a spare alone disturb nobody, and the hundred-and-first is one", async () => {
    const fleet = await startPoet(
      { spare: true },
      { script: byNumber((n) => (n > 1 && n <= 101 ? { exitCode: 1 } : "ready")) },
    );
    const agent = fleet.agent();
    await agent.whenReady();
    for (let loss = 1; loss <= 100; loss += 1) {
      await until("the loss", () => agent.health.spare?.losses === loss);
      fleet.clock.advance(60_000);
      expect(await agent.run("on")).toMatchObject({ incarnation: 1 });
    }
    await spareReady(fleet);
    expect(agent.health.spare).toMatchObject({ incarnation: 102 });
    expect(fleet.reports.filter(({ type }) => type === "agent.crashed" || type === "child.exited")).toEqual([]);
  });
});
