import { describe, expect, test } from "vitest";
import type { Agent } from "../../src/agent/handle.ts";
import type { AgentSpec } from "../../src/agent/spec.ts";
import { formatTree } from "../../src/otp/report/tree.ts";
import type { FakeRun, FakeWorker, FakeWorkerScript } from "../../src/testing/index.ts";
import { rejection } from "../rpc/agent-server.ts";
import { type Fleet, type FleetOptions, startFleet, startPoet, until } from "./fleet.ts";

/** Answers a prompt that begins with "hold" when the test says so, and any other with its own words. */
function holding() {
  const held = new Map<string, PromiseWithResolvers<string>>();
  const script: FakeWorkerScript = {
    answer: ({ prompt }: FakeRun) => {
      if (!prompt.startsWith("hold")) return prompt;
      const reply = Promise.withResolvers<string>();
      held.set(prompt, reply);
      return reply.promise;
    },
  };
  const release = (prompt: string) => held.get(prompt)?.resolve(`${prompt} released`);
  return { script, held, release };
}

/** A fleet whose "poet" has so many instances, all of which serve. */
async function startGroup(
  instances: number,
  spec: Partial<AgentSpec> = {},
  options: FleetOptions = {},
): Promise<Fleet> {
  const fleet = await startPoet({ instances, ...spec }, options);
  await allReady(fleet.agent());
  return fleet;
}

const states = (agent: Agent) => agent.instances.map(({ state }) => state);

function allReady(agent: Agent): Promise<void> {
  return until("all to be ready", () => states(agent).every((state) => state === "ready"));
}

function workerOf(fleet: Fleet, pid: number | undefined): FakeWorker {
  const worker = fleet.launcher.workers.find((one) => one.pid === pid);
  if (worker === undefined) throw new Error(`no worker has pid ${pid}`);
  return worker;
}

const prompts = (fleet: Fleet) => fleet.launcher.workers.map(({ runs }) => runs.map(({ prompt }) => prompt));

