import { describe, expect, test } from "vitest";
import { type AgentDefinition, defineAgent } from "../../src/agent/define.ts";
import type { FakeWorkerScript } from "../../src/testing/index.ts";
import { rejection } from "../rpc/agent-server.ts";
import { hang, startFleet, startPoet, until } from "./fleet.ts";

describe("restart()", () => {
  test("lets running runs finish, keeps waiting ones and does not count", async () => {
    const reply = Promise.withResolvers<string>();
    const script: FakeWorkerScript = { answer: ({ prompt }) => (prompt === "slow" ? reply.promise : prompt) };
    const fleet = await startPoet({ maxConcurrency: 1 }, { script, supervisor: { maxRestarts: 0 } });
    const agent = fleet.agent();
    await agent.whenReady();
    const running = agent.run("slow");
    const waiting = agent.run("later");
    await until("the run", () => fleet.launcher.worker("poet").runs.length === 1);
    const restarted = agent.restart("new code");
    expect(agent.state).toBe("restarting");
    reply.resolve("finished");
    await restarted;
    expect(await running).toMatchObject({ output: "finished", incarnation: 1 });
    expect(await waiting).toMatchObject({ output: "later", incarnation: 2 });
    expect(fleet.reports.map(({ type }) => type)).not.toContain("agent.crashed");
    expect(await fleet.launcher.workers[0]?.exited).toMatchObject({ cause: "stopped" });
  });

  test("cancels a run that overstays while there is time to clean up, and the worker ends by itself", async () => {
    const fleet = await startPoet({ shutdownMs: 400 }, { script: hang });
    const agent = fleet.agent();
    await agent.whenReady();
    const worker = fleet.launcher.worker("poet");
    const held = rejection(agent.run("hang"));
    await until("the run", () => worker.runs.length === 1);
    const restarted = agent.restart();
    fleet.clock.advance(239);
    expect(worker.runs[0]?.signal.aborted).toBe(false);
    fleet.clock.advance(1);
    expect(worker.runs[0]?.signal.aborted).toBe(true);
    await fleet.whileTimePasses(restarted);
    expect(await held).toMatchObject({ code: "run_failed", kind: "interrupted", retriable: true });
    expect(await worker.exited).toMatchObject({ cause: "stopped" });
    expect(agent.incarnation).toBe(2);
  });

  test("cuts short a run that outlasts shutdownMs and does not heed its cancellation", async () => {
    const fleet = await startPoet({ shutdownMs: 400 }, { script: { ...hang, onStop: "ignore" } });
    const agent = fleet.agent();
    await agent.whenReady();
    const held = rejection(agent.run("hang"));
    await until("the run", () => fleet.launcher.worker("poet").runs.length === 1);
    const restarted = agent.restart();
    fleet.clock.advance(399);
    expect(agent.incarnation).toBe(1);
    await fleet.whileTimePasses(restarted);
    expect(await held).toMatchObject({ code: "worker_exited", crash: { cause: "killed" } });
    expect(agent.incarnation).toBe(2);
  });

  test("while the agent starts begins anew", async () => {
    const script = ({ incarnation }: { incarnation: number }): FakeWorkerScript =>
      incarnation === 1 ? { start: "never" } : {};
    const fleet = await startPoet({}, { script });
    await fleet.agent().restart();
    expect([fleet.agent().incarnation, fleet.agent().state]).toEqual([2, "ready"]);
    expect(fleet.reports.map(({ type }) => type)).not.toContain("agent.crashed");
  });

  test("cuts the delay of a policy short", async () => {
    const fleet = await startPoet({}, { supervisor: { policy: delaying(60_000) } });
    await fleet.agent().whenReady();
    fleet.launcher.worker("poet").crash();
    await until("the delay", () => fleet.agent().state === "restarting");
    await fleet.agent().restart();
    expect(fleet.agent().incarnation).toBe(2);
    // The one timer is that of the loop's monitor.
    expect(fleet.clock.pending).toBe(1);
  });

  test("of an agent that has stopped begins it anew", async () => {
    const fleet = await startPoet();
    const agent = fleet.agent();
    await agent.whenReady();
    await agent.stop();
    await agent.restart();
    expect(await agent.run("anew")).toMatchObject({ output: "anew", incarnation: 2 });
    expect(fleet.agent()).toBe(agent);
  });
});

