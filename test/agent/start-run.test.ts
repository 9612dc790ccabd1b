import { describe, expect, test } from "vitest";
import type { RunEvent } from "../../src/agent/run-result.ts";
import type { RunHandle } from "../../src/agent/runs.ts";
import { tool } from "../../src/agent/tool.ts";
import type { WorkerError } from "../../src/errors.ts";
import { currentProcess } from "../../src/otp/process/current.ts";
import { spawn } from "../../src/otp/start/spawn.ts";
import { type FakeRun, fakeRunError } from "../../src/testing/index.ts";
import { rejection, within } from "../rpc/agent-server.ts";
import { type Fleet, hang, startPoet, until } from "./fleet.ts";
import { thrownBy } from "./values.ts";

async function read(events: AsyncIterable<RunEvent>): Promise<RunEvent[]> {
  const all: RunEvent[] = [];
  const reading = async () => {
    for await (const event of events) all.push(event);
  };
  await within("the end of the run", reading());
  return all;
}

const shapes = (events: RunEvent[]) => events.map(({ seq, type }) => [seq, type]);

const chunks = { answer: () => ({ chunks: ["a ", "b ", "c"] }) };
const ask = { kind: "approval", toolCallId: "call_1", toolName: "book", args: {} } as const;

/** Pieces that come when the test says so. */
function gated(...texts: string[]) {
  const gate = Promise.withResolvers<void>();
  async function* pieces() {
    yield texts[0] ?? "";
    await gate.promise;
    yield* texts.slice(1);
  }
  return { pieces, open: () => gate.resolve() };
}

/** The state of a run, when it has come to it. */
async function whenIn(fleet: Fleet, runId: string, state: string) {
  await until(`the state ${state}`, () => fleet.environment.ledger.get(runId)?.state === state);
  return fleet.environment.ledger.get(runId);
}

describe("a run that is started", () => {
  test("has its id before any worker is ready, and runs whether anybody reads it or not", async () => {
    const fleet = await startPoet({}, { script: chunks });
    const { ledger } = fleet.environment;
    const run = fleet.agent().start("x");
    expect(run).toMatchObject({ agentId: "poet", state: "queued" });
    expect(ledger.get(run.runId)).toMatchObject({
      runId: run.runId,
      state: "queued",
      attempts: 0,
      lastSeq: 0,
      bytes: 0,
    });
    expect(await whenIn(fleet, run.runId, "completed")).toMatchObject({ attempts: 1, incarnation: 1, lastSeq: 5 });
    expect(await run.result).toMatchObject({ output: "a b c", runId: run.runId });
  });

  test("gives every reader every event once in its order: during the run, after it, and from a number on", async () => {
    const { pieces, open } = gated("a ", "b ", "c");
    const fleet = await startPoet({}, { script: { answer: () => ({ chunks: pieces() }) } });
    const { ledger } = fleet.environment;
    const run = fleet.agent().start("x");
    const first = read(run);
    await until("the first delta", () => ledger.get(run.runId)?.lastSeq === 2);
    expect(run.state).toBe("running");
    const second = read(ledger.attach(run.runId, { after: 1 }));
    open();
    const all = await first;
    expect(shapes(all)).toEqual([
      [1, "started"],
      [2, "text.delta"],
      [3, "text.delta"],
      [4, "text.delta"],
      [5, "completed"],
    ]);
    expect(await second).toEqual(all.slice(1));
    expect(await read(run)).toEqual(all);
    for (let after = 0; after <= 5; after += 1) {
      expect(await read(ledger.attach(run.runId, { after }))).toEqual(all.slice(after));
    }
  });

  test("goes on when its readers leave, and is not slowed by one that does not read", async () => {
    const words = Array.from({ length: 500 }, (_, index) => `${index} `);
    const fleet = await startPoet({}, { script: { answer: () => ({ chunks: words }) } });
    const run = fleet.agent().start("x");
    const slow = run[Symbol.asyncIterator]();
    await slow.next();
    for await (const event of run) if (event.type === "text.delta") break;
    expect(await within("the result", run.result)).toMatchObject({ output: words.join("") });
    expect(await slow.next()).toMatchObject({ value: { seq: 2 } });
  });

  test("has its outcome when its report and its result are there", async () => {
    const states: unknown[] = [];
    const fleet: Fleet = await startPoet(
      {},
      {
        script: chunks,
        onReport(report) {
          if (report.type === "run.settled") states.push(fleet.environment.ledger.get(report.runId)?.state);
        },
      },
    );
    const run = fleet.agent().start("x");
    await run.result;
    expect([states, run.state]).toEqual([["completed"], "completed"]);
    const cancelled = fleet.agent().start("x");
    cancelled.cancel();
    expect([states, cancelled.state]).toEqual([["completed", "cancelled"], "cancelled"]);
  });

  test("counts and reports as any run does", async () => {
    const fleet = await startPoet({}, { script: chunks });
    const { runId, result } = fleet.agent().start("x");
    await result;
    expect(await fleet.report("run.started")).toMatchObject({ runId, attempt: 1 });
    expect(await fleet.report("run.settled")).toMatchObject({ runId, outcome: "completed" });
  });

  test("may call tools of the host, outside the process that has asked", async () => {
    const book = tool({
      description: "Books",
      execute: () => (currentProcess() === undefined ? "nobody's" : "a process's"),
    });
    const answer = async (run: FakeRun) => String(await run.callTool("book", {}));
    const fleet = await startPoet({ tools: { book } }, { script: { answer } });
    const asked = Promise.withResolvers<RunHandle>();
    spawn(async () => asked.resolve(fleet.agent().start("x")));
    const run = await within("the start", asked.promise);
    expect(await run.result).toMatchObject({ output: "nobody's" });
  });

  test("that a tool of the host has ended has what it threw as its cause, with a fake agent too", async () => {
    const boom = new TypeError("boom");
    const book = tool({ description: "Books", execute: () => Promise.reject(boom) });
    const answer = async (run: FakeRun) => String(await run.callTool("book", {}));
    const fleet = await startPoet({ tools: { book } }, { script: { answer } });
    const error = await rejection(fleet.agent().run("x"));
    expect(error).toMatchObject({ kind: "user_code", toolName: "book", toolCallId: "call-1" });
    expect((error as Error).cause).toBe(boom);
  });

  test("that fails and nobody asks about is no unhandled rejection", async () => {
    const unhandled: unknown[] = [];
    const note = (reason: unknown) => unhandled.push(reason);
    process.on("unhandledRejection", note);
    try {
      const fail = () => {
        throw fakeRunError("user_code", "nobody asked about this run");
      };
      const fleet = await startPoet({}, { script: { answer: fail } });
      const { runId } = fleet.agent().start("x");
      expect(await whenIn(fleet, runId, "failed")).toMatchObject({ error: { code: "run_failed", kind: "user_code" } });
      fleet.environment.ledger.attach(runId);
      await new Promise((resolve) => setImmediate(resolve));
      expect(unhandled).toEqual([]);
    } finally {
      process.off("unhandledRejection", note);
    }
  });

  test("has an error that shows who has started it", async () => {
    const fleet = await startPoet({}, { script: { start: "never" } });
    function theCallerOfStart() {
      return fleet.agent().start("x");
    }
    const run = theCallerOfStart();
    run.cancel();
    expect(((await rejection(run.result)) as Error).stack).toContain("theCallerOfStart");
  });
});

