import { expect, test } from "vitest";
import { WorkerError } from "../../src/errors.ts";
import type { RunEvent } from "../../src/index.ts";
import { controllable, isAlive, pidOf, rejection, testAgent, untilGone, watch } from "./support.ts";

const sibling = () => controllable({ id: "sibling" });

test("kill -9 of an idle worker: the agent comes back with a new pid and incarnation, its sibling is untouched", async () => {
  const { system, report } = await watch([controllable(), sibling()]);
  const [agent, other] = [system.agent("ctl"), system.agent("sibling")];
  await Promise.all([agent.whenReady(), other.whenReady()]);
  const [pid, otherPid] = [pidOf(agent), pidOf(other)];
  process.kill(pid, "SIGKILL");
  const { crash } = await report("agent.crashed");
  expect(crash).toMatchObject({ cause: "signaled", signal: "SIGKILL", pid, incarnation: 1, wasReady: true });
  await agent.whenReady();
  expect([agent.incarnation, agent.state]).toEqual([2, "ready"]);
  expect(pidOf(agent)).not.toBe(pid);
  expect([other.incarnation, other.pid]).toEqual([1, otherPid]);
  expect(crash.decision).toMatchObject({ type: "restart" });
});

test("kill -9 in the middle of a run: it rejects with the exit, queued runs are served by the next worker", async () => {
  const { system, report } = await watch([controllable({ maxConcurrency: 1 })]);
  const agent = system.agent("ctl");
  await agent.whenReady();
  const held = rejection(agent.run("sleep:30"));
  const queued = [agent.run("echo:first"), agent.run("echo:second")];
  expect(agent.state).toBe("busy");
  process.kill(pidOf(agent), "SIGKILL");
  const error = await held;
  expect(error).toBeInstanceOf(WorkerError);
  expect(error).toMatchObject({ code: "worker_exited", signal: "SIGKILL", agentId: "ctl" });
  const { crash } = await report("agent.crashed");
  expect((error as WorkerError).crash).toBe(crash);
  expect(crash.runsInFlight).toEqual([(error as WorkerError).runId]);
  const results = await Promise.all(queued);
  expect(results.map(({ output, incarnation }) => [output, incarnation])).toEqual([
    ["first", 2],
    ["second", 2],
  ]);
});

test("kill -9 in the middle of a stream: what came is kept, and the crash is the terminal event", async () => {
  const { system } = await watch([controllable()]);
  const agent = system.agent("ctl");
  const stream = agent.stream("stream:1000:10");
  const events: RunEvent[] = [];
  for await (const event of stream) {
    events.push(event);
    if (event.type === "text.delta" && event.text.includes("word3 ")) process.kill(pidOf(agent), "SIGKILL");
  }
  expect(events.at(-1)).toMatchObject({ type: "failed", error: { code: "worker_exited", signal: "SIGKILL" } });
  expect(events.filter(({ type }) => type === "failed" || type === "completed" || type === "cancelled")).toHaveLength(
    1,
  );
  expect(await rejection(stream.result)).toBeInstanceOf(WorkerError);
  expect((await agent.run("echo:back")).incarnation).toBe(2);
});

test("kill -9 while the worker starts: runs that wait are served by the next one", async () => {
  const slow = testAgent({
    id: "slow",
    entry: "test/fixtures/agents/slow_import.py:agent",
    env: { SLOW_IMPORT_S: "1" },
  });
  const { system, report } = await watch([slow]);
  const agent = system.agent("slow");
  const waiting = agent.run("hello");
  expect(agent.state).toBe("starting");
  await expect.poll(() => agent.pid, { timeout: 20_000 }).toBeTypeOf("number");
  const pid = pidOf(agent);
  process.kill(pid, "SIGKILL");
  const { crash } = await report("agent.crashed");
  expect(crash).toMatchObject({ wasReady: false, signal: "SIGKILL" });
  expect((await waiting).incarnation).toBe(2);
  expect(isAlive(pid)).toBe(false);
});

test("a worker that exits by itself is a crash that names the code and the last lines of its stderr", async () => {
  const { system } = await watch([controllable()]);
  const agent = system.agent("ctl");
  await agent.run("stderr:last words");
  const error = await rejection(agent.run("exit:7"));
  expect(error).toMatchObject({ code: "worker_exited", exitCode: 7 });
  expect((error as WorkerError).stderrTail).toContain("last words");
  expect((error as WorkerError).message).toContain("exited with code 7");
});

test("what the worker has started in its group goes with it", async () => {
  const { system } = await watch([controllable()]);
  const agent = system.agent("ctl");
  const grandchild = Number((await agent.run("grandchild")).output);
  expect(isAlive(grandchild)).toBe(true);
  process.kill(pidOf(agent), "SIGKILL");
  await untilGone(grandchild);
});

test("ten crashes in a row lose no waiting run and run none twice", async () => {
  const { system } = await watch([controllable({ maxConcurrency: 1 })], { maxRestarts: 100 });
  const agent = system.agent("ctl");
  for (let crash = 1; crash <= 10; crash += 1) {
    await agent.whenReady();
    const held = rejection(agent.run("sleep:30"));
    const queued = agent.run("pid");
    process.kill(pidOf(agent), "SIGKILL");
    expect(await held).toMatchObject({ code: "worker_exited" });
    const answer = await queued;
    expect(answer).toMatchObject({ incarnation: crash + 1, attempts: 1, output: String(agent.pid) });
  }
}, 60_000);

test("restart() gives running runs time, keeps waiting ones, and does not count for the policy", async () => {
  const { system, reports } = await watch([controllable({ maxConcurrency: 1 })], { maxRestarts: 0 });
  const agent = system.agent("ctl");
  await agent.whenReady();
  const running = agent.run("sleep:0.2");
  const waiting = agent.run("echo:later");
  await agent.restart("new code");
  expect((await running).incarnation).toBe(1);
  expect(await waiting).toMatchObject({ output: "later", incarnation: 2 });
  expect(reports.map(({ type }) => type)).not.toContain("agent.crashed");
});

test("stop() is no crash: waiting runs are refused by name, and restart() begins the agent anew", async () => {
  const { system, reports } = await watch([controllable({ maxConcurrency: 1 })]);
  const agent = system.agent("ctl");
  await agent.whenReady();
  const running = agent.run("sleep:0.2");
  const waiting = rejection(agent.run("echo:never"));
  await agent.stop();
  expect((await running).output).toBe("slept 0.2 s");
  expect(await waiting).toMatchObject({ code: "agent_stopped" });
  expect(agent.state).toBe("stopped");
  expect(await rejection(agent.run("echo:x"))).toMatchObject({ code: "stopped" });
  await agent.restart();
  expect((await agent.run("echo:anew")).incarnation).toBe(2);
  expect(reports.map(({ type }) => type)).not.toContain("agent.crashed");
});

test("a run that outlasts shutdownMs is cut short by the stop", async () => {
  const { system } = await watch([controllable({ shutdownMs: 200 })]);
  const agent = system.agent("ctl");
  await agent.whenReady();
  const running = rejection(agent.run("hog:30"));
  await agent.stop();
  expect(await running).toMatchObject({ code: "agent_stopped", crash: { cause: "killed" } });
});
