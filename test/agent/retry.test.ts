import { describe, expect, test } from "vitest";
import { defineAgent } from "../../src/agent/define.ts";
import type { RunOptions } from "../../src/agent/run-options.ts";
import { WorkerError } from "../../src/errors.ts";
import type { FakeRun, FakeWorker, FakeWorkerScript } from "../../src/testing/index.ts";
import { rejection } from "../rpc/agent-server.ts";
import { type Fleet, startPoet, until } from "./fleet.ts";

const again: RunOptions = { idempotent: true, retry: { onWorkerExit: "if_idempotent" } };

/** "poison" ends its worker; "once" does so in the first worker; "hang" never answers in the first one. */
const script: FakeWorkerScript = {
  answer({ prompt, incarnation }: FakeRun, worker: FakeWorker) {
    if (prompt === "poison" || (prompt === "once" && incarnation === 1)) worker.crash({ exitCode: 9 });
    if (prompt === "hang" && incarnation === 1) return { hang: true };
    return prompt;
  },
};

async function held(fleet: Fleet, count: number): Promise<void> {
  await until("the runs", () => fleet.launcher.workers[0]?.runs.length === count);
}

describe("a run whose worker dies", () => {
  test("is tried again once where it says that it may act twice, and counts its attempts", async () => {
    const fleet = await startPoet({ retry: { onWorkerExit: "if_idempotent" } }, { script });
    const answer = await fleet.whileTimePasses(fleet.agent().run("once", { idempotent: true }));
    expect(answer).toMatchObject({ output: "once", attempts: 2, incarnation: 2 });
    const retried = await fleet.report("run.retried");
    expect(retried).toMatchObject({ runId: answer.runId, attempt: 2, crash: { incarnation: 1, exitCode: 9 } });
    const started = fleet.reports.filter(({ type }) => type === "run.started");
    expect(started).toMatchObject([{ attempt: 1 }, { attempt: 2 }]);
    expect(fleet.launcher.workers.map(({ runs }) => runs.map(({ attempt }) => attempt))).toEqual([[1], [2]]);
  });

  test.each<[string, { retry?: RunOptions["retry"] }, RunOptions]>([
    ["by default", {}, { idempotent: true }],
    ["when it does not say that it may act twice", { retry: { onWorkerExit: "if_idempotent" } }, {}],
    [
      "when it says never, whatever its agent says",
      { retry: { onWorkerExit: "if_idempotent" } },
      { idempotent: true, retry: { onWorkerExit: "never" } },
    ],
  ])("is not tried again %s", async (_when, spec, options) => {
    const fleet = await startPoet(spec, { script });
    const error = await fleet.whileTimePasses(rejection(fleet.agent().run("once", options)));
    expect(error).toMatchObject({ code: "worker_exited", exitCode: 9 });
    await fleet.report("agent.ready", ({ incarnation }) => incarnation === 2);
    expect(fleet.launcher.workers[1]?.runs).toEqual([]);
  });

  test("goes before what waits, and those that died together keep their order", async () => {
    const fleet = await startPoet({ maxConcurrency: 2 }, { script });
    const agent = fleet.agent();
    await agent.whenReady();
    const runs = [agent.run("hang", again), agent.run("hang", again), agent.run("third"), agent.run("fourth")];
    await held(fleet, 2);
    fleet.launcher.worker("poet").crash();
    const answers = await fleet.whileTimePasses(Promise.all(runs));
    expect(answers.map(({ attempts, incarnation }) => [attempts, incarnation])).toEqual([
      [2, 2],
      [2, 2],
      [1, 2],
      [1, 2],
    ]);
    expect(fleet.launcher.workers[1]?.runs.map(({ prompt }) => prompt)).toEqual(["hang", "hang", "third", "fourth"]);
  });

  test("is not tried again when its caller has left, or its agent is stopped or restarted", async () => {
    const fleet = await startPoet({ shutdownMs: 100 }, { script: { ...script, onStop: "ignore" } });
    const agent = fleet.agent();
    await agent.whenReady();
    const run = rejection(agent.run("hang", again));
    await held(fleet, 1);
    await fleet.whileTimePasses(agent.restart());
    expect(await run).toMatchObject({ code: "worker_exited", crash: { cause: "killed" } });
    expect(fleet.launcher.workers[1]?.runs).toEqual([]);
  });

  test("keeps its deadline and its signal while it waits for the next worker", async () => {
    const second: FakeWorkerScript = { start: "never" };
    const fleet = await startPoet({}, { script: ({ incarnation }) => (incarnation === 1 ? script : second) });
    const agent = fleet.agent();
    await agent.whenReady();
    const controller = new AbortController();
    const late = rejection(agent.run("hang", { ...again, timeoutMs: 1_000 }));
    const left = rejection(agent.run("hang", { ...again, signal: controller.signal }));
    await held(fleet, 2);
    fleet.launcher.worker("poet").crash();
    await fleet.report("run.retried");
    controller.abort();
    expect(await left).toMatchObject({ code: "run_cancelled" });
    expect(await fleet.whileTimePasses(late)).toMatchObject({ code: "deadline_exceeded" });
    expect(agent.queueLength).toBe(0);
  });

  test("that was held by a retired worker is served by the current one", async () => {
    const fleet = await startPoet({ shutdownMs: 20_000 }, { script });
    const agent = fleet.agent();
    await agent.whenReady();
    const run = agent.run("hang", again);
    await held(fleet, 1);
    await agent.restart({ graceful: true });
    fleet.launcher.workers[0]?.crash();
    expect(await fleet.whileTimePasses(run)).toMatchObject({ output: "hang", incarnation: 2, attempts: 2 });
  });
});

