import { describe, expect, test } from "vitest";
import type { AgentDefinition } from "../../src/agent/define.ts";
import { defineAgent } from "../../src/agent/define.ts";
import { WorkerError } from "../../src/errors.ts";
import { describeExitReason } from "../../src/otp/report/exit-reason.ts";
import { startSupervisor } from "../../src/otp/supervisor/start.ts";
import type { FakeRun, FakeWorkerScript } from "../../src/testing/index.ts";
import { rejection } from "../rpc/agent-server.ts";
import { startFleet, startPoet, until } from "./fleet.ts";

const hang: FakeWorkerScript = { answer: ({ prompt }: FakeRun) => (prompt === "hang" ? { hang: true } : prompt) };

describe("a crash", () => {
  test("rejects the runs that the worker held, and the next worker serves those that waited", async () => {
    const fleet = await startPoet({ maxConcurrency: 1 }, { script: hang });
    const agent = fleet.agent();
    await agent.whenReady();
    const held = rejection(agent.run("hang"));
    const waiting = [agent.run("one"), agent.run("two")];
    await until("the run", () => fleet.launcher.worker("poet").runs.length === 1);
    expect(agent.state).toBe("busy");
    fleet.launcher.worker("poet").crash({ exitCode: 7 });
    const error = await held;
    expect(error).toBeInstanceOf(WorkerError);
    expect(error).toMatchObject({ code: "worker_exited", exitCode: 7, agentId: "poet" });
    const results = await Promise.all(waiting);
    expect(results.map(({ output, incarnation }) => [output, incarnation])).toEqual([
      ["one", 2],
      ["two", 2],
    ]);
    const prompts = fleet.launcher.workers.map(({ runs }) => runs.map(({ prompt }) => prompt));
    expect(prompts).toEqual([["hang"], ["one", "two"]]);
  });

  test("is one record in the report, the rejected run and the handle, with the decision in it", async () => {
    const fleet = await startPoet({}, { script: hang });
    const agent = fleet.agent();
    await agent.whenReady();
    const held = rejection(agent.run("hang"));
    await until("the run", () => fleet.launcher.worker("poet").runs.length === 1);
    fleet.launcher.worker("poet").print("last words");
    fleet.launcher.worker("poet").crash();
    const error = (await held) as WorkerError;
    const { crash } = await fleet.report("agent.crashed");
    expect([error.crash === crash, agent.lastCrash === crash]).toEqual([true, true]);
    expect(crash).toMatchObject({
      cause: "signaled",
      signal: "SIGKILL",
      stderrTail: ["last words"],
      runsInFlight: [error.runId],
      decision: { type: "restart", because: "restart 1 of 3 allowed within 5000 ms" },
    });
    expect(crash.lastEvents.slice(0, 3)).toEqual(["worker.spawned", "worker.ready", "run.started"]);
  });

  test("of a worker that exits with code 0 is a normal exit: a transient agent stays down", async () => {
    const fleet = await startPoet({ restart: "transient" });
    const agent = fleet.agent();
    await agent.whenReady();
    fleet.launcher.worker("poet").crash({ exitCode: 0 });
    const { reason, decision } = await fleet.report("child.exited");
    expect([reason, decision.type]).toEqual(["normal", "leave"]);
    await fleet.report("agent.stopped");
    expect(agent.state).toBe("stopped");
    expect(await rejection(agent.run("x"))).toMatchObject({ code: "stopped" });
  });

  test("before ready leaves the runs waiting for the next worker", async () => {
    const script = ({ incarnation }: { incarnation: number }): FakeWorkerScript =>
      incarnation < 3 ? { start: { signal: "SIGSEGV" } } : {};
    const fleet = await startPoet({}, { script });
    expect(await fleet.agent().run("patient")).toMatchObject({ output: "patient", incarnation: 3, attempts: 1 });
    expect(fleet.reports.filter(({ type }) => type === "agent.crashed")).toHaveLength(2);
  });

  test("beyond the limit ends the agent: waiting runs and later ones learn why", async () => {
    const fleet = await startPoet({}, { script: { start: { exitCode: 3 } }, supervisor: { maxRestarts: 2 } });
    const agent = fleet.agent();
    const waiting = rejection(agent.run("never"));
    const ready = rejection(agent.whenReady());
    expect(await fleet.supervisor.ended).toBe("shutdown");
    for (const error of [await waiting, await ready, await rejection(agent.run("later"))]) {
      expect(error).toMatchObject({
        code: "restart_intensity_exceeded",
        crash: { exitCode: 3, incarnation: 3 },
        cause: { code: "worker_exited" },
      });
    }
    expect([agent.state, agent.pid]).toEqual(["stopped", undefined]);
  });
});

