import { afterEach, describe, expect, test } from "vitest";
import { type HungLoop, type LoopLimits, LoopMonitor } from "../../src/agent/loop-monitor.ts";
import { createVirtualClock } from "../../src/testing/index.ts";
import type { WorkerUsage } from "../../src/worker/launcher.ts";
import { rejection } from "../rpc/agent-server.ts";
import { hang, startPoet, until } from "./fleet.ts";

const monitors: LoopMonitor[] = [];
afterEach(() => {
  for (const monitor of monitors.splice(0)) monitor.end();
});

/** A monitor over a loop that answers while `answers` holds, and a worker whose processor time the test moves. */
function watch(limits: Partial<LoopLimits> = {}) {
  const clock = createVirtualClock();
  const told: string[] = [];
  const loop = {
    answers: true,
    forsaken: false,
    known: true,
    cpuMs: 0,
    stopped: false,
    runnable: false,
    hung: undefined as HungLoop | undefined,
    /** Called while the stacks are asked for. */
    onDump: async () => undefined,
    waiting: [] as (() => void)[],
  };
  const usage = (): WorkerUsage | undefined =>
    loop.known ? { cpuMs: loop.cpuMs, stopped: loop.stopped, runnable: loop.runnable } : undefined;
  const monitor = new LoopMonitor(
    {
      ask: () => (loop.answers ? Promise.resolve() : new Promise<void>((resolve) => loop.waiting.push(resolve))),
      worker: {
        usage,
        async dumpStacks() {
          await loop.onDump();
          return ["a stack"];
        },
      },
      hung(hung) {
        loop.hung ??= hung;
      },
    },
    () => ({
      forsaken: () => loop.forsaken,
      loopSilent: () => told.push("silent"),
      loopAnswers: () => told.push("answers"),
      loopUnresponsive: (silentMs, stacks) => told.push(`unresponsive ${silentMs} ${stacks.join()}`),
      loopResponsive: () => told.push("responsive"),
    }),
    { unresponsiveAfterMs: 1_000, hungAfterMs: 3_000, ...limits },
    clock,
  );
  monitors.push(monitor);
  /** Time passes in steps of the monitor's, and the worker uses so much of it. */
  const pass = async (ms: number, { cpuShare = 0, stepMs = 200 } = {}) => {
    for (let passed = 0; passed < ms; passed += stepMs) {
      loop.cpuMs += stepMs * cpuShare;
      clock.advance(stepMs);
      for (let turn = 0; turn < 10; turn += 1) await new Promise((resolve) => setImmediate(resolve));
    }
  };
  const answerAgain = async () => {
    loop.answers = true;
    for (const resolve of loop.waiting.splice(0)) resolve();
    await new Promise((resolve) => setImmediate(resolve));
  };
  return { clock, told, loop, monitor, pass, answerAgain };
}

test("a loop that answers is neither silent nor hung, however long it waits for a model", async () => {
  const { told, loop, monitor, pass } = watch();
  await pass(600_000, { stepMs: 200 });
  expect([told, loop.hung, monitor.silent]).toEqual([[], undefined, false]);
});

test("a loop that sleeps is unresponsive after the first limit, and hung after the second", async () => {
  const { told, loop, monitor, pass } = watch();
  loop.answers = false;
  await pass(1_000);
  expect(told).toEqual([]);
  await pass(200);
  expect([monitor.unresponsive, told]).toEqual([true, ["silent", "unresponsive 1000 a stack"]]);
  expect(monitor.lagMs).toBe(1_000);
  expect(loop.hung).toBeUndefined();
  await pass(2_000);
  expect(loop.hung).toEqual({ silentMs: 3_000, stacks: ["a stack"] });
});

test("a loop that answers again is told so once, and its silence is forgotten", async () => {
  const { told, loop, monitor, pass, answerAgain } = watch();
  loop.answers = false;
  await pass(2_000);
  await answerAgain();
  expect([monitor.silent, monitor.unresponsive]).toEqual([false, false]);
  expect(told.slice(2)).toEqual(["answers", "responsive"]);
  loop.answers = false;
  await pass(1_000);
  expect([told.length, loop.hung]).toEqual([4, undefined]);
});