describe("refused at once, and not kept, is", () => {
  test.each([
    [{ detached: 1 }, "options.detached"],
    [{ idempotencyKey: "" }, "options.idempotencyKey"],
    [{ idempotencyKey: "k".repeat(257) }, "options.idempotencyKey"],
    [{ idempotencyKey: 5 }, "options.idempotencyKey"],
    [{ timeoutMs: 0 }, "options.timeoutMs"],
    [{ unknown: 1 }, "options.unknown"],
    [5, "options"],
  ])("the option %j, by name", async (options, field) => {
    const fleet = await startPoet({}, { script: { start: "never" } });
    const error = thrownBy(() => fleet.agent().start("x", options as never));
    expect(error).toMatchObject({ code: "invalid_argument", field });
    expect(fleet.environment.ledger.list()).toEqual([]);
  });

  test("a prompt that is too large", async () => {
    const fleet = await startPoet({}, { script: { start: "never" } });
    const error = thrownBy(() => fleet.agent().start("x".repeat(1024 * 1024 + 1)));
    expect([error.code, fleet.environment.ledger.list()]).toEqual(["message_too_large", []]);
  });

  test("a run for which the queue has no room; it may be started with the same key later", async () => {
    const fleet = await startPoet({ maxQueue: 1, maxConcurrency: 1 }, { script: hang });
    const { ledger } = fleet.environment;
    const agent = fleet.agent();
    await agent.whenReady();
    const [working, waiting] = [agent.start("hang"), agent.start("second")];
    const third = () => agent.start("third", { idempotencyKey: "k" });
    expect(thrownBy(third).code).toBe("queue_full");
    expect(ledger.list().map(({ runId }) => runId)).toEqual([waiting.runId, working.runId]);
    waiting.cancel();
    expect(third().state).toBe("queued");
    working.cancel();
  });

  test("a run of an agent that has stopped", async () => {
    const fleet = await startPoet();
    await fleet.agent().stop();
    expect(thrownBy(() => fleet.agent().start("x")).code).toBe("stopped");
    expect(fleet.environment.ledger.list()).toEqual([]);
  });
});

