import { describe, expect, test } from "vitest";
import type { AgentReport } from "../../src/agent/agent-report.ts";
import type { InstanceOptions } from "../../src/agent/instance-limits.ts";
import type { FakeRun, FakeWorkerScript } from "../../src/testing/index.ts";
import type { WorkerSpec } from "../../src/worker/launcher.ts";
import { rejection } from "../rpc/agent-server.ts";
import { type Fleet, startPoet, until } from "./fleet.ts";

/** An agent with one place an instance, whose runs hold it until `release`. */
async function startScaled(instances: InstanceOptions, start?: (spec: WorkerSpec) => FakeWorkerScript["start"]) {
  const replies: PromiseWithResolvers<string>[] = [];
  const script = (spec: WorkerSpec): FakeWorkerScript => {
    const how = start?.(spec);
    return {
      ...(how === undefined ? {} : { start: how }),
      answer: ({ prompt }: FakeRun) => {
        const reply = Promise.withResolvers<string>();
        replies.push(reply);
        if (prompt === "short") reply.resolve(prompt);
        return reply.promise;
      },
    };
  };
  const fleet = await startPoet({ instances, maxConcurrency: 1 }, { script });
  const agent = fleet.agent();
  const working = (count: number) => until(`${count} runs to work`, () => replies.length === count);
  const release = () => {
    for (const reply of replies) reply.resolve("released");
  };
  const ids = () => agent.instances.map(({ id }) => id);
  return { fleet, agent, working, release, ids };
}

const scaled = (fleet: Fleet) =>
  fleet.reports.flatMap((report) =>
    report.type === "agent.scaled" ? [[report.instance, report.instances, report.because]] : [],
  );

/** Turns of the event loop in which whatever is due is done. */
async function settle(): Promise<void> {
  for (let turn = 0; turn < 50; turn += 1) await new Promise((resolve) => setImmediate(resolve));
}

describe("up", () => {
  test("one more is started for each scaleUpAfterMs that the oldest run waits, as long as those that start are too few, up to max", async () => {
    const { fleet, agent, working, release, ids } = await startScaled(
      { min: 1, max: 3, scaleUpAfterMs: 500 },
      ({ incarnation }) => (incarnation === 2 ? "never" : "ready"),
    );
    await agent.whenReady();
    const runs = [1, 2, 3, 4].map((n) => agent.run(`${n}`));
    await working(1);
    fleet.clock.advance(499);
    await settle();
    expect(ids()).toEqual(["poet/1"]);
    fleet.clock.advance(1);
    await until("the second", () => ids().length === 2);
    expect(agent.instances[1]?.state).toBe("starting");
    fleet.clock.advance(499);
    await settle();
    expect(ids()).toHaveLength(2);
    fleet.clock.advance(1);
    await working(2);
    expect(ids()).toEqual(["poet/1", "poet/2", "poet/3"]);
    fleet.clock.advance(5_000);
    await settle();
    expect(ids()).toHaveLength(3);
    expect(scaled(fleet)).toEqual([
      ["poet/2", 2, "a run has waited for 500 ms"],
      ["poet/3", 3, "a run has waited for 1000 ms"],
    ]);
    const ended = Promise.all(runs);
    const helped = setInterval(release, 1);
    await ended;
    clearInterval(helped);
  });

  test("a run that waits less adds none, however many come", async () => {
    const { fleet, agent, ids } = await startScaled({ max: 4, scaleUpAfterMs: 1_000 });
    await agent.whenReady();
    await Promise.all(Array.from({ length: 50 }, () => agent.run("short")));
    fleet.clock.advance(999);
    await settle();
    expect(ids()).toEqual(["poet/1"]);
  });
});