test.each([
  ["uses a processor", 0.5, {}],
  ["gets little of a processor that others use", 0, { runnable: true }],
] as const)("a worker that %s is busy and never hung", async (_what, cpuShare, facts) => {
  const { told, loop, pass } = watch();
  Object.assign(loop, facts, { answers: false });
  await pass(60_000, { cpuShare });
  expect([told.length, loop.hung]).toEqual([2, undefined]);
});

test("a busy worker that all its callers have left is hung all the same", async () => {
  const { loop, pass } = watch();
  loop.answers = false;
  await pass(10_000, { cpuShare: 1 });
  loop.forsaken = true;
  await pass(2_800, { cpuShare: 1 });
  expect(loop.hung).toBeUndefined();
  await pass(400, { cpuShare: 1 });
  expect(loop.hung).toBeDefined();
});

test("a worker that a signal has stopped is hung, whatever its threads had been doing", async () => {
  const { loop, pass } = watch();
  Object.assign(loop, { answers: false, stopped: true, runnable: true });
  await pass(3_400);
  expect(loop.hung).toBeDefined();
});

test("time in which the host was late does not count", async () => {
  const { told, loop, pass } = watch();
  loop.answers = false;
  await pass(600_000, { stepMs: 30_000 });
  expect([told, loop.hung]).toEqual([[], undefined]);
});

test("where nothing can be known of its work, a worker is never hung", async () => {
  const { told, loop, pass } = watch();
  Object.assign(loop, { answers: false, known: false });
  await pass(60_000);
  expect([told.length, loop.hung]).toEqual([2, undefined]);
});

test('hungAfterMs "infinity" is never', async () => {
  const { told, loop, pass } = watch({ hungAfterMs: "infinity" });
  loop.answers = false;
  await pass(120_000);
  expect([told.length, loop.hung]).toEqual([2, undefined]);
});

test("a loop that the question for its stacks has woken is not hung", async () => {
  const { loop, pass, answerAgain } = watch();
  loop.answers = false;
  await pass(2_000);
  loop.onDump = async () => {
    await answerAgain();
    return undefined;
  };
  loop.answers = false;
  await pass(2_000);
  expect(loop.hung).toBeUndefined();
});

test("a doubt asks at once, and only an answer to that question ends it", async () => {
  const { told, loop, monitor, pass, answerAgain } = watch();
  loop.answers = false;
  await pass(200);
  monitor.doubt();
  expect([monitor.silent, monitor.unresponsive, loop.waiting.length]).toEqual([true, false, 2]);
  loop.waiting.shift()?.();
  await new Promise((resolve) => setImmediate(resolve));
  expect([monitor.silent, told]).toEqual([true, ["silent"]]);
  await answerAgain();
  expect([monitor.silent, told]).toEqual([false, ["silent", "answers"]]);
});

test("a clock that a test moves faster than the host can hear makes nobody silent", async () => {
  const { clock, told, loop } = watch();
  loop.answers = false;
  for (let step = 0; step < 1_000; step += 1) {
    clock.advance(200);
    await new Promise((resolve) => setImmediate(resolve));
  }
  expect([told, loop.hung]).toEqual([[], undefined]);
});