describe("an idempotency key", () => {
  test("gives the same run, while it runs and after its end, and starts nothing", async () => {
    const fleet = await startPoet({}, { script: chunks });
    const agent = fleet.agent();
    const options = { idempotencyKey: "order-1", deps: { customer: 7 }, instructions: "briefly" };
    const first = agent.start("x", options);
    const again = agent.start("x", { ...options });
    expect(again.runId).toBe(first.runId);
    await first.result;
    const later = agent.start("x", options);
    expect([later.runId, later.state, await later.result]).toEqual([first.runId, "completed", await first.result]);
    expect(shapes(await read(later)).length).toBe(5);
    expect(fleet.launcher.worker("poet").runs.length).toBe(1);
    expect(fleet.environment.ledger.list()).toMatchObject([{ idempotencyKey: "order-1" }]);
  });

  test.each([
    ["prompt", "y", {}],
    ["option", "x", { deps: { customer: 8 } }],
  ])("of a request with another %s is refused, naming field, value and rule", async (_what, prompt, options) => {
    const fleet = await startPoet({}, { script: chunks });
    const agent = fleet.agent();
    const { runId } = agent.start("x", { idempotencyKey: "order-1" });
    const error = thrownBy(() => agent.start(prompt, { idempotencyKey: "order-1", ...options }));
    expect(error).toMatchObject({
      name: "CallerError",
      code: "idempotency_conflict",
      field: "options.idempotencyKey",
      value: "order-1",
      rule: "given with the same prompt and options each time",
    });
    expect(error.message).toContain(runId);
    expect(fleet.environment.ledger.list().length).toBe(1);
  });

  test("of a run that has failed gives that run: it is not tried again", async () => {
    const fleet = await startPoet({}, { script: { answer: () => Promise.reject(fakeRunError("user_code", "once")) } });
    const start = () => fleet.agent().start("x", { idempotencyKey: "k" });
    const first = start();
    expect(await rejection(first.result)).toMatchObject({ code: "run_failed" });
    expect([start().runId, start().state]).toEqual([first.runId, "failed"]);
  });

  test("is found when the queue is full or the agent has stopped, and is free again when its run is forgotten", async () => {
    const fleet = await startPoet({}, { script: chunks, runs: { keepMs: 1_000 } });
    const agent = fleet.agent();
    const first = agent.start("x", { idempotencyKey: "k" });
    await first.result;
    await agent.stop();
    expect(agent.start("x", { idempotencyKey: "k" }).runId).toBe(first.runId);
    fleet.clock.advance(1_000);
    expect(thrownBy(() => agent.start("x", { idempotencyKey: "k" })).code).toBe("stopped");
  });
});

describe("the worker's death", () => {
  test("fails a run as it fails a stream, with the crash", async () => {
    const fleet = await startPoet({}, { script: { answer: () => ({ chunks: gated("a ", "b").pieces() }) } });
    const run = fleet.agent().start("x");
    await until("the first delta", () => fleet.environment.ledger.get(run.runId)?.lastSeq === 2);
    fleet.launcher.worker("poet").crash();
    const events = await read(run);
    expect(shapes(events)).toEqual([
      [1, "started"],
      [2, "text.delta"],
      [3, "failed"],
    ]);
    expect(fleet.environment.ledger.get(run.runId)).toMatchObject({
      state: "failed",
      error: { code: "worker_exited" },
    });
    expect(((await rejection(run.result)) as WorkerError).crash?.signal).toBe("SIGKILL");
  });

  test("of a run that may act twice begins it anew: the numbers go on, and a reader sees each once", async () => {
    const answer = ({ attempt }: FakeRun) => (attempt === 1 ? ({ hang: true } as const) : { chunks: ["a ", "b"] });
    const fleet = await startPoet({ retry: { onWorkerExit: "if_idempotent" } }, { script: { answer } });
    const { ledger } = fleet.environment;
    const run = fleet.agent().start("x", { idempotent: true });
    const reading = read(run);
    await until("its beginning", () => ledger.get(run.runId)?.lastSeq === 1);
    expect(ledger.get(run.runId)).toMatchObject({ state: "running", attempts: 1, incarnation: 1 });
    fleet.launcher.worker("poet").crash();
    await until("the queue", () => run.state !== "running");
    expect(run.state).toBe("queued");
    const late = read(ledger.attach(run.runId, { after: 1 }));
    const events = await within("its end", fleet.whileTimePasses(reading));
    expect(shapes(events)).toEqual([
      [1, "started"],
      [2, "restarted"],
      [3, "started"],
      [4, "text.delta"],
      [5, "text.delta"],
      [6, "completed"],
    ]);
    expect(await late).toEqual(events.slice(1));
    expect(ledger.get(run.runId)).toMatchObject({ state: "completed", attempts: 2, incarnation: 2 });
  });

  test("twice in a row sets it aside", async () => {
    const fleet = await startPoet({ retry: { onWorkerExit: "if_idempotent" } }, { script: hang });
    const run = fleet.agent().start("hang", { idempotent: true });
    for (const attempts of [1, 2]) {
      const taken = until("an attempt", () => fleet.environment.ledger.get(run.runId)?.lastSeq === attempts * 2 - 1);
      await fleet.whileTimePasses(taken);
      fleet.launcher.worker("poet").crash();
      await fleet.report(attempts === 1 ? "run.retried" : "run.set_aside");
    }
    expect(fleet.environment.ledger.get(run.runId)).toMatchObject({ state: "failed", error: { code: "run_poisoned" } });
  });
});