describe("instances", () => {
  test("are workers with numbers of their own, which serve one queue, the least loaded first", async () => {
    const { script, held, release } = holding();
    const fleet = await startGroup(3, { maxConcurrency: 2 }, { script });
    const agent = fleet.agent();
    expect(agent.instances.map(({ id, incarnation, restarts }) => [id, incarnation, restarts])).toEqual([
      ["poet/1", 1, 0],
      ["poet/2", 2, 0],
      ["poet/3", 3, 0],
    ]);
    const runs = [1, 2, 3, 4, 5, 6, 7].map((n) => agent.run(`hold ${n}`));
    await until("the runs", () => held.size === 6);
    expect(prompts(fleet)).toEqual([
      ["hold 1", "hold 4"],
      ["hold 2", "hold 5"],
      ["hold 3", "hold 6"],
    ]);
    expect([agent.inFlight, agent.queueLength, agent.state]).toEqual([6, 1, "busy"]);
    expect(agent.instances.map(({ inFlight }) => inFlight)).toEqual([2, 2, 2]);
    release("hold 5");
    await until("the run that waited", () => held.size === 7);
    expect(prompts(fleet)[1]).toEqual(["hold 2", "hold 5", "hold 7"]);
    for (const prompt of held.keys()) release(prompt);
    const results = await Promise.all(runs);
    expect(results.map(({ output, incarnation }) => [output, incarnation])).toEqual(
      [1, 2, 3, 1, 2, 3, 2].map((incarnation, index) => [`hold ${index + 1} released`, incarnation]),
    );
    expect([agent.inFlight, agent.state]).toEqual([0, "ready"]);
  });

  test("take as many runs at once as all of them have places, beyond a queue of none", async () => {
    const { script, held, release } = holding();
    const fleet = await startGroup(2, { maxConcurrency: 1, maxQueue: 0 }, { script });
    const agent = fleet.agent();
    const runs = [agent.run("hold 1"), agent.run("hold 2")];
    expect(await rejection(agent.run("one too many"))).toMatchObject({ code: "queue_full" });
    await until("the runs", () => held.size === 2);
    for (const prompt of held.keys()) release(prompt);
    await Promise.all(runs);
  });

  test("are children of a supervisor of their own in the tree, each with its state, and the agent is that supervisor", async () => {
    const fleet = await startGroup(2);
    const { supervisor } = fleet;
    const [first, second] = fleet.agent().instances;
    expect(supervisor.tree().children).toMatchObject([
      {
        id: "poet",
        path: "supervisor/poet",
        type: "supervisor",
        state: "ready",
        children: [
          { id: "poet/1", type: "worker", state: "ready", incarnation: 1, pid: first?.pid },
          { id: "poet/2", type: "worker", state: "ready", incarnation: 2, pid: second?.pid },
        ],
      },
    ]);
    expect(formatTree(supervisor.tree()).split("\n").slice(1)).toEqual([
      "└─ poet: ready",
      `   ├─ poet/1: ready, worker 1, pid ${first?.pid}`,
      `   └─ poet/2: ready, worker 2, pid ${second?.pid}`,
    ]);
    expect(supervisor.whereis("poet/2")).toBe(fleet.agent());
  });

  test("whenReady waits for the first that serves, and the handle speaks for the best", async () => {
    const script = ({ incarnation }: { incarnation: number }): FakeWorkerScript =>
      incarnation === 1 ? { start: "never" } : {};
    const fleet = await startPoet({ instances: 2 }, { script });
    const agent = fleet.agent();
    expect([agent.state, agent.incarnation]).toEqual(["starting", 1]);
    await agent.whenReady();
    expect(states(agent)).toEqual(["starting", "ready"]);
    expect([agent.state, agent.incarnation, agent.pid]).toEqual(["ready", 2, fleet.launcher.workers[1]?.pid]);
    expect(agent.health).toMatchObject({
      state: "ready",
      serving: true,
      instances: [{ id: "poet/1" }, { id: "poet/2" }],
    });
    expect(await agent.run("hello")).toMatchObject({ output: "hello", incarnation: 2 });
    expect((await agent.describe()).name).toBeDefined();
  });
});