describe("a start that fails", () => {
  const loadFailure = { kind: "module_missing", message: "no module poet", traceback: "Traceback: poet" } as const;

  test("because the agent cannot be loaded is not retried, and says so in Python's words", async () => {
    const fleet = await startFleet([{}, { id: "sibling", entry: "sibling.py:agent" }], {
      script: ({ agentId }) => (agentId === "poet" ? { start: { loadFailure } } : {}),
    });
    const agent = fleet.agent();
    const waiting = rejection(agent.run("never"));
    const error = await rejection(agent.whenReady());
    expect(error).toMatchObject({ code: "entry_module_missing", pythonTraceback: "Traceback: poet" });
    expect(await waiting).toMatchObject({ code: "entry_module_missing" });
    expect(await rejection(agent.run("later"))).toMatchObject({ code: "entry_module_missing" });
    await fleet.report("child.start_failed");
    expect((await fleet.agent("sibling").run("alive")).output).toBe("alive");
    expect(fleet.launcher.workers.filter(({ spec }) => spec.agentId === "poet")).toHaveLength(1);
  });

  test("for an agent that has served before is a crash, decided by the policy", async () => {
    const script = ({ incarnation }: { incarnation: number }): FakeWorkerScript =>
      incarnation === 2 ? { start: { loadFailure } } : {};
    const fleet = await startPoet({}, { script });
    await fleet.agent().whenReady();
    fleet.launcher.worker("poet").crash();
    await fleet.report("agent.crashed");
    expect(await fleet.agent().run("again")).toMatchObject({ incarnation: 3 });
  });

  test("in time is killed and counted", async () => {
    const fleet = await startPoet(
      { startTimeoutMs: 1_000 },
      { script: ({ incarnation }) => (incarnation === 1 ? { start: "never" } : {}) },
    );
    fleet.clock.advance(1_000);
    const { crash } = await fleet.report("agent.crashed");
    expect(crash).toMatchObject({ cause: "start_timeout", uptimeMs: 1_000, wasReady: false });
    expect(await fleet.agent().run("then")).toMatchObject({ incarnation: 2 });
  });

  test("because no process could be made is counted too", async () => {
    const script: FakeWorkerScript = { start: { spawnFailed: "out of processes" } };
    const fleet = await startPoet({}, { script, supervisor: { maxRestarts: 1 } });
    const error = await rejection(fleet.agent().whenReady());
    expect(error).toMatchObject({
      code: "restart_intensity_exceeded",
      cause: { code: "worker_spawn_failed" },
      crash: { detail: "out of processes" },
    });
    await fleet.supervisor.ended;
  });

  test("outside of a system is refused by name", async () => {
    const children = [defineAgent({ id: "lost", entry: "lost.py:agent" })];
    const error = await rejection(startSupervisor({ children }));
    expect(error).toMatchObject({ code: "start_failed", cause: { code: "invalid_argument", field: "children" } });
  });
});

