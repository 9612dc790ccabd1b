/** The agent called from inside what it calls: listeners and policies, at every moment they are told of. */

import { describe, expect, test } from "vitest";
import type { Agent } from "../../src/agent/handle.ts";
import type { FakeWorkerScript } from "../../src/testing/index.ts";
import { rejection } from "../rpc/agent-server.ts";
import { type Fleet, hang, type Report, startFleet, startPoet, until } from "./fleet.ts";

/** The workers of a fleet that have not ended. */
async function alive(fleet: Fleet): Promise<number> {
  const { workers } = fleet.launcher;
  let ended = 0;
  for (const { exited } of workers) {
    void exited.then(() => {
      ended += 1;
    });
  }
  await new Promise((resolve) => setImmediate(resolve));
  return workers.length - ended;
}

describe("restart() by a listener", () => {
  test("of a crash has one new worker, and runs go on", async () => {
    const asked: Promise<void>[] = [];
    const fleet: Fleet = await startPoet(
      {},
      {
        onReport: ({ type }) => {
          if (type === "agent.crashed") asked.push(fleet.agent().restart());
        },
      },
    );
    const agent = fleet.agent();
    await agent.whenReady();
    fleet.launcher.worker("poet").crash();
    await until("the crash", () => asked.length === 1);
    await Promise.all(asked);
    expect(await agent.run("after")).toMatchObject({ output: "after", incarnation: 2 });
    expect([fleet.launcher.workers.length, await alive(fleet)]).toEqual([2, 1]);
  });

  test("of a crash goes before the delay of the policy", async () => {
    const policy = (state: unknown) => ({
      decision: { type: "restart" as const, delayMs: 60_000, because: "back off" },
      state,
    });
    let asked: Promise<void> | undefined;
    const fleet: Fleet = await startPoet(
      {},
      {
        supervisor: { policy },
        onReport: ({ type }) => {
          if (type === "agent.crashed") asked = fleet.agent().restart();
        },
      },
    );
    await fleet.agent().whenReady();
    fleet.launcher.worker("poet").crash();
    await until("the crash", () => asked !== undefined);
    await asked;
    // The one timer is that of the loop's monitor.
    expect([fleet.agent().incarnation, fleet.clock.pending]).toEqual([2, 1]);
  });

  test("of the runs that a crash has ended has one new worker and no second crash", async () => {
    const asked: Promise<void>[] = [];
    const fleet: Fleet = await startPoet(
      {},
      {
        script: hang,
        onReport: ({ type }) => {
          if (type === "run.settled") asked.push(fleet.agent().restart());
        },
      },
    );
    const agent = fleet.agent();
    await agent.whenReady();
    const runs = [rejection(agent.run("hang")), rejection(agent.run("hang"))];
    await until("the runs", () => fleet.launcher.worker("poet").runs.length === 2);
    fleet.launcher.worker("poet").crash();
    for (const run of runs) expect(await run).toMatchObject({ code: "worker_exited" });
    await Promise.all(asked);
    const told = fleet.reports.filter(({ type }) => type === "agent.crashed" || type === "run.settled");
    expect(told.map((report) => [report.type, "incarnation" in report && report.incarnation])).toEqual([
      ["run.settled", 1],
      ["run.settled", 1],
      ["agent.crashed", 1],
    ]);
    expect([agent.incarnation, fleet.launcher.workers.length, await alive(fleet)]).toEqual([2, 2, 1]);
  });

  test("of a stop begins the agent anew", async () => {
    let asked: Promise<void> | undefined;
    const fleet: Fleet = await startPoet(
      {},
      {
        onReport: ({ type }) => {
          if (type === "agent.stopped") asked ??= fleet.agent().restart();
        },
      },
    );
    const agent = fleet.agent();
    await agent.whenReady();
    await agent.stop();
    await asked;
    expect(await agent.run("anew")).toMatchObject({ output: "anew", incarnation: 2 });
  });

  test("of every report leaves one worker", async () => {
    const settled: Promise<unknown>[] = [];
    let agent: Agent | undefined;
    const fleet = await startPoet(
      {},
      {
        onReport: () => {
          if (agent !== undefined && settled.length < 20) settled.push(agent.restart().then(String, String));
        },
      },
    );
    agent = fleet.agent();
    await until("twenty restarts", () => settled.length === 20);
    await Promise.all(settled);
    expect(await agent.run("still there")).toMatchObject({ output: "still there" });
    expect(await alive(fleet)).toBe(1);
  });
});

test("the place of a run that its caller has left is free for who hears of it", async () => {
  let next: Promise<unknown> | undefined;
  const lengths: number[] = [];
  const fleet: Fleet = await startPoet(
    { maxQueue: 1 },
    {
      script: { start: "never" },
      onReport: ({ type }) => {
        if (type !== "run.settled" || next !== undefined) return;
        lengths.push(fleet.agent().queueLength);
        next = rejection(fleet.agent().run("next"));
      },
    },
  );
  const leaver = new AbortController();
  const left = rejection(fleet.agent().run("first", { signal: leaver.signal }));
  leaver.abort();
  expect(await left).toMatchObject({ code: "run_cancelled" });
  lengths.push(fleet.agent().queueLength);
  await fleet.agent().stop();
  expect(await next).toMatchObject({ code: "agent_stopped" });
  expect(lengths).toEqual([0, 1]);
});

