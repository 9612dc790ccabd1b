import type { StandardSchemaV1 } from "@standard-schema/spec";
import { describe, expect, test } from "vitest";
import type { RunOptions } from "../../src/agent/run-options.ts";
import { UnaryRun } from "../../src/agent/unary-run.ts";
import { RunError, WorkerError } from "../../src/errors.ts";
import { setDefaultReporter } from "../../src/otp/process/default-reporter.ts";
import { spawn } from "../../src/otp/start/spawn.ts";
import { ConnectionLostError } from "../../src/rpc/agent-client.ts";
import type { VirtualClock } from "../../src/testing/index.ts";
import { rejection } from "../rpc/agent-server.ts";
import { ScriptedClient, ScriptedOwner, turn, wireResult } from "./scripted.ts";
import { crashRecord } from "./values.ts";

function start(options: RunOptions = {}, schema?: StandardSchemaV1) {
  const owner = new ScriptedOwner(schema);
  const client = new ScriptedClient();
  const run = new UnaryRun(owner, "hello", options);
  run.result.catch(() => undefined);
  return { owner, client, run };
}

const numberSchema: StandardSchemaV1<unknown, number> = {
  "~standard": {
    version: 1,
    vendor: "test",
    validate: (value) =>
      typeof value === "number"
        ? { value: value + 1 }
        : { issues: [{ message: "not a number", path: [{ key: "n" }] }] },
  },
};

test("a run that is answered resolves with the answer and tells its owner once", async () => {
  const { owner, client, run } = start({ deps: 1 });
  run.wait();
  run.begin(client, 3);
  expect(client.calls).toMatchObject([
    { request: { agentId: "poet", runId: run.id, prompt: "hello", attempt: 1, incarnation: 3 } },
  ]);
  client.answer.resolve(wireResult("hi"));
  expect(await run.result).toMatchObject({ output: "hi", attempts: 1, incarnation: 3, conversationId: "c1" });
  run.fail(new Error("too late to fail"));
  expect([owner.ended, run.answered]).toEqual([[run], true]);
});

test("every run has its own id", () => {
  expect(start().run.id).not.toBe(start().run.id);
});

describe("while it waits", () => {
  test("an abort rejects it with the caller's reason", async () => {
    const controller = new AbortController();
    const { owner, run } = start({ signal: controller.signal });
    run.wait();
    controller.abort("the user left");
    expect(await rejection(run.result)).toMatchObject({
      code: "run_cancelled",
      kind: "cancelled",
      cause: "the user left",
    });
    expect(owner.ended).toEqual([run]);
  });

  test("a signal that is aborted already rejects it at once", async () => {
    const { run } = start({ signal: AbortSignal.abort("before") });
    run.wait();
    expect(await rejection(run.result)).toMatchObject({ code: "run_cancelled", cause: "before" });
  });

  test("its time may pass, counted from the call", async () => {
    const { owner, run } = start({ timeoutMs: 100 });
    owner.clock.advance(40);
    run.wait();
    owner.clock.advance(59);
    expect(run.answered).toBe(false);
    owner.clock.advance(1);
    expect(await rejection(run.result)).toMatchObject({
      code: "deadline_exceeded",
      kind: "deadline",
      retriable: false,
    });
  });
});

describe("when a worker takes it", () => {
  test("what is left of its time goes along, by the monotonic clock", () => {
    const { owner, client, run } = start({ timeoutMs: 100 });
    run.wait();
    owner.clock.advance(30);
    owner.clock.step(-3_600_000);
    run.begin(client, 1);
    expect(client.calls[0]?.request.timeLeftMs).toBe(70n);
    owner.clock.advance(69);
    expect(run.answered).toBe(false);
    owner.clock.advance(1);
    expect(run.answered).toBe(true);
  });

  test("its deadline and its caller end it whatever the worker does", async () => {
    const late = start({ timeoutMs: 100 });
    late.run.wait();
    late.run.begin(late.client, 1);
    late.owner.clock.advance(100);
    const error = await rejection(late.run.result);
    expect(error).toMatchObject({ code: "deadline_exceeded" });
    expect((error as Error).message).toContain("did not end within 100 ms");
    const controller = new AbortController();
    const left = start({ signal: controller.signal });
    left.run.wait();
    left.run.begin(left.client, 1);
    controller.abort("the user left");
    expect(await rejection(left.run.result)).toMatchObject({ code: "run_cancelled", cause: "the user left" });
  });

  test("an answer ends its timer and its listener", async () => {
    const controller = new AbortController();
    const { owner, client, run } = start({ timeoutMs: 100, signal: controller.signal });
    run.wait();
    run.begin(client, 1);
    client.answer.resolve(wireResult());
    await run.result;
    expect(owner.clock.pending).toBe(0);
    controller.abort();
    expect(owner.ended).toEqual([run]);
  });

  test("at least a millisecond is left", () => {
    const { owner, client, run } = start({ timeoutMs: 10 });
    owner.clock.advance(10);
    run.begin(client, 1);
    expect(client.calls[0]?.request.timeLeftMs).toBe(1n);
  });
});