describe("a run that two workers in a row have died with", () => {
  test("is set aside with both crashes, and the second one does not count for the policy", async () => {
    const fleet = await startPoet({}, { script, supervisor: { maxRestarts: 1, periodMs: 60_000 } });
    const agent = fleet.agent();
    const error = await fleet.whileTimePasses(rejection(agent.run("poison", again)));
    expect(error).toBeInstanceOf(WorkerError);
    expect(error).toMatchObject({
      code: "run_poisoned",
      agentId: "poet",
      crashes: [{ incarnation: 1 }, { incarnation: 2 }],
      crash: { incarnation: 2, exitCode: 9 },
    });
    const { runId, crashes } = error as WorkerError;
    expect(await fleet.report("run.set_aside")).toMatchObject({ runId, crashes });
    expect(crashes?.[1]?.poisonRuns).toEqual([runId]);
    expect(crashes?.[0]).not.toHaveProperty("poisonRuns");
    await fleet.whileTimePasses(agent.whenReady());
    expect(await agent.run("on")).toMatchObject({ output: "on", incarnation: 3 });
    const decisions = fleet.reports.flatMap((report) => (report.type === "child.exited" ? [report.decision] : []));
    expect(decisions).toMatchObject([
      { type: "restart", because: "restart 1 of 1 allowed within 60000 ms" },
      { type: "restart", because: "not counted: what has ended it is known and dealt with" },
    ]);
  });

  test("is not blamed on those that died with it once: they are tried again one at a time", async () => {
    const fleet = await startPoet({ maxConcurrency: 4 }, { script });
    const agent = fleet.agent();
    await agent.whenReady();
    const innocent = [agent.run("hang", again), agent.run("hang", again)];
    await held(fleet, 2);
    const poison = rejection(agent.run("poison", again));
    const last = agent.run("hang", again);
    expect(await fleet.whileTimePasses(poison)).toMatchObject({ code: "run_poisoned" });
    const answers = await fleet.whileTimePasses(Promise.all([...innocent, last]));
    for (const { output } of answers) expect(output).toBe("hang");
  });
});

describe("a stream whose worker dies", () => {
  /** The first worker tells these pieces of a text and then nothing more, until it dies. */
  function dying(pieces: string[]): FakeWorkerScript {
    async function* endless({ signal }: FakeRun): AsyncGenerator<string> {
      yield* pieces;
      await new Promise((resolve) => signal.addEventListener("abort", resolve));
    }
    return {
      answer: (run) => ({ chunks: run.incarnation === 1 ? endless(run) : ["whole ", "text"] }),
    };
  }

  test("is tried again while it has told no more than its beginning, and says so", async () => {
    const fleet = await startPoet({}, { script: dying([]) });
    const agent = fleet.agent();
    await agent.whenReady();
    const types: string[] = [];
    let attempts = 0;
    const reading = (async () => {
      for await (const event of agent.stream("x", again)) {
        types.push(event.type);
        if (event.type === "started" && event.attempt === 1) fleet.launcher.worker("poet").crash();
        if (event.type === "restarted") expect(event).toMatchObject({ attempt: 2, incarnation: 2, seq: 0 });
        if (event.type === "completed") attempts = event.result.attempts;
      }
    })();
    await fleet.whileTimePasses(reading);
    expect(types).toEqual(["started", "restarted", "started", "text.delta", "text.delta", "completed"]);
    expect(attempts).toBe(2);
  });

  test("is not tried again when it has told something", async () => {
    const fleet = await startPoet({}, { script: dying(["half"]) });
    const agent = fleet.agent();
    await agent.whenReady();
    const terminals: unknown[] = [];
    const reading = (async () => {
      for await (const event of agent.stream("x", again)) {
        if (event.type === "text.delta") fleet.launcher.worker("poet").crash();
        if (event.type === "failed") terminals.push(event.error);
      }
    })();
    await fleet.whileTimePasses(reading);
    expect(terminals).toMatchObject([{ code: "worker_exited" }]);
  });
});

test.each([
  [{ idempotent: 1 }, "options.idempotent"],
  [{ retry: "if_idempotent" }, "options.retry"],
  [{ retry: { onWorkerExit: "always" } }, "options.retry.onWorkerExit"],
  [{ retry: { onExit: "never" } }, "options.retry.onExit"],
])("the options %j are refused by name", async (options, field) => {
  const fleet = await startPoet();
  const error = await rejection(fleet.agent().run("x", options as never));
  expect(error).toMatchObject({ code: "invalid_argument", field });
});

test("an agent's retry is checked when it is defined", () => {
  const retry = { onWorkerExit: "always" } as never;
  const define = () => defineAgent({ id: "poet", entry: "poet.py:agent", retry });
  expect(define).toThrow(expect.objectContaining({ code: "invalid_argument", field: "spec.retry.onWorkerExit" }));
});