describe("down", () => {
  test("one that has held no run for idleMs is retired, the youngest first, down to min; its end is no crash", async () => {
    const { fleet, agent, working, release, ids } = await startScaled({
      min: 1,
      max: 3,
      scaleUpAfterMs: 0,
      idleMs: 2_000,
    });
    await agent.whenReady();
    const runs = [1, 2, 3].map((n) => agent.run(`${n}`));
    await working(2);
    fleet.clock.advance(1);
    await working(3);
    release();
    await Promise.all(runs);
    expect(ids()).toHaveLength(3);
    fleet.clock.advance(1_999);
    await settle();
    expect(ids()).toHaveLength(3);
    fleet.clock.advance(1);
    await until("the end of two", () => fleet.supervisor.tree().children?.[0]?.children?.length === 1);
    expect(ids()).toEqual(["poet/1"]);
    fleet.clock.advance(60_000);
    await settle();
    expect(ids()).toEqual(["poet/1"]);
    const retired = fleet.reports.filter((report) => report.type === "worker.retired") as AgentReport[];
    expect(retired.map(({ path }) => path).sort()).toEqual(["supervisor/poet/poet/2", "supervisor/poet/poet/3"]);
    for (const report of retired) expect(report).toMatchObject({ crash: { cause: "retired", exitCode: 0 } });
    const types = fleet.reports.map(({ type }) => type);
    expect(
      types.filter((type) => ["agent.crashed", "agent.stopped", "child.exited", "child.shutdown_error"].includes(type)),
    ).toEqual([]);
    expect(agent.lastCrash).toBeUndefined();
  });

  test("a run keeps its instance, and begins its idle time anew", async () => {
    const { fleet, agent, working, release, ids } = await startScaled({
      min: 1,
      max: 2,
      scaleUpAfterMs: 0,
      idleMs: 1_000,
    });
    await agent.whenReady();
    const first = [agent.run("1"), agent.run("2")];
    await working(2);
    fleet.clock.advance(10_000);
    await settle();
    expect(ids()).toHaveLength(2);
    release();
    await Promise.all(first);
    fleet.clock.advance(900);
    const again = [agent.run("3"), agent.run("4")];
    await working(4);
    release();
    await Promise.all(again);
    fleet.clock.advance(999);
    await settle();
    expect(ids()).toHaveLength(2);
    fleet.clock.advance(1);
    await until("the end of one", () => ids().length === 1);
  });

  test("the number of one that was retired is taken again", async () => {
    const { fleet, agent, working, release, ids } = await startScaled({
      min: 1,
      max: 2,
      scaleUpAfterMs: 0,
      idleMs: 1_000,
    });
    await agent.whenReady();
    for (const round of [1, 2]) {
      const runs = [agent.run("1"), agent.run("2")];
      await working(2 * round);
      expect(ids()).toEqual(["poet/1", "poet/2"]);
      release();
      await Promise.all(runs);
      fleet.clock.advance(1_000);
      await until("the end of one", () => fleet.supervisor.tree().children?.[0]?.children?.length === 1);
    }
    expect(fleet.launcher.workers.map(({ incarnation }) => incarnation)).toEqual([1, 2, 3]);
  });
});

describe("min: 0", () => {
  test("has no worker until a run comes, which starts one, and none again when it has been idle", async () => {
    const { fleet, agent, ids } = await startScaled({ min: 0, idleMs: 1_000 });
    expect([agent.state, agent.pid, ids(), agent.health.serving]).toEqual(["ready", undefined, [], true]);
    expect(fleet.launcher.workers).toHaveLength(0);
    expect(await agent.run("short")).toMatchObject({ output: "short", incarnation: 1 });
    fleet.clock.advance(1_000);
    await until("the end of it", () => fleet.supervisor.tree().children?.[0]?.children?.length === 0);
    expect([agent.state, ids()]).toEqual(["ready", []]);
    expect(await agent.run("short")).toMatchObject({ output: "short", incarnation: 2 });
  });

  test("a run that comes while the last one is retired has another", async () => {
    const { fleet, agent } = await startScaled({ min: 0, idleMs: 1_000 });
    await agent.run("short");
    fleet.clock.advance(1_000);
    expect(await agent.run("short")).toMatchObject({ output: "short", incarnation: 2 });
  });

  test("whenReady and describe start one", async () => {
    const { agent, ids } = await startScaled({ min: 0 });
    await agent.whenReady();
    expect([agent.state, ids()]).toEqual(["ready", ["poet/1"]]);
    const other = (await startScaled({ min: 0 })).agent;
    await other.describe();
    expect(other.instances).toMatchObject([{ id: "poet/1", state: "ready" }]);
  });

  test("one that cannot start leaves the agent down, and the run is told why", async () => {
    const failure = { loadFailure: { kind: "module_failed", message: "SyntaxError" } } as const;
    const { agent } = await startScaled({ min: 0 }, () => failure);
    expect(await rejection(agent.run("short"))).toMatchObject({ code: "entry_module_failed" });
    expect(await rejection(agent.run("short"))).toMatchObject({ code: "entry_module_failed" });
    expect(agent.state).toBe("stopped");
  });

  test("is stopped as any other, with or without a worker", async () => {
    const { agent } = await startScaled({ min: 0 });
    await agent.stop();
    expect([agent.state, await rejection(agent.run("short"))]).toMatchObject(["stopped", { code: "stopped" }]);
    await agent.restart();
    expect(await agent.run("short")).toMatchObject({ output: "short" });
  });
});