describe("an agent whose event loop is blocked", () => {
  test("is not ready, hands out no runs, says so in its health, and serves what waited when the loop answers", async () => {
    const fleet = await startPoet({ unresponsiveAfterMs: 100 });
    const agent = fleet.agent();
    await agent.whenReady();
    expect(agent.health).toMatchObject({ state: "ready", serving: true, loop: "responsive", cpuMs: 0, runs: [] });
    const worker = fleet.launcher.worker("poet");
    worker.block();
    const report = await fleet.whileTimePasses(fleet.report("agent.unresponsive"));
    expect(report.forMs).toBeGreaterThanOrEqual(100);
    expect(report.stacks.join("\n")).toContain("in asleep");
    expect(agent.health).toMatchObject({ state: "busy", serving: false, loop: "unresponsive" });
    const ready = agent.whenReady();
    const waiting = agent.run("waits");
    expect([agent.queueLength, worker.runs.length]).toEqual([1, 0]);
    worker.unblock();
    await fleet.report("agent.responsive");
    await ready;
    expect(await waiting).toMatchObject({ output: "waits", incarnation: 1 });
    expect(agent.health).toMatchObject({ state: "ready", serving: true, loop: "responsive" });
  });

  test("is killed as hung, with its stacks in the record, and the next worker serves what waited", async () => {
    const fleet = await startPoet({ unresponsiveAfterMs: 100, hungAfterMs: 300, maxConcurrency: 1 }, { script: hang });
    const agent = fleet.agent();
    await agent.whenReady();
    const held = rejection(agent.run("hang"));
    const again = rejection(agent.run("hang", { timeoutMs: 60_000 }));
    const worker = fleet.launcher.worker("poet");
    await until("the run", () => worker.runs.length === 1);
    expect(agent.health.runs).toMatchObject([{ runId: worker.runs[0]?.runId, awaited: true }]);
    worker.block();
    const { crash } = await fleet.whileTimePasses(fleet.report("agent.crashed"));
    expect(crash).toMatchObject({ cause: "hung", signal: "SIGKILL", decision: { type: "restart" } });
    expect(crash.describe).toMatch(/ hung, its event loop had not answered for \d+ ms, and was killed after /);
    expect(crash.stackDump?.join("\n")).toContain("in asleep");
    expect(await held).toMatchObject({ code: "worker_exited", crash: { cause: "hung" } });
    expect(JSON.stringify(await held)).not.toContain("in asleep");
    await until("the next worker", () => fleet.launcher.worker("poet").incarnation === 2);
    fleet.launcher.worker("poet").crash();
    await fleet.report("agent.crashed", (report) => report.crash.incarnation === 2);
    void again;
  });

  test("by a run whose time is up is not ready, and what comes next is not lost in it", async () => {
    const fleet = await startPoet({ unresponsiveAfterMs: 500, hungAfterMs: 1_000 }, { script: hang });
    const agent = fleet.agent();
    await agent.whenReady();
    const worker = fleet.launcher.worker("poet");
    const late = rejection(agent.run("hang", { timeoutMs: 100 }));
    await until("the run", () => worker.runs.length === 1);
    worker.block("busy");
    fleet.clock.advance(100);
    expect(await late).toMatchObject({ code: "deadline_exceeded" });
    expect(agent.state).toBe("busy");
    const next = agent.run("next");
    expect(await fleet.whileTimePasses(next)).toMatchObject({ output: "next", incarnation: 2 });
    expect(worker.runs.map(({ prompt }) => prompt)).toEqual(["hang"]);
    expect(agent.lastCrash?.cause).toBe("hung");
  });

  test.each(["stop", "restart"] as const)("is gone within shutdownMs of %s()", async (how) => {
    const fleet = await startPoet({ shutdownMs: 400, unresponsiveAfterMs: 100 }, { script: hang });
    const agent = fleet.agent();
    await agent.whenReady();
    const held = rejection(agent.run("hang"));
    const worker = fleet.launcher.worker("poet");
    await until("the run", () => worker.runs.length === 1);
    worker.block("stopped");
    await fleet.whileTimePasses(fleet.report("agent.unresponsive"));
    const askedAtMs = fleet.clock.monotonicMs();
    const asked = agent[how]();
    await fleet.whileTimePasses(worker.exited);
    expect(fleet.clock.monotonicMs() - askedAtMs).toBeLessThanOrEqual(400);
    await asked;
    expect(await held).toMatchObject({ crash: { cause: "killed" } });
  });
});
