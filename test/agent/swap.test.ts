import { describe, expect, test } from "vitest";
import type { FakeRun, FakeWorkerScript } from "../../src/testing/index.ts";
import type { WorkerSpec } from "../../src/worker/launcher.ts";
import { rejection } from "../rpc/agent-server.ts";
import { type Fleet, hang, startPoet, until } from "./fleet.ts";

/** Answers "slow" when the test says so, and any other prompt with its own words. */
function slow() {
  const reply = Promise.withResolvers<string>();
  const script: FakeWorkerScript = { answer: ({ prompt }) => (prompt === "slow" ? reply.promise : prompt) };
  return { reply, script };
}

/** The first worker serves; those after it start as the test says. */
function firstThen(first: FakeWorkerScript, later: FakeWorkerScript) {
  return ({ incarnation }: WorkerSpec): FakeWorkerScript => (incarnation === 1 ? first : later);
}

async function held(fleet: Fleet, incarnation: number, count = 1): Promise<void> {
  const worker = await fleet.launcher.launched("poet", incarnation);
  await until("the run", () => worker.runs.length === count);
}

const types = (fleet: Fleet) => fleet.reports.map(({ type }) => type);

describe("restart({ graceful: true })", () => {
  test("finishes what runs where it is, and gives what waits and what comes to the next worker", async () => {
    const { reply, script } = slow();
    const fleet = await startPoet({ maxConcurrency: 1, shutdownMs: 20_000 }, { script });
    const agent = fleet.agent();
    await agent.whenReady();
    const running = agent.run("slow");
    const waiting = agent.run("waits");
    await held(fleet, 1);
    await agent.restart({ graceful: true, reason: "new code" });
    expect([agent.incarnation, agent.pid]).toEqual([2, fleet.launcher.workers[1]?.pid]);
    expect(await waiting).toMatchObject({ output: "waits", incarnation: 2, attempts: 1 });
    expect(await agent.run("comes")).toMatchObject({ output: "comes", incarnation: 2 });
    expect([agent.state, agent.inFlight]).toEqual(["ready", 1]);
    reply.resolve("finished");
    expect(await running).toMatchObject({ output: "finished", incarnation: 1 });
    const { crash } = await fleet.report("worker.retired");
    expect(crash).toMatchObject({ cause: "retired", incarnation: 1, exitCode: 0, runsInFlight: [] });
    expect(await fleet.report("agent.swapped")).toMatchObject({ incarnation: 2, retired: 1, reason: "new code" });
    expect(types(fleet)).not.toContain("agent.crashed");
    expect(types(fleet)).not.toContain("child.exited");
    expect([agent.lastCrash, agent.inFlight, agent.state]).toEqual([undefined, 0, "ready"]);
  });

  test("leaves no moment in which the agent is not ready", async () => {
    const fleet = await startPoet();
    const agent = fleet.agent();
    await agent.whenReady();
    const states = new Set<string>();
    const swapped = agent.restart({ graceful: true });
    let done = false;
    void swapped.then(() => {
      done = true;
    });
    let asked = 0;
    while (!done) {
      states.add(agent.state);
      expect(await agent.run(`${asked}`)).toMatchObject({ output: `${asked}` });
      asked += 1;
    }
    await swapped;
    expect([...states].filter((state) => state !== "ready" && state !== "busy")).toEqual([]);
  });

  test("gives the runs of the old worker the whole of shutdownMs, but for cleaning up, then interrupts them", async () => {
    const fleet = await startPoet({ shutdownMs: 1_000 }, { script: hang });
    const agent = fleet.agent();
    await agent.whenReady();
    const running = rejection(agent.run("hang"));
    await held(fleet, 1);
    await agent.restart({ graceful: true });
    fleet.clock.advance(599);
    expect(fleet.launcher.workers[0]?.runs[0]?.signal.aborted).toBe(false);
    expect(await fleet.whileTimePasses(running)).toMatchObject({ code: "run_failed", kind: "interrupted" });
    expect((await fleet.report("worker.retired")).crash.cause).toBe("retired");
    expect(agent.state).toBe("ready");
  });

  test("kills an old worker that overstays: its run is lost, and still it is no crash", async () => {
    const fleet = await startPoet({ shutdownMs: 300 }, { script: firstThen({ ...hang, onStop: "ignore" }, {}) });
    const agent = fleet.agent();
    await agent.whenReady();
    const running = rejection(agent.run("hang"));
    await held(fleet, 1);
    await agent.restart({ graceful: true });
    expect(await fleet.whileTimePasses(running)).toMatchObject({ code: "worker_exited", crash: { cause: "killed" } });
    expect((await fleet.report("worker.killed")).incarnation).toBe(1);
    expect(types(fleet)).not.toContain("agent.crashed");
    expect(await agent.run("on")).toMatchObject({ incarnation: 2 });
  });

  test("rejects, and reports, when the next worker does not get ready; the old one serves on", async () => {
    const failure = { kind: "module_failed", message: "SyntaxError" } as const;
    const fleet = await startPoet({}, { script: firstThen({}, { start: { loadFailure: failure } }) });
    const agent = fleet.agent();
    await agent.whenReady();
    const error = await rejection(agent.restart({ graceful: true, reason: "new code" }));
    expect(error).toMatchObject({ code: "entry_module_failed", crash: { incarnation: 2 } });
    const failed = await fleet.report("agent.swap_failed");
    expect(failed).toMatchObject({ incarnation: 1, reason: "new code", crash: { cause: "load_failed" } });
    expect([agent.state, agent.incarnation, agent.lastCrash]).toEqual(["ready", 1, undefined]);
    expect(await agent.run("on")).toMatchObject({ output: "on", incarnation: 1 });
    expect(types(fleet)).not.toContain("child.exited");
  });

  test("rejects when the next worker's agent is not what the definition expects; the old one serves on", async () => {
    const script = firstThen(
      { description: { outputSchema: { type: "string" } } },
      { description: { outputSchema: { type: "integer" } } },
    );
    const fleet = await startPoet({ output: "text" } as object, { script });
    const agent = fleet.agent();
    await agent.whenReady();
    const error = await rejection(agent.restart({ graceful: true }));
    expect(error).toMatchObject({ code: "contract_mismatch", crash: { incarnation: 2 } });
    expect((error as Error).message).toContain("output: the agent says integer, the definition string");
    expect([agent.state, agent.incarnation, agent.lastCrash]).toEqual(["ready", 1, undefined]);
    expect(await agent.run("on")).toMatchObject({ output: "on", incarnation: 1 });
  });

  test("gives the worker after one that failed a number of its own", async () => {
    const script = ({ incarnation }: WorkerSpec): FakeWorkerScript =>
      incarnation === 2 ? { start: { exitCode: 3 } } : {};
    const fleet = await startPoet({}, { script });
    const agent = fleet.agent();
    await agent.whenReady();
    await rejection(agent.restart({ graceful: true }));
    await agent.restart();
    expect(agent.incarnation).toBe(3);
    await agent.restart({ graceful: true });
    expect(agent.incarnation).toBe(4);
  });

  test("rejects when the next worker is not ready within startTimeoutMs", async () => {
    const fleet = await startPoet({ startTimeoutMs: 200 }, { script: firstThen({}, { start: "never" }) });
    const agent = fleet.agent();
    await agent.whenReady();
    const error = await fleet.whileTimePasses(rejection(agent.restart({ graceful: true })));
    expect(error).toMatchObject({ code: "worker_start_timeout" });
    expect(agent.state).toBe("ready");
  });

  test("is served by one more swap when asked for in the middle of one, which all who ask share", async () => {
    const fleet = await startPoet();
    const agent = fleet.agent();
    await agent.whenReady();
    const swaps = [1, 2, 3].map(() => agent.restart({ graceful: true }));
    await fleet.whileTimePasses(Promise.all(swaps));
    expect(agent.incarnation).toBe(3);
    expect(fleet.launcher.workers).toHaveLength(3);
  });

  test("waits for the end of the worker before, so that there are never three", async () => {
    const { reply, script } = slow();
    const fleet = await startPoet({ shutdownMs: 20_000 }, { script });
    const agent = fleet.agent();
    await agent.whenReady();
    const running = agent.run("slow");
    await held(fleet, 1);
    await agent.restart({ graceful: true });
    const again = agent.restart({ graceful: true });
    for (let turn = 0; turn < 50; turn += 1) await new Promise((resolve) => setImmediate(resolve));
    expect(fleet.launcher.workers).toHaveLength(2);
    reply.resolve("finished");
    await running;
    await again;
    expect(agent.incarnation).toBe(3);
  });

  test("is an ordinary restart where no worker serves", async () => {
    const fleet = await startPoet();
    const agent = fleet.agent();
    await agent.stop();
    await agent.restart({ graceful: true });
    expect([agent.state, agent.incarnation]).toEqual(["ready", 2]);
  });

  test.each([
    [{ graceful: 1 }, "options.graceful"],
    [{ reason: 1 }, "options.reason"],
    [{ gracefully: true }, "options.gracefully"],
    [null, "reason"],
  ])("refuses %j by name", async (options, field) => {
    const fleet = await startPoet();
    expect(await rejection(fleet.agent().restart(options as never))).toMatchObject({ code: "invalid_argument", field });
  });
});

