import { describe, expect, test } from "vitest";
import type { FakeWorkerScript } from "../../src/testing/index.ts";
import { rejection } from "../rpc/agent-server.ts";
import { hang, startFleet, startPoet, until } from "./fleet.ts";

test("workers get the system's environment and the agent's own, and the agent's wins", async () => {
  const fleet = await startPoet({ env: { OWN: "2" }, startTimeoutMs: 777 });
  const { spec } = await fleet.launcher.launched("poet", 1);
  expect(spec).toMatchObject({
    agentId: "poet",
    incarnation: 1,
    interpreter: "/nowhere/python",
    entry: "poet.py:agent",
    cwd: "/",
    env: { SHARED: "1", OWN: "2" },
    startTimeoutMs: 777,
    maxMessageBytes: 1024 * 1024,
  });
});

/** A worker that answers "slow" when the test says so, and any other prompt with its own words. */
function slow() {
  const reply = Promise.withResolvers<string>();
  const script: FakeWorkerScript = { answer: ({ prompt }) => (prompt === "slow" ? reply.promise : prompt) };
  return { reply, script };
}

describe("a worker that does not end in time", () => {
  test("is killed, and the report says so; it is no crash", async () => {
    const fleet = await startPoet({ shutdownMs: 300 }, { script: { onStop: "ignore" } });
    const agent = fleet.agent();
    await agent.whenReady();
    await fleet.whileTimePasses(agent.stop());
    const { crash } = await fleet.report("worker.killed");
    expect(crash).toMatchObject({ cause: "killed", signal: "SIGKILL" });
    expect(crash.describe).toMatch(
      /^its worker \(pid \d+\) did not end within shutdownMs \(300 ms\) and was killed; its last phase was/,
    );
    expect(agent.lastCrash).toBeUndefined();
    expect(fleet.reports.map(({ type }) => type)).not.toContain("agent.crashed");
  });

  test("rejects the run it held with how it ended, which is not called a crash", async () => {
    const fleet = await startPoet({ shutdownMs: 300 }, { script: { ...hang, onStop: "ignore" } });
    const agent = fleet.agent();
    await agent.whenReady();
    const held = rejection(agent.run("hang"));
    await until("the run", () => fleet.launcher.worker("poet").runs.length === 1);
    await fleet.whileTimePasses(agent.stop());
    const error = (await held) as Error;
    expect(error).toMatchObject({ code: "agent_stopped", crash: { cause: "killed" } });
    expect(error.message).toContain("did not end within shutdownMs (300 ms) and was killed");
    expect(error.message).not.toContain("crash");
    expect(await rejection(agent.run("later"))).toMatchObject({ code: "stopped" });
  });

  test("has less than shutdownMs when its system has less", async () => {
    const fleet = await startPoet({ shutdownMs: 60_000 }, { script: hang });
    const agent = fleet.agent();
    await agent.whenReady();
    const held = rejection(agent.run("hang"));
    await until("the run", () => fleet.launcher.worker("poet").runs.length === 1);
    fleet.environment.stopping = { untilMs: fleet.clock.monotonicMs() + 1_000 };
    const startedMs = fleet.clock.monotonicMs();
    await fleet.whileTimePasses(agent.stop());
    expect(await held).toMatchObject({ kind: "interrupted" });
    expect(fleet.clock.monotonicMs() - startedMs).toBe(600);
  });
});