function delaying(delayMs: number) {
  return (state: unknown) => ({
    decision: { type: "restart" as const, delayMs, because: "back off" },
    state,
  });
}

describe("a policy that delays", () => {
  test("is obeyed in the clock's time, and runs wait meanwhile", async () => {
    const fleet = await startPoet({}, { supervisor: { policy: delaying(500) } });
    const agent = fleet.agent();
    await agent.whenReady();
    fleet.launcher.worker("poet").crash();
    await until("the delay", () => agent.state === "restarting");
    const waiting = agent.run("waits");
    fleet.clock.advance(499);
    expect([agent.state, agent.pid, fleet.launcher.workers.length]).toEqual(["restarting", undefined, 1]);
    fleet.clock.advance(1);
    expect(await waiting).toMatchObject({ output: "waits", incarnation: 2 });
  });

  test("gives way to a stop: no worker is started after it", async () => {
    const fleet = await startPoet({}, { supervisor: { policy: delaying(500) } });
    const agent = fleet.agent();
    await agent.whenReady();
    fleet.launcher.worker("poet").crash();
    await until("the delay", () => agent.state === "restarting");
    const waiting = rejection(agent.run("never"));
    await agent.stop();
    expect(await waiting).toMatchObject({ code: "agent_stopped", cause: { code: "worker_exited" } });
    fleet.clock.advance(10_000);
    expect([agent.state, fleet.launcher.workers.length, fleet.clock.pending]).toEqual(["stopped", 1, 0]);
  });
});

describe("stop()", () => {
  test("while the agent starts ends the worker that never served, with time to clean up what it has begun", async () => {
    const fleet = await startPoet({}, { script: { start: "never" } });
    const agent = fleet.agent();
    const waiting = rejection(agent.run("never"));
    const ready = rejection(agent.whenReady());
    await agent.stop();
    expect(await waiting).toMatchObject({ code: "agent_stopped" });
    expect(await ready).toMatchObject({ code: "agent_stopped" });
    expect(await fleet.launcher.worker("poet").exited).toMatchObject({ cause: "stopped", wasReady: false });
    expect(agent.state).toBe("stopped");
    await agent.stop();
  });

  test("between a crash and the next launch launches nobody", async () => {
    const fleet = await startPoet();
    const agent = fleet.agent();
    await agent.whenReady();
    const stopped = fleet.report("agent.crashed").then(() => agent.stop());
    fleet.launcher.worker("poet").crash();
    await stopped;
    expect(agent.state).toBe("stopped");
    const launched = fleet.launcher.workers.length;
    await new Promise((resolve) => setImmediate(resolve));
    expect(fleet.launcher.workers.length).toBe(launched);
  });

  test("drains: runs that are held finish, runs that wait are refused, and nothing is counted as a crash", async () => {
    const reply = Promise.withResolvers<string>();
    const script: FakeWorkerScript = { answer: () => reply.promise };
    const fleet = await startPoet({ maxConcurrency: 1 }, { script });
    const agent = fleet.agent();
    await agent.whenReady();
    const held = agent.run("held");
    const waiting = rejection(agent.run("waiting"));
    await until("the run", () => fleet.launcher.worker("poet").runs.length === 1);
    const stopping = agent.stop();
    expect(await waiting).toMatchObject({ code: "agent_stopped" });
    expect(agent.state).toBe("stopping");
    expect(await rejection(agent.run("late"))).toMatchObject({ code: "stopped" });
    expect(await rejection(agent.restart())).toMatchObject({ code: "stopped" });
    reply.resolve("finished");
    expect((await held).output).toBe("finished");
    await stopping;
    expect(await fleet.launcher.worker("poet").exited).toMatchObject({ cause: "stopped" });
    expect(await fleet.report("agent.stopped")).toMatchObject({ reason: "shutdown" });
  });

  test("of the supervisor ends a worker that ignores it after shutdownMs", async () => {
    const fleet = await startPoet({ shutdownMs: 300 }, { script: { onStop: "ignore" } });
    await fleet.agent().whenReady();
    const startedMs = fleet.clock.now();
    await fleet.whileTimePasses(fleet.supervisor.stop());
    expect(fleet.clock.now() - startedMs).toBe(300);
    expect(await fleet.launcher.worker("poet").exited).toMatchObject({ cause: "killed" });
  });
});