describe("the crash of one instance", () => {
  test("ends what it held, and nothing else: the others go on, and serve what waits", async () => {
    const { script, held, release } = holding();
    const fleet = await startGroup(2, { maxConcurrency: 1 }, { script });
    const agent = fleet.agent();
    const first = rejection(agent.run("hold 1"));
    const second = agent.run("hold 2");
    const third = agent.run("hold 3");
    await until("the runs", () => held.size === 2);
    workerOf(fleet, agent.instances[0]?.pid).crash({ exitCode: 7 });
    expect(await first).toMatchObject({
      code: "worker_exited",
      exitCode: 7,
      agentId: "poet",
      crash: { incarnation: 1 },
    });
    await until("the restart", () => held.size === 3);
    expect(agent.instances.map(({ restarts, incarnation }) => [restarts, incarnation])).toEqual([
      [1, 3],
      [0, 2],
    ]);
    release("hold 2");
    release("hold 3");
    expect(await second).toMatchObject({ incarnation: 2 });
    expect(await third).toMatchObject({ incarnation: 3, attempts: 1 });
    expect(fleet.reports.filter(({ type }) => type === "agent.crashed")).toMatchObject([
      { agentId: "poet", path: "supervisor/poet/poet/1", incarnation: 1 },
    ]);
    expect(agent.lastCrash).toMatchObject({ incarnation: 1, decision: { type: "restart" } });
  });

  test("gives a run that may be tried again to another, in front of all that waits", async () => {
    const { script, held, release } = holding();
    const spec = { maxConcurrency: 1, retry: { onWorkerExit: "if_idempotent" } } as const;
    const fleet = await startGroup(2, spec, { script });
    const agent = fleet.agent();
    const again = agent.run("hold again", { idempotent: true });
    const other = agent.run("hold other");
    const behind = agent.run("behind");
    await until("the runs", () => held.size === 2);
    held.clear();
    workerOf(fleet, agent.instances[0]?.pid).crash();
    await until("the second attempt", () => held.size === 1);
    expect(agent.queueLength).toBe(1);
    release("hold again");
    expect(await again).toMatchObject({ output: "hold again released", attempts: 2, incarnation: 3 });
    expect(await behind).toMatchObject({ incarnation: 3 });
    workerOf(fleet, agent.instances[1]?.pid).crash();
    await rejection(other);
  });

  test("counts for that instance alone: each is restarted by the rule of the agent's supervisor as if it were alone", async () => {
    const fleet = await startGroup(4);
    const agent = fleet.agent();
    for (const { pid } of agent.instances) workerOf(fleet, pid).crash();
    await until("the restarts", () =>
      agent.instances.every(({ restarts, state }) => restarts === 1 && state === "ready"),
    );
    const exits = fleet.reports.flatMap((report) => (report.type === "child.exited" ? [report.decision.because] : []));
    expect(exits).toEqual(Array.from({ length: 4 }, () => "restart 1 of 3 allowed within 5000 ms"));
  });

  test("too often has their supervisor give up; the agent's own decides, and runs that wait are served by what follows", async () => {
    const { script, held, release } = holding();
    const silent: FakeWorkerScript = { start: "never" };
    const fleet = await startGroup(
      2,
      { maxConcurrency: 1 },
      { script: ({ incarnation }) => ([3, 4, 5].includes(incarnation) ? silent : script) },
    );
    const agent = fleet.agent();
    const lost = rejection(agent.run("hold 1"));
    const held2 = agent.run("hold 2");
    const waiting = agent.run("waits");
    await until("the runs", () => held.size === 2);
    for (const incarnation of [1, 3, 4, 5]) (await fleet.launcher.launched("poet", incarnation)).crash();
    await lost;
    await fleet.report("supervisor.gave_up", ({ supervisor }) => supervisor === "supervisor/poet");
    expect(agent.state).toBe("restarting");
    release("hold 2");
    expect(await held2).toMatchObject({ incarnation: 2 });
    const { output, incarnation, attempts } = await waiting;
    expect([output, incarnation > 5, attempts]).toEqual(["waits", true, 1]);
    await allReady(agent);
    expect(fleet.supervisor.tree().children).toMatchObject([{ id: "poet", restarts: 1, state: "ready" }]);
  });
});

describe("an agent whose instances cannot start", () => {
  const failure = { start: { loadFailure: { kind: "module_failed", message: "SyntaxError" } } } as const;

  test("is left down with the reason, and its runs are told", async () => {
    const fleet = await startPoet({ instances: 2 }, { script: failure });
    const agent = fleet.agent();
    const waiting = rejection(agent.run("waits"));
    expect(await rejection(agent.whenReady())).toMatchObject({ code: "entry_module_failed" });
    expect(await waiting).toMatchObject({ code: "entry_module_failed" });
    expect(await rejection(agent.run("later"))).toMatchObject({ code: "entry_module_failed" });
    expect([agent.state, agent.health.serving]).toEqual(["stopped", false]);
  });

  test("begins anew with restart()", async () => {
    let broken = true;
    const fleet = await startPoet({ instances: 2 }, { script: () => (broken ? failure : {}) });
    const agent = fleet.agent();
    await rejection(agent.whenReady());
    await until("both to be left", () => states(agent).every((state) => state === "stopped"));
    broken = false;
    await agent.restart();
    expect(states(agent)).toEqual(["ready", "ready"]);
    expect(await agent.run("hello")).toMatchObject({ output: "hello" });
  });
});