describe("a signal from outside", () => {
  test("ends an idle worker in good order, and the policy gives the agent the next one", async () => {
    const fleet = await startPoet({ restart: "transient" });
    const agent = fleet.agent();
    await agent.whenReady();
    const worker = fleet.launcher.worker("poet");
    worker.terminate();
    expect(await fleet.report("worker.draining")).toMatchObject({ pid: worker.pid, signal: "SIGTERM", incarnation: 1 });
    const answer = await fleet.whileTimePasses(agent.run("waits"));
    expect(answer).toMatchObject({ output: "waits", incarnation: 2, attempts: 1 });
    expect(await worker.exited).toMatchObject({ cause: "stopped", exitCode: 0 });
    const { crash } = await fleet.report("agent.crashed");
    expect(crash).toMatchObject({ cause: "signaled", signal: "SIGTERM", decision: { type: "restart" } });
    expect(crash.describe).toContain("was ended by SIGTERM");
  });

  test("leaves the runs that the worker holds the whole of shutdownMs, and what waits to the next worker", async () => {
    const { reply, script } = slow();
    const fleet = await startPoet({ maxConcurrency: 1, shutdownMs: 20_000 }, { script });
    const agent = fleet.agent();
    await agent.whenReady();
    const worker = fleet.launcher.worker("poet");
    const held = agent.run("slow");
    const waiting = agent.run("waits");
    await until("the run", () => worker.runs.length === 1);
    worker.terminate();
    fleet.clock.advance(14_000);
    expect(worker.runs[0]?.signal.aborted).toBe(false);
    reply.resolve("finished");
    expect(await held).toMatchObject({ output: "finished", incarnation: 1 });
    expect(await fleet.whileTimePasses(waiting)).toMatchObject({ output: "waits", incarnation: 2 });
  });

  test("is no crash when the host stops the agent in the same moment, and shutdownMs counts from the stop", async () => {
    const { reply, script } = slow();
    const fleet = await startPoet({ shutdownMs: 20_000 }, { script });
    const agent = fleet.agent();
    await agent.whenReady();
    const worker = fleet.launcher.worker("poet");
    const held = agent.run("slow");
    await until("the run", () => worker.runs.length === 1);
    worker.terminate();
    fleet.clock.advance(14_000);
    const stopping = agent.stop();
    fleet.clock.advance(14_000);
    reply.resolve("finished");
    expect(await held).toMatchObject({ output: "finished" });
    await fleet.whileTimePasses(stopping);
    expect(fleet.reports.map(({ type }) => type)).not.toContain("agent.crashed");
    expect(fleet.launcher.workers).toHaveLength(1);
  });

  test("of an agent whose turn in the system's stop has not come leaves its worker waiting for it", async () => {
    const { reply, script } = slow();
    const fleet = await startFleet([{ id: "a" }, { id: "b" }], { script });
    const [a, b] = [fleet.agent("a"), fleet.agent("b")];
    await Promise.all([a.whenReady(), b.whenReady()]);
    const held = b.run("slow");
    await until("the run", () => fleet.launcher.worker("b").runs.length === 1);
    for (const id of ["a", "b"]) fleet.launcher.worker(id).terminate();
    fleet.environment.stopping = { untilMs: Number.POSITIVE_INFINITY };
    const stopping = fleet.supervisor.stop();
    fleet.clock.advance(1_000);
    expect(a.state).toBe("ready");
    reply.resolve("finished");
    expect(await held).toMatchObject({ output: "finished" });
    await fleet.whileTimePasses(stopping);
    expect(fleet.reports.map(({ type }) => type)).not.toContain("agent.crashed");
    for (const worker of fleet.launcher.workers) expect(await worker.exited).toMatchObject({ cause: "stopped" });
  });

  test("to a worker that is still starting gives way to the next one", async () => {
    const script = ({ incarnation }: { incarnation: number }): FakeWorkerScript =>
      incarnation === 1 ? { start: "never" } : {};
    const fleet = await startPoet({}, { script });
    const waiting = fleet.agent().run("patient");
    fleet.launcher.worker("poet").terminate();
    expect(await fleet.whileTimePasses(waiting)).toMatchObject({ output: "patient", incarnation: 2 });
    expect((await fleet.report("agent.crashed")).crash).toMatchObject({ signal: "SIGTERM", wasReady: false });
  });

  test("to a worker that overstays is answered by a kill like any other", async () => {
    const fleet = await startPoet({ shutdownMs: 1_000 }, { script: { ...hang, onStop: "ignore" } });
    const agent = fleet.agent();
    await agent.whenReady();
    const held = rejection(agent.run("hang"));
    await until("the run", () => fleet.launcher.worker("poet").runs.length === 1);
    fleet.launcher.worker("poet").terminate();
    expect(await fleet.whileTimePasses(held)).toMatchObject({ code: "worker_exited", crash: { cause: "killed" } });
    await fleet.whileTimePasses(agent.whenReady());
    expect(agent.incarnation).toBe(2);
  });
});

describe("a run that Python never began", () => {
  test("is not lost with the worker: a stream that nobody has read yet is served by the next one", async () => {
    const fleet = await startPoet();
    const agent = fleet.agent();
    await agent.whenReady();
    const streams = ["one", "two"].map((prompt) => agent.stream(prompt));
    fleet.launcher.worker("poet").crash();
    await fleet.report("agent.ready", ({ incarnation }) => incarnation === 2);
    const results = await Promise.all(streams.map(({ result }) => result));
    expect(results.map(({ output, incarnation, attempts }) => [output, incarnation, attempts])).toEqual([
      ["one", 2, 1],
      ["two", 2, 1],
    ]);
    expect(fleet.launcher.workers[0]?.runs).toEqual([]);
  });

  test("is rejected with the stop of its agent", async () => {
    const fleet = await startPoet({ shutdownMs: 200 });
    const agent = fleet.agent();
    await agent.whenReady();
    const stream = agent.stream("unread");
    await fleet.whileTimePasses(agent.stop());
    expect(await rejection(stream.result)).toMatchObject({ code: "agent_stopped" });
  });
});

test("a connection that is lost while a worker finishes its runs lets it clean up at once", async () => {
  const fleet = await startPoet({ shutdownMs: 60_000 }, { script: hang });
  const agent = fleet.agent();
  await agent.whenReady();
  const worker = fleet.launcher.worker("poet");
  const held = rejection(agent.run("hang"));
  await until("the run", () => worker.runs.length === 1);
  const stopping = agent.stop();
  worker.disconnect();
  await stopping;
  expect(await worker.exited).toMatchObject({ cause: "stopped" });
  expect(await held).toMatchObject({ code: "agent_stopped" });
});