describe("a run ends", () => {
  test("paused, where it may: agent.resume goes on with its token", async () => {
    const answer = ({ answers }: FakeRun) => (answers === undefined ? { asks: [ask] } : "booked");
    const fleet = await startPoet({}, { script: { answer } });
    const run = fleet.agent().start("x", { mayPause: true });
    const events = await read(run);
    expect(events.at(-1)).toMatchObject({ type: "paused" });
    const info = fleet.environment.ledger.get(run.runId);
    expect(info).toMatchObject({ state: "paused", paused: { requests: [{ toolCallId: "call_1" }] } });
    expect(await run.result).toBe(info?.paused);
    expect(await fleet.report("run.settled")).toMatchObject({ runId: run.runId, outcome: "paused" });
    expect(await fleet.agent().resume(info?.paused?.token ?? "", { call_1: true })).toMatchObject({ output: "booked" });
  });

  test("cancelled by its id, waiting or running, and by its signal", async () => {
    const fleet = await startPoet({ maxConcurrency: 1 }, { script: hang });
    const { ledger } = fleet.environment;
    const agent = fleet.agent();
    await agent.whenReady();
    const controller = new AbortController();
    const [running, waiting] = [agent.start("hang"), agent.start("later")];
    const signalled = agent.start("third", { signal: controller.signal });
    expect([running.state, waiting.state, agent.queueLength]).toEqual(["running", "queued", 2]);
    controller.abort();
    expect([ledger.cancel(waiting.runId), ledger.cancel(running.runId, "by its user")]).toEqual([true, true]);
    for (const run of [running, waiting, signalled]) {
      expect((await read(run)).at(-1)).toMatchObject({ type: "cancelled" });
      expect(ledger.get(run.runId)).toMatchObject({ state: "cancelled", error: { code: "run_cancelled" } });
    }
    await until("a free place", () => agent.inFlight === 0);
  });

  test("with its deadline", async () => {
    const fleet = await startPoet({}, { script: hang });
    const run = fleet.agent().start("hang", { timeoutMs: 100 });
    await until("its beginning", () => run.state === "running");
    fleet.clock.advance(100);
    expect(fleet.environment.ledger.get(run.runId)).toMatchObject({
      state: "failed",
      error: { code: "deadline_exceeded" },
    });
  });

  test("with its agent's stop: those that run finish in their time, those that wait are rejected", async () => {
    const { pieces, open } = gated("a ", "b");
    const fleet = await startPoet({ maxConcurrency: 1 }, { script: { answer: () => ({ chunks: pieces() }) } });
    const agent = fleet.agent();
    await agent.whenReady();
    const [running, waiting] = [agent.start("x"), agent.start("y")];
    const readers = [read(running), read(waiting)];
    const stopping = agent.stop();
    open();
    await stopping;
    const [one = [], other = []] = await Promise.all(readers);
    expect([one.at(-1)?.type, other.at(-1)]).toMatchObject([
      "completed",
      { type: "failed", error: { code: "agent_stopped" } },
    ]);
  });
});

test("a run that is not detached is cancelled in its worker when its last reader leaves", async () => {
  const fleet = await startPoet({}, { script: hang });
  const run = fleet.agent().start("hang", { detached: false });
  for await (const event of run) if (event.type === "started") break;
  expect(run.state).toBe("cancelled");
  await until("the end in the worker", () => fleet.launcher.worker("poet").runs[0]?.signal.aborted === true);
});

test("a message goes into a run by any of its handles", async () => {
  const answer = async ({ sent }: FakeRun) => {
    await until("a message", () => sent.length > 0);
    return sent.join();
  };
  const fleet = await startPoet({}, { script: { answer } });
  const { runId } = fleet.agent().start("x");
  const handle = fleet.environment.ledger.attach(runId);
  await handle.send("hurry");
  expect(await handle.result).toMatchObject({ output: "hurry" });
});