test("kill ends a worker with its runs at once", async () => {
  const fleet = await startPoet({}, { script: hang });
  const agent = fleet.agent();
  await agent.whenReady();
  const held = rejection(agent.run("hang"));
  await until("the run", () => fleet.launcher.worker("poet").runs.length === 1);
  fleet.supervisor.kill();
  expect(await held).toMatchObject({ code: "agent_stopped", crash: { cause: "killed" } });
  expect(await fleet.supervisor.ended).toBe("killed");
  expect(agent.state).toBe("stopped");
  expect(fleet.reports.map(({ type }) => type)).not.toContain("agent.crashed");
});

describe("one_for_all", () => {
  test("a sibling's crash gives every agent a fresh worker, and their mailboxes survive", async () => {
    const reply = Promise.withResolvers<string>();
    const script: FakeWorkerScript = {
      answer: ({ prompt, incarnation }) => (prompt === "slow" && incarnation === 1 ? reply.promise : prompt),
    };
    const fleet = await startFleet([{ id: "a", maxConcurrency: 1 }, { id: "b" }], {
      script,
      supervisor: { strategy: "one_for_all" },
    });
    const [a, b] = [fleet.agent("a"), fleet.agent("b")];
    await Promise.all([a.whenReady(), b.whenReady()]);
    const held = a.run("slow");
    const waiting = a.run("waits");
    await until("the run", () => fleet.launcher.worker("a").runs.length === 1);
    fleet.launcher.worker("b").crash();
    await until("the halt", () => a.state === "restarting");
    reply.resolve("finished");
    expect(await held).toMatchObject({ output: "finished", incarnation: 1 });
    expect(await waiting).toMatchObject({ output: "waits", incarnation: 2 });
    await b.whenReady();
    expect([a.incarnation, b.incarnation]).toEqual([2, 2]);
    expect(fleet.launcher.workers).toHaveLength(4);
    expect(fleet.reports.filter(({ type }) => type === "agent.crashed")).toHaveLength(1);
    expect(fleet.clock.now()).toBe(1_000_000);
  });

  test("an agent that is halted while it starts begins again once", async () => {
    const script = ({ agentId, incarnation }: { agentId: string; incarnation: number }): FakeWorkerScript =>
      agentId === "a" && incarnation === 1 ? { start: "never" } : {};
    const fleet = await startFleet([{ id: "a" }, { id: "b" }], { script, supervisor: { strategy: "one_for_all" } });
    const waiting = fleet.agent("a").run("patient");
    await fleet.agent("b").whenReady();
    fleet.launcher.worker("b").crash();
    expect(await waiting).toMatchObject({ output: "patient", incarnation: 2 });
    await fleet.agent("b").whenReady();
    expect(fleet.launcher.workers).toHaveLength(4);
  });

  test("two siblings that crash together have each one new worker", async () => {
    const fleet = await startFleet([{ id: "a" }, { id: "b" }, { id: "c" }], {
      supervisor: { strategy: "one_for_all" },
    });
    const agents = ["a", "b", "c"].map((id) => fleet.agent(id));
    await Promise.all(agents.map((agent) => agent.whenReady()));
    fleet.launcher.worker("a").crash();
    fleet.launcher.worker("c").crash();
    await until("the restart", () => agents.every(({ incarnation, state }) => incarnation >= 2 && state === "ready"));
    const results = await Promise.all(agents.map((agent) => agent.run("hello")));
    expect(results.map(({ output }) => output)).toEqual(["hello", "hello", "hello"]);
    expect(fleet.clock.now()).toBe(1_000_000);
  });
});

test("a second agent of the same id is refused with the place of the first", async () => {
  const fleet = await startPoet();
  const twin: AgentDefinition = defineAgent({ id: "poet", entry: "other.py:agent" });
  const error = await rejection(fleet.supervisor.startChild({ ...twin, id: "other-child" }));
  expect(error).toMatchObject({ cause: { code: "already_started" } });
  expect((error as { cause: Error }).cause.message).toContain('"supervisor/poet"');
});