describe("a call that fails", () => {
  test("with the agent's answer rejects the run", async () => {
    const { client, run } = start();
    run.begin(client, 1);
    const error = new RunError("run_failed", "the model failed this run");
    client.answer.reject(error);
    expect(await rejection(run.result)).toBe(error);
  });

  test("with a lost connection leaves the end to the worker's exit", async () => {
    const { owner, client, run } = start();
    run.begin(client, 2);
    client.answer.reject(new ConnectionLostError("gone"));
    await turn();
    expect([owner.lost, run.answered]).toEqual([[2], false]);
    const exit = new WorkerError("worker_exited", "the worker of this run exited");
    run.fail(exit);
    expect(await rejection(run.result)).toBe(exit);
  });

  test("because the worker drains makes it wait again, with its signal and deadline", async () => {
    const controller = new AbortController();
    const { owner, client, run } = start({ timeoutMs: 100, signal: controller.signal });
    run.wait();
    run.begin(client, 1);
    client.answer.reject(new RunError("run_failed", "stopping", { kind: "draining" }));
    await turn();
    expect([owner.refused, owner.ended, run.answered]).toEqual([[run], [], false]);
    expect(owner.clock.pending).toBe(1);
    run.begin(client, 2);
    client.answer.resolve(wireResult());
    expect(await run.result).toMatchObject({ incarnation: 2, attempts: 1 });
    expect(owner.clock.pending).toBe(0);
  });

  test("after the run has ended changes nothing", async () => {
    const { owner, client, run } = start();
    run.begin(client, 1);
    run.fail(new WorkerError("worker_exited", "ended before its answer"));
    client.answer.reject(new RunError("run_failed", "stopping", { kind: "draining" }));
    await turn();
    client.end.resolve();
    await turn();
    expect([owner.refused, owner.ended]).toEqual([[], [run]]);
  });

  test("because it drains, of a run whose caller has left meanwhile, ends it", async () => {
    const controller = new AbortController();
    const { owner, client, run } = start({ signal: controller.signal });
    run.wait();
    run.begin(client, 1);
    controller.abort("left");
    client.answer.reject(new RunError("run_failed", "stopping", { kind: "draining" }));
    expect(await rejection(run.result)).toMatchObject({ code: "run_cancelled" });
    expect(owner.refused).toEqual([]);
  });
});

describe("the place of a run whose caller was answered before", () => {
  test("is free when the worker says that nothing of it works any more", async () => {
    const controller = new AbortController();
    const { owner, client, run } = start({ signal: controller.signal });
    run.wait();
    run.begin(client, 1);
    controller.abort("left");
    expect(await rejection(run.result)).toMatchObject({ code: "run_cancelled" });
    expect([client.calls[0]?.options.signal?.aborted, client.awaited]).toEqual([true, [[run.id, 1]]]);
    client.answer.reject(new RunError("run_cancelled", "as its caller wished"));
    await turn();
    expect(owner.ended).toEqual([]);
    client.end.resolve();
    await turn();
    expect(owner.ended).toEqual([run]);
  });

  test("because its time was up is free when the worker, which knows the deadline too, has answered", async () => {
    const { owner, client, run } = start({ timeoutMs: 100 });
    run.wait();
    run.begin(client, 1);
    owner.clock.advance(100);
    expect(await rejection(run.result)).toMatchObject({ code: "deadline_exceeded" });
    expect([client.calls[0]?.options.signal?.aborted, client.awaited, owner.ended]).toEqual([false, [], []]);
    client.answer.reject(new RunError("deadline_exceeded", "in Python too", { kind: "deadline", unfinished: true }));
    await turn();
    expect([client.awaited, owner.ended]).toEqual([[[run.id, 1]], []]);
    client.end.resolve();
    await turn();
    expect(owner.ended).toEqual([run]);
  });

  test("is taken by a thread that an answered run has left behind", async () => {
    const { owner, client, run } = start();
    run.begin(client, 1);
    client.answer.resolve({ ...wireResult("hi"), unfinished: true });
    expect((await run.result).output).toBe("hi");
    expect([client.awaited, owner.ended]).toEqual([[[run.id, 1]], []]);
    client.end.resolve();
    await turn();
    expect(owner.ended).toEqual([run]);
  });

  test("is told when it stays taken, and when it is free", async () => {
    const controller = new AbortController();
    const { owner, client, run } = start({ signal: controller.signal });
    run.wait();
    run.begin(client, 1);
    controller.abort();
    owner.clock.advance(999);
    expect(owner.reports.map(({ type }) => type)).toEqual(["run.started", "run.settled"]);
    owner.clock.advance(1);
    expect(owner.reports.slice(2)).toEqual([{ type: "run.lingers", runId: run.id, forMs: 1_000 }]);
    owner.clock.advance(500);
    client.end.resolve();
    await turn();
    expect(owner.reports.slice(3)).toEqual([{ type: "run.gone", runId: run.id, forMs: 1_500 }]);
    expect(owner.clock.pending).toBe(0);
  });

  test("is the worker's as long as it lives: a lost connection leaves it to its exit", async () => {
    const controller = new AbortController();
    const { owner, client, run } = start({ signal: controller.signal });
    run.wait();
    run.begin(client, 1);
    controller.abort();
    client.end.reject(new ConnectionLostError("gone"));
    await turn();
    expect([owner.lost, owner.ended]).toEqual([[1], []]);
    run.lost(new WorkerError("worker_exited", "the worker of a cancelled run exited"));
    expect([owner.ended, owner.clock.pending]).toEqual([[run], 0]);
  });

  test("is free when the worker cannot say: it does not hold up others for ever", async () => {
    const controller = new AbortController();
    const { owner, client, run } = start({ signal: controller.signal });
    run.wait();
    run.begin(client, 1);
    controller.abort();
    client.end.reject(new RunError("run_failed", "it knows no such call"));
    await turn();
    expect(owner.ended).toEqual([run]);
  });
});