describe("a lost connection", () => {
  test("of a process that lives gets it killed, with cause connection_lost and the record as ExitReason", async () => {
    const fleet = await startPoet({}, { script: hang });
    const agent = fleet.agent();
    await agent.whenReady();
    const held = rejection(agent.run("hang"));
    const worker = fleet.launcher.worker("poet");
    await until("the run", () => worker.runs.length === 1);
    worker.disconnect();
    await until("the loss", () => fleet.process().client === undefined && fleet.clock.pending > 0);
    const later = agent.run("later");
    fleet.clock.advance(249);
    expect(agent.incarnation).toBe(1);
    fleet.clock.advance(1);
    expect(await worker.exited).toMatchObject({ cause: "killed" });
    const { crash } = await fleet.report("agent.crashed");
    expect(crash.cause).toBe("connection_lost");
    expect(await held).toMatchObject({ code: "worker_connection_lost", crash });
    const { reason } = await fleet.report("child.exited");
    expect(reason).toBe(crash);
    expect(describeExitReason(reason)).toContain("could no longer be reached");
    expect(await later).toMatchObject({ output: "later", incarnation: 2 });
  });

  test("that is the first sign of an exit is told as the exit", async () => {
    const fleet = await startPoet();
    await fleet.agent().whenReady();
    const worker = fleet.launcher.worker("poet");
    worker.disconnect();
    await until("the loss", () => fleet.process().client === undefined);
    worker.crash({ exitCode: 9 });
    expect((await fleet.report("agent.crashed")).crash).toMatchObject({ cause: "exited", exitCode: 9 });
    fleet.clock.advance(1_000);
    expect(await fleet.agent().run("next")).toMatchObject({ incarnation: 2 });
  });
});

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

  test("cuts short a run that outlasts shutdownMs", async () => {
    const fleet = await startPoet({ shutdownMs: 400 }, { script: hang });
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
    expect(fleet.clock.pending).toBe(0);
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
  test("while the agent starts kills the worker that never served", async () => {
    const fleet = await startPoet({}, { script: { start: "never" } });
    const agent = fleet.agent();
    const waiting = rejection(agent.run("never"));
    const ready = rejection(agent.whenReady());
    await agent.stop();
    expect(await waiting).toMatchObject({ code: "agent_stopped" });
    expect(await ready).toMatchObject({ code: "agent_stopped" });
    expect(await fleet.launcher.worker("poet").exited).toMatchObject({ cause: "killed" });
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

test("a run that a stopping worker refuses waits again, at the front, and runs once", async () => {
  const reply = Promise.withResolvers<string>();
  const script: FakeWorkerScript = { answer: ({ prompt }) => (prompt === "slow" ? reply.promise : prompt) };
  const fleet = await startPoet({ maxConcurrency: 2 }, { script });
  const agent = fleet.agent();
  await agent.whenReady();
  const worker = fleet.launcher.worker("poet");
  const held = agent.run("slow");
  await until("the run", () => worker.runs.length === 1);
  // It ends by itself, as one that was sent SIGTERM from outside does: the host does not know yet.
  const ended = worker.stop(5_000);
  const refused = agent.run("refused");
  await until("the refusal", () => worker.runs.length === 2 && fleet.process().client === undefined);
  const behind = agent.run("behind");
  reply.resolve("finished");
  expect((await held).output).toBe("finished");
  await ended;
  const results = await Promise.all([refused, behind]);
  expect(results.map(({ output, incarnation, attempts }) => [output, incarnation, attempts])).toEqual([
    ["refused", 2, 1],
    ["behind", 2, 1],
  ]);
  expect(fleet.launcher.workers[1]?.runs.map(({ prompt }) => prompt)).toEqual(["refused", "behind"]);
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

test("the reports of a life come in order, each with the agent's path, time and incarnation", async () => {
  const fleet = await startPoet();
  await fleet.agent().whenReady();
  fleet.launcher.worker("poet").crash();
  await fleet.report("agent.ready", ({ incarnation }) => incarnation === 2);
  await fleet.agent().stop();
  const mine = fleet.reports.filter((report) => "agentId" in report);
  expect(mine.map(({ type, incarnation }) => [type, incarnation])).toEqual([
    ["worker.spawned", 1],
    ["agent.ready", 1],
    ["agent.crashed", 1],
    ["worker.spawned", 2],
    ["agent.ready", 2],
    ["agent.stopped", 2],
  ]);
  for (const report of mine) expect(report).toMatchObject({ path: "supervisor/poet", atMs: 1_000_000 });
});