test("an agent that a listener restarts when its first run begins is not ready, and who asks is answered by the next worker", async () => {
  const asked: Promise<void>[] = [];
  const fleet: Fleet = await startPoet(
    { shutdownMs: 100 },
    {
      script: hang,
      onReport: ({ type }) => {
        if (type === "run.started" && asked.length === 0) asked.push(fleet.agent().restart());
      },
    },
  );
  const agent = fleet.agent();
  const run = rejection(agent.run("hang"));
  await until("the run", () => asked.length === 1);
  const described = agent.describe();
  await fleet.whileTimePasses(Promise.all(asked));
  expect(await described).toMatchObject({ agentId: "poet" });
  expect(await run).toMatchObject({ code: "run_failed", kind: "interrupted" });
  expect([agent.incarnation, await alive(fleet)]).toEqual([2, 1]);
});

describe("stop() by a listener", () => {
  const moments: Report["type"][] = ["agent.ready", "agent.crashed", "child.exited", "worker.spawned", "child.started"];
  test.each(moments)("of %s ends the agent with its worker and its runs", async (moment) => {
    let armed = false;
    let stopped: Promise<void> | undefined;
    const fleet: Fleet = await startPoet(
      { maxConcurrency: 1 },
      {
        script: hang,
        onReport: ({ type }) => {
          if (armed && type === moment) stopped ??= fleet.agent().stop();
        },
      },
    );
    const agent = fleet.agent();
    await agent.whenReady();
    const runs = [rejection(agent.run("hang")), rejection(agent.run("hang"))];
    await until("the run", () => fleet.launcher.worker("poet").runs.length === 1);
    armed = true;
    fleet.launcher.worker("poet").crash();
    await until("the moment", () => stopped !== undefined);
    await fleet.whileTimePasses(stopped ?? Promise.reject(new Error("not asked to stop")));
    expect(await runs[0]).toMatchObject({ code: "worker_exited" });
    // The next worker had begun it, and a stop cancels before it kills.
    const cut = { code: "run_failed", kind: "interrupted" };
    const refused = { code: expect.stringMatching(/^(agent_)?stopped$/) };
    expect(await runs[1]).toMatchObject(moment === "agent.ready" ? cut : refused);
    expect([agent.state, await alive(fleet)]).toEqual(["stopped", 0]);
  });
});

test("a policy may call the agent whose crash it decides on", async () => {
  const asked: Promise<unknown>[] = [];
  const fleet: Fleet = await startPoet(
    {},
    {
      supervisor: {
        policy: (state) => {
          const agent = fleet.agent();
          asked.push(agent.restart().then(String, String), agent.run("by the policy"), agent.whenReady());
          return { decision: { type: "restart", delayMs: 0, because: "always" }, state };
        },
      },
    },
  );
  await fleet.agent().whenReady();
  fleet.launcher.worker("poet").crash();
  await until("the policy", () => asked.length === 3);
  const [restarted, ran] = await Promise.all(asked);
  expect([restarted, ran]).toMatchObject(["undefined", { output: "by the policy", incarnation: 2 }]);
  expect([fleet.launcher.workers.length, await alive(fleet)]).toEqual([2, 1]);
});

describe.each(["one_for_all", "rest_for_one"] as const)("a temporary agent beside a crash under %s", (strategy) => {
  test("ends with its runs and its worker", async () => {
    const script: FakeWorkerScript = hang;
    const specs = [{ id: "a" }, { id: "t", restart: "temporary" as const, maxConcurrency: 1 }];
    const fleet = await startFleet(specs, { script, supervisor: { strategy } });
    const [a, t] = [fleet.agent("a"), fleet.agent("t")];
    await Promise.all([a.whenReady(), t.whenReady()]);
    const runs = [rejection(t.run("hang")), rejection(t.run("waits"))];
    await until("the run", () => fleet.launcher.worker("t").runs.length === 1);
    fleet.launcher.worker("a").crash();
    await until("the halt", () => t.state === "stopping");
    const stopped = t.stop();
    fleet.clock.advance(5_000);
    await fleet.whileTimePasses(stopped);
    for (const error of await Promise.all(runs)) expect(error).toMatchObject({ code: "agent_stopped" });
    expect(t.state).toBe("stopped");
    await fleet.whileTimePasses(a.whenReady());
    expect(await alive(fleet)).toBe(1);
    expect(await rejection(t.run("late"))).toMatchObject({ code: "stopped" });
  });

  test("and that crashes while its other siblings are halted ends with its runs", async () => {
    const specs = [{ id: "a" }, { id: "t", restart: "temporary" as const, maxConcurrency: 1 }, { id: "slow" }];
    const fleet = await startFleet(specs, { script: hang, supervisor: { strategy } });
    const [a, t, slow] = [fleet.agent("a"), fleet.agent("t"), fleet.agent("slow")];
    await Promise.all([a.whenReady(), t.whenReady(), slow.whenReady()]);
    const runs = [t.run("hang"), t.run("waits"), slow.run("hang")].map(rejection);
    await until("the runs", () => ["t", "slow"].every((id) => fleet.launcher.worker(id).runs.length === 1));
    fleet.launcher.worker("a").crash();
    await until("the halt", () => slow.state === "restarting");
    fleet.launcher.worker("t").crash();
    await until("the crash", () => t.state === "crashed");
    fleet.clock.advance(5_000);
    const codes = (await Promise.all(runs)).map((error) => (error as { code: string }).code);
    expect(codes).toEqual(["worker_exited", "agent_stopped", "worker_exited"]);
    expect(t.state).toBe("stopped");
    await fleet.whileTimePasses(Promise.all([a.whenReady(), slow.whenReady()]));
    expect(await alive(fleet)).toBe(2);
  });
});