describe("restart", () => {
  test.each([false, true])(
    "graceful: %s replaces one instance after the other: some serve all the while",
    async (graceful) => {
      const fleet = await startGroup(3);
      const agent = fleet.agent();
      let done = false;
      const restarted = agent.restart({ graceful }).then(() => {
        done = true;
      });
      const fewest: number[] = [];
      while (!done) {
        fewest.push(states(agent).filter((state) => state === "ready" || state === "busy").length);
        expect(await agent.run("on")).toMatchObject({ output: "on" });
      }
      await restarted;
      expect(Math.min(...fewest)).toBeGreaterThanOrEqual(graceful ? 3 : 2);
      expect(agent.instances.map(({ incarnation }) => incarnation)).toEqual([4, 5, 6]);
    },
  );

  test("of the only one makes who asks meanwhile wait for its next worker, and never spins", async () => {
    const fleet = await startGroup(1);
    const agent = fleet.agent();
    const restarted = agent.restart();
    const ready = agent.whenReady();
    expect(agent.state).toBe("restarting");
    await ready;
    expect([agent.state, agent.incarnation]).toEqual(["ready", 2]);
    await restarted;
    const again = agent.restart();
    await agent.describe();
    expect(agent.incarnation).toBe(3);
    await again;
  });

  test("of an agent that has stopped begins all of them anew", async () => {
    const fleet = await startGroup(2);
    const agent = fleet.agent();
    await agent.stop();
    expect([agent.state, agent.instances.length]).toEqual(["stopped", 2]);
    await agent.restart();
    expect(agent.instances.map(({ incarnation, state }) => [incarnation, state])).toEqual([
      [3, "ready"],
      [4, "ready"],
    ]);
  });
});

describe("stop", () => {
  test("ends all instances at the same time, within one shutdownMs, and tells once that the agent has stopped", async () => {
    const fleet = await startGroup(
      3,
      { shutdownMs: 1_000, maxConcurrency: 1 },
      { script: { answer: () => ({ hang: true }), onStop: "ignore" } },
    );
    const agent = fleet.agent();
    const held = [1, 2, 3].map((n) => rejection(agent.run(`${n}`)));
    const waiting = rejection(agent.run("waits"));
    await until("the runs", () => fleet.launcher.workers.every(({ runs }) => runs.length === 1));
    const beganMs = fleet.clock.monotonicMs();
    const stopped = agent.stop();
    expect(await fleet.whileTimePasses(waiting)).toMatchObject({ code: "agent_stopped" });
    await fleet.whileTimePasses(stopped);
    expect(fleet.clock.monotonicMs() - beganMs).toBeLessThanOrEqual(1_000);
    for (const error of await Promise.all(held)) expect(error).toMatchObject({ code: "agent_stopped" });
    expect(fleet.reports.filter(({ type }) => type === "agent.stopped")).toMatchObject([
      { path: "supervisor/poet", reason: "shutdown", rejectedRuns: 1 },
    ]);
    expect(await rejection(agent.run("later"))).toMatchObject({ code: "stopped" });
    expect(agent.state).toBe("stopped");
  });

  test("of the tree above, and its kill, ends every worker", async () => {
    const fleet = await startGroup(3);
    fleet.supervisor.kill();
    await fleet.whileTimePasses(fleet.supervisor.ended);
    const exits = await Promise.all(fleet.launcher.workers.map(({ exited }) => exited));
    expect(exits.map(({ cause }) => cause)).toEqual(["killed", "killed", "killed"]);
  });
});

test("a sibling's restart ends all instances and begins them anew, and what waits is served then", async () => {
  const fleet = await startFleet([{ instances: 2 }, { id: "sibling" }], { supervisor: { strategy: "one_for_all" } });
  const agent = fleet.agent();
  await allReady(agent);
  fleet.launcher.worker("sibling").crash();
  await until("the next workers", () =>
    agent.instances.every(({ incarnation, state }) => incarnation > 2 && state === "ready"),
  );
  expect(await agent.run("on")).toMatchObject({ output: "on" });
  expect(agent.instances.map(({ incarnation }) => incarnation)).toEqual([3, 4]);
});