test("a rejection that a process does not hear is that process's", async () => {
  const { owner, run } = start();
  const ended: unknown[] = [];
  const before = setDefaultReporter(undefined);
  const asker = spawn(async () => {
    const asked = new UnaryRun(owner, "from a process", {});
    run.fail(new Error("unheard by nobody"));
    asked.fail(new RunError("run_failed", "nobody caught this run of a process"));
    await new Promise(() => undefined);
  });
  asker.addExitHook((reason) => ended.push(reason));
  await turn();
  await turn();
  setDefaultReporter(before);
  expect(ended).toMatchObject([{ code: "run_failed" }]);
});

const promiseKey = "then";
const rejectBroken = (_: unknown, reject: (error: unknown) => void) => reject(new TypeError("schema broke"));

describe("an output schema", () => {
  test("gives the output that the caller sees", async () => {
    const { client, run } = start({}, numberSchema);
    run.begin(client, 1);
    client.answer.resolve(wireResult(41));
    expect((await run.result).output).toBe(42);
  });

  test("refuses with its issues, and the usage is kept", async () => {
    const { owner, client, run } = start({}, numberSchema);
    run.begin(client, 1);
    client.answer.resolve(wireResult("no number"));
    const error = await rejection(run.result);
    expect(error).toMatchObject({
      code: "output_invalid",
      validationErrors: [{ type: "output", loc: ["n"], msg: "not a number" }],
      usage: { totalTokens: 2 },
    });
    expect((error as Error).message).toContain("n: not a number");
    expect(owner.ended).toEqual([run]);
  });

  test.each<[string, () => unknown]>([
    [
      "throws",
      () => {
        throw new TypeError("schema broke");
      },
    ],
    ["rejects", () => Promise.reject(new TypeError("schema broke"))],
    ["rejects by a thenable", () => Object.fromEntries([[promiseKey, rejectBroken]])],
  ])("that %s is an invalid output, with what it threw as the cause", async (_how, validate) => {
    const schema = { "~standard": { version: 1, vendor: "test", validate } } as unknown as StandardSchemaV1;
    const { client, run, owner } = start({}, schema);
    run.begin(client, 1);
    client.answer.resolve(wireResult());
    const error = await rejection(run.result);
    expect(error).toBeInstanceOf(RunError);
    expect(error).toMatchObject({
      code: "output_invalid",
      message: expect.stringContaining("schema broke"),
      cause: { name: "TypeError" },
      usage: { totalTokens: 2 },
    });
    expect(owner.clock.pending).toBe(0);
  });

  test.each([undefined, null, 7, {}, { issues: [undefined] }, { issues: "all" }])(
    "that answers %j is one that cannot check",
    async (answer) => {
      const schema = {
        "~standard": { version: 1, vendor: "test", validate: () => answer },
      } as unknown as StandardSchemaV1;
      const { client, run } = start({}, schema);
      run.begin(client, 1);
      client.answer.resolve(wireResult());
      expect(await rejection(run.result)).toMatchObject({ code: "output_invalid" });
    },
  );

  test("that never settles is given up after 30 seconds, or at the run's own deadline", async () => {
    const schema = { "~standard": { version: 1, vendor: "test", validate: () => new Promise(() => undefined) } };
    const patient = start({}, schema as StandardSchemaV1);
    patient.run.begin(patient.client, 1);
    patient.client.answer.resolve(wireResult());
    await turn();
    expect(patient.owner.ended).toEqual([patient.run]);
    patient.owner.clock.advance(30_000);
    expect(await rejection(patient.run.result)).toMatchObject({
      code: "output_invalid",
      message: expect.stringContaining("not settled within 30000 ms"),
    });
    const hurried = start({ timeoutMs: 100 }, schema as StandardSchemaV1);
    hurried.run.wait();
    hurried.run.begin(hurried.client, 1);
    hurried.client.answer.resolve(wireResult());
    await turn();
    hurried.owner.clock.advance(100);
    expect(await rejection(hurried.run.result)).toMatchObject({ code: "deadline_exceeded" });
  });
});