describe("in the middle of a swap", () => {
  async function inTheMiddle(later: FakeWorkerScript = {}) {
    const script = firstThen(hang, later);
    const fleet = await startPoet({ shutdownMs: 1_000 }, { script });
    const agent = fleet.agent();
    await agent.whenReady();
    const running = rejection(agent.run("hang"));
    await held(fleet, 1);
    return { fleet, agent, running };
  }

  test("a crash of the current worker lets the next one take over, whatever delay the policy decides on", async () => {
    const delay = { decision: { type: "restart" as const, delayMs: 60_000, because: "in a minute" }, state: undefined };
    const fleet = await startPoet({}, { script: hang, supervisor: { policy: () => delay } });
    const agent = fleet.agent();
    await agent.whenReady();
    const running = rejection(agent.run("hang"));
    await held(fleet, 1);
    const swapped = agent.restart({ graceful: true });
    fleet.launcher.workers[0]?.crash({ exitCode: 9 });
    expect(await running).toMatchObject({ code: "worker_exited", exitCode: 9 });
    await swapped;
    expect([agent.state, agent.incarnation]).toEqual(["ready", 2]);
    expect(await agent.run("on")).toMatchObject({ incarnation: 2 });
    expect((await fleet.report("agent.crashed")).crash.incarnation).toBe(1);
    expect(fleet.launcher.workers).toHaveLength(2);
  });

  test("a crash of both, one after the other, is two crashes of the agent; a third worker serves", async () => {
    const { fleet, agent, running } = await inTheMiddle();
    const swapped = agent.restart({ graceful: true });
    fleet.launcher.workers[0]?.crash({ exitCode: 9 });
    await fleet.report("agent.crashed");
    fleet.launcher.workers[1]?.crash({ signal: "SIGKILL" });
    await running;
    await fleet.whileTimePasses(swapped);
    expect([agent.state, agent.incarnation]).toEqual(["ready", 3]);
    expect(types(fleet)).not.toContain("agent.swap_failed");
  });

  test("a crash of the next worker that is seen before that of the current one is a failed swap", async () => {
    const { fleet, agent, running } = await inTheMiddle({ start: "never" });
    const swapped = rejection(agent.restart({ graceful: true }));
    fleet.launcher.workers[1]?.crash({ signal: "SIGKILL" });
    expect(await swapped).toMatchObject({ code: "worker_exited", crash: { incarnation: 2, signal: "SIGKILL" } });
    expect([agent.state, agent.incarnation]).toEqual(["busy", 1]);
    fleet.launcher.workers[0]?.crash();
    expect(await running).toMatchObject({ crash: { incarnation: 1 } });
  });

  test.each(["stop", "restart"] as const)("%s() ends both workers and reports no failed swap", async (what) => {
    const { fleet, agent, running } = await inTheMiddle({ start: "never" });
    const swapped = agent.restart({ graceful: true }).then(
      () => "swapped",
      (error) => error,
    );
    const [first, second] = fleet.launcher.workers;
    const done = agent[what]();
    if (what === "restart") {
      // The third worker never gets ready either: a stop ends it.
      await fleet.whileTimePasses(fleet.launcher.launched("poet", 3));
      void done.catch(() => undefined);
      await fleet.whileTimePasses(agent.stop());
    } else await fleet.whileTimePasses(done);
    await Promise.all([first?.exited, second?.exited]);
    expect(await swapped).toMatchObject({ code: "agent_stopped" });
    await running;
    expect(types(fleet)).not.toContain("agent.swap_failed");
    expect(types(fleet)).not.toContain("agent.crashed");
    expect(agent.state).toBe("stopped");
  });

  test("a stop after the swap is over only when the retired worker is gone too", async () => {
    const { fleet, agent, running } = await inTheMiddle();
    await agent.restart({ graceful: true });
    const stopping = agent.stop();
    await until("the end of the second", () => agent.pid === undefined);
    expect(agent.state).toBe("stopping");
    await fleet.whileTimePasses(stopping);
    await running;
    expect(await fleet.launcher.workers[0]?.exited).toMatchObject({ cause: "stopped" });
  });

  test("a kill of the supervisor takes both, and nothing is left", async () => {
    const { fleet, agent, running } = await inTheMiddle();
    const swapped = rejection(agent.restart({ graceful: true }));
    fleet.supervisor.kill();
    await fleet.supervisor.ended;
    await Promise.all(fleet.launcher.workers.map(({ exited }) => exited));
    await running;
    await swapped;
    expect([agent.state, fleet.clock.pending]).toEqual(["stopped", 0]);
  });

  test("a supervisor that gives up after a crash of the current worker ends the next one before the agent", async () => {
    const fleet = await startPoet({}, { script: hang, supervisor: { maxRestarts: 0 } });
    const agent = fleet.agent();
    await agent.whenReady();
    const swapped = rejection(agent.restart({ graceful: true }));
    const [first, second] = fleet.launcher.workers;
    first?.crash();
    expect(await fleet.whileTimePasses(swapped)).toMatchObject({ code: "restart_intensity_exceeded" });
    expect(await second?.exited).toMatchObject({ cause: expect.stringMatching(/stopped|killed/) });
    expect(agent.state).toBe("stopped");
  });

  test("a signal from outside to the current worker makes no gap: the next one takes its place, and it is no crash", async () => {
    const { reply, script } = slow();
    const fleet = await startPoet({ shutdownMs: 20_000 }, { script });
    const agent = fleet.agent();
    await agent.whenReady();
    const running = agent.run("slow");
    await held(fleet, 1);
    const swapped = agent.restart({ graceful: true });
    fleet.launcher.workers[0]?.terminate();
    await swapped;
    reply.resolve("finished");
    expect(await running).toMatchObject({ output: "finished", incarnation: 1 });
    expect((await fleet.report("worker.retired")).crash.incarnation).toBe(1);
    expect(types(fleet)).not.toContain("agent.crashed");
  });
});

test("a caller who leaves a run of the retired worker frees it, and the state of the agent is the current worker's", async () => {
  const controller = new AbortController();
  const script = { answer: ({ prompt }: FakeRun) => (prompt === "hang" ? ({ hang: true } as const) : prompt) };
  const fleet = await startPoet({ shutdownMs: 60_000 }, { script });
  const agent = fleet.agent();
  await agent.whenReady();
  const running = rejection(agent.run("hang", { signal: controller.signal }));
  await held(fleet, 1);
  await agent.restart({ graceful: true });
  const second = rejection(agent.run("hang"));
  await held(fleet, 2);
  controller.abort();
  expect(await running).toMatchObject({ code: "run_cancelled" });
  await fleet.report("worker.retired");
  expect([agent.state, agent.inFlight]).toEqual(["busy", 1]);
  fleet.launcher.worker("poet").crash();
  await second;
});