describe("the stack of a run's error", () => {
  test.each<[string, (run: UnaryRun<unknown>, client: ScriptedClient, clock: VirtualClock) => void]>([
    ["its deadline", (_run, _client, clock) => clock.advance(100)],
    ["its answer", (_run, client) => client.answer.reject(new RunError("run_failed", "the model failed"))],
    ["its worker's end", (run) => run.lost(new WorkerError("worker_exited", "gone"))],
  ])("shows where it was asked for, whatever ends it: %s", async (_what, end) => {
    function theCallersOwnCode() {
      return start({ timeoutMs: 100 });
    }
    const { run, client, owner } = theCallersOwnCode();
    run.wait();
    run.begin(client, 1);
    end(run, client, owner.clock);
    const { stack, message, name } = (await rejection(run.result)) as Error;
    expect(stack?.startsWith(`${name}: ${message}\n    at `)).toBe(true);
    expect(stack).toContain("theCallersOwnCode");
    expect(stack).not.toContain("src/agent/run.ts");
  });
});

describe("the reports of a run", () => {
  test("tell how long it waited and took, and what it used", async () => {
    const { owner, client, run } = start();
    run.wait();
    owner.clock.advance(30);
    run.begin(client, 1);
    owner.clock.advance(12);
    owner.clock.step(-3_600_000);
    client.answer.resolve(wireResult("hi"));
    const { usage } = await run.result;
    expect(owner.reports).toEqual([
      { type: "run.started", runId: run.id, attempt: 1, waitedMs: 30 },
      { type: "run.settled", runId: run.id, outcome: "completed", durationMs: 42, usage },
    ]);
  });

  test.each([
    [
      new RunError("run_failed", "x", { kind: "model_http" }),
      { outcome: "failed", code: "run_failed", kind: "model_http" },
    ],
    [new RunError("run_cancelled", "x", { kind: "cancelled" }), { outcome: "cancelled", code: "run_cancelled" }],
    [new WorkerError("agent_stopped", "x"), { outcome: "failed", code: "agent_stopped" }],
  ])("tell of %s by code and kind, also when it never began", (error, outcome) => {
    const { owner, run } = start();
    run.wait();
    run.fail(error);
    run.fail(error);
    expect(owner.reports).toMatchObject([{ type: "run.settled", runId: run.id, durationMs: 0, ...outcome }]);
  });
});

describe("a run that is tried again", () => {
  const again: RunOptions = { idempotent: true, retry: { onWorkerExit: "if_idempotent" } };

  test("hears nothing any more of the call that its first worker had, whatever comes of it", async () => {
    const { owner, client, run } = start(again);
    run.wait();
    run.begin(client, 1);
    const first = client.answer;
    expect(run.died(crashRecord())).toBe("again");
    const second = new ScriptedClient();
    run.begin(second, 2);
    first.reject(new ConnectionLostError("the first connection is gone"));
    await turn();
    expect([owner.lost, owner.refused, run.answered]).toEqual([[], [], false]);
    second.answer.resolve(wireResult("hi"));
    expect(await run.result).toMatchObject({ output: "hi", attempts: 2, incarnation: 2 });
    expect(owner.ended).toEqual([run]);
  });

  test("is lost with its worker when its caller was answered before, and is no suspect then", async () => {
    const { client, run } = start(again);
    run.wait();
    run.begin(client, 1);
    run.fail(new Error("its caller left"));
    expect([run.died(crashRecord()), run.suspect]).toEqual(["lost", false]);
  });

  test("an attempt that was refused unbegun is none", async () => {
    const { owner, client, run } = start(again);
    run.wait();
    run.begin(client, 1);
    client.answer.reject(new ConnectionLostError("never sent", { neverBegan: true }));
    await turn();
    expect(owner.refused).toEqual([run]);
    run.begin(client, 2);
    expect(client.calls.map(({ request }) => request.attempt)).toEqual([1, 1]);
  });
});
