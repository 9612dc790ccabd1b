import { describe, expect, expectTypeOf, test } from "vitest";
import type { ProcessError } from "../../../src/errors.ts";
import { exit, trapExit } from "../../../src/otp/process/link.ts";
import { Exit } from "../../../src/otp/report/exit-reason.ts";
import { call, send } from "../../../src/otp/request/call.ts";
import { fromGenServer } from "../../../src/otp/server/gen-server.ts";
import { exited } from "../../../src/otp/start/names.ts";
import { start } from "../../../src/otp/start/start.ts";
import { startSupervisor } from "../../../src/otp/supervisor/start.ts";
import type { TaskReply } from "../../../src/otp/task/handle.ts";
import { startTaskSupervisor, TaskSupervisor } from "../../../src/otp/task/supervisor.ts";
import { Task } from "../../../src/otp/task/task.ts";
import { collect, createPlace, leftovers, never, processOf } from "../in-process.ts";
import { quiet } from "../scripted.ts";
import { createThenable, rejection } from "../support.ts";

describe("outside any process", () => {
  test("a task can be started and waited for", async () => {
    const { runtime } = createPlace();
    const task = Task.async(async () => "result", { runtime });
    expect([task.owner, task.monitor]).toEqual([undefined, undefined]);
    expect(await Task.await(task)).toBe("result");
    expect(runtime.processCount).toBe(0);
  });

  test("a failure is a rejection of who waits", async () => {
    const { runtime } = createPlace();
    const task = Task.async(() => Promise.reject(new Error("outside any process")), { runtime });
    await expect(Task.await(task)).rejects.toMatchObject({ code: "exited", cause: { message: "outside any process" } });
  });

  test("startLink is refused", () => {
    expect(() => Task.startLink(() => 1)).toThrow(expect.objectContaining({ code: "invalid_argument" }));
  });
});

describe("the outcome of a task", () => {
  test("is handed out once: a second await is noproc, two at a time share it", async () => {
    await createPlace().run(async () => {
      const task = Task.async(() => "result");
      expect(await Promise.all([Task.await(task), Task.await(task)])).toEqual(["result", "result"]);
      await expect(Task.await(task)).rejects.toMatchObject({ code: "noproc" });
      expect(await Task.yield(task)).toEqual({ exit: "noproc" });
    });
  });

  test("is kept although its message was received before", async () => {
    await createPlace().run(async ({ receive }) => {
      const task = Task.async(() => "result");
      await receive((message) => (message as TaskReply).type === "task.reply");
      expect(await Task.await(task, { timeoutMs: 0 })).toBe("result");
    });
  });

  test("may be undefined", async () => {
    await createPlace().run(async () => {
      expect(await Task.yield(Task.async(() => undefined))).toEqual({ ok: undefined });
    });
  });

  test("comes to a server as a message, and not when its handler waits", async () => {
    const { runtime } = createPlace();
    const told = Promise.withResolvers<unknown[]>();
    const server = fromGenServer({
      init: () => ({ state: [] as unknown[] }),
      async handleCall(message: "wait" | "go on", state) {
        const task = Task.async(async () => `result of ${message}`);
        if (message === "go on") return { reply: "later" };
        await quiet();
        return { reply: await Task.await(task), state };
      },
      handleInfo(message, state) {
        const seen = [...state, message];
        if (seen.length === 2) told.resolve(seen);
        return { state: seen };
      },
    });
    const ref = await start(server, { runtime });
    expect(await call(ref, "wait")).toBe("result of wait");
    expect(await call(ref, "go on")).toBe("later");
    expect(await told.promise).toMatchObject([
      { type: "task.reply", result: "result of go on" },
      { type: "DOWN", reason: "normal" },
    ]);
    exit(ref, "kill");
  });
});

describe("whatever the code of a task", () => {
  const refuse = (): never => {
    throw new Error("a Proxy that refuses everything");
  };
  const refusing = new Proxy({}, { get: refuse, has: refuse, getPrototypeOf: refuse });
  const promise = Promise.resolve("later");
  const values: [string, unknown][] = [
    ["undefined", undefined],
    ["null", null],
    ["a symbol", Symbol("thrown")],
    ["an object without a prototype", Object.create(null)],
    ["a promise", promise],
    ["a Proxy", refusing],
  ];
  const reasons: [string, unknown][] = [
    ["undefined", undefined],
    ["a promise", promise],
    ["a Proxy", refusing],
  ];

  test.each(reasons)("ends with as an Exit, it is the outcome: %s", async (_what, reason) => {
    const { run, runtime } = createPlace();
    const fail = (): never => {
      throw new Exit(reason as never);
    };
    await run(async () => {
      trapExit();
      const error = (await rejection(Task.await(Task.async(fail)))) as ProcessError;
      expect([error.code, error.reason === reason]).toEqual(["exited", true]);
      const outcomes = [await Task.yield(Task.async(fail)), ...(await collect(Task.asyncStream([1], fail)))];
      for (const outcome of outcomes) expect((outcome as { exit: unknown }).exit === reason).toBe(true);
      expect(runtime.processCount).toBe(1);
    });
  });

  test.each(values)("throws, it is an outcome: %s", async (_what, value) => {
    const { run, runtime } = createPlace();
    const supervisor = await startTaskSupervisor({}, { runtime });
    const fail = (): never => {
      throw value;
    };
    await run(async () => {
      trapExit();
      const failed = { code: "exited", reason: expect.any(Error) };
      expect(await rejection(Task.await(Task.async(fail)))).toMatchObject(failed);
      expect(await rejection(Task.await(await TaskSupervisor.asyncNolink(supervisor, fail)))).toMatchObject(failed);
      const outcomes = [await Task.yield(Task.async(fail)), ...(await collect(Task.asyncStream([1], fail)))];
      for (const outcome of outcomes) {
        const { cause } = (outcome as unknown as { exit: Error }).exit;
        expect(cause === value).toBe(true);
      }
      expect(runtime.processCount).toBe(2);
    });
    await supervisor.stop();
  });

  test("answers, a promise or what acts like one is awaited", async () => {
    await createPlace().run(async ({ receive }) => {
      const inner = createThenable<string>((resolve) => void resolve?.("the value") as never);
      const outer = createThenable<string>((resolve) => void resolve?.(inner as never) as never);
      const lazy = createThenable<string>((_resolve, reject) => void reject?.(new Exit("no value")) as never);
      expect(await Task.await(Task.async(() => outer))).toBe("the value");
      expect(await Task.yield(Task.async(async () => outer))).toEqual({ ok: "the value" });
      expect(await collect(Task.asyncStream([1], () => outer))).toEqual([{ ok: "the value" }]);
      Task.async(() => outer);
      expect(await receive()).toMatchObject({ type: "task.reply", result: "the value" });
      trapExit();
      expect(await Task.yield(Task.async(() => lazy))).toEqual({ exit: "no value" });
      expect(await Task.yield(Task.async(() => refusing))).toEqual({ exit: expect.any(Error) });
    });
  });

  test("a promise is no result of a completed task", () => {
    for (const value of [promise, createThenable(() => promise as never)]) {
      expect(() => Task.completed(value)).toThrow(
        expect.objectContaining({ code: "invalid_argument", field: "result" }),
      );
    }
  });
});

test.each(["as they were started", "the other way round"])(
  "thousands of outcomes that wait in the mailbox are taken in one search: %s",
  async (order) => {
    const count = 2_000;
    await createPlace().run(async (context) => {
      const tasks = Array.from({ length: count }, (_, index) => Task.async(() => index));
      await Promise.all(tasks.map((task) => exited(processOf(task))));
      await quiet();
      const { self } = context;
      send(self, "another message");
      await quiet();
      let looks = 0;
      const take = self.takeMessage;
      self.takeMessage = (match) =>
        take.call(self, (message) => {
          looks += 1;
          return match(message);
        });
      if (order === "the other way round") tasks.reverse();
      const results = await Task.awaitMany(tasks);
      expect(results.toSorted((a, b) => a - b)).toEqual(Array.from({ length: count }, (_, index) => index));
      expect(looks).toBeLessThan(5 * count);
      expect(await leftovers(context)).toEqual(["another message"]);
    });
  },
);

test("a wait that is given up takes back what its other tasks have told, and a limit leaves it there", async () => {
  await createPlace().run(async (context) => {
    const fail = (): never => {
      throw new Exit("the first fails");
    };
    trapExit();
    const tasks = [Task.async(fail), Task.async(() => "answered"), Task.async(never)];
    await quiet();
    expect(await rejection(Task.awaitMany(tasks))).toMatchObject({ reason: "the first fails" });
    const isSignal = (message: unknown) => (message as { type: string }).type === "EXIT";
    expect((await leftovers(context)).filter((message) => !isSignal(message))).toEqual([]);
    const answered = [Task.async(() => 1), Task.async(() => 2)];
    await quiet();
    const [first, second] = await Task.yieldMany(answered, { limit: 1 });
    expect([first?.[1], second?.[1]]).toEqual([{ ok: 1 }, undefined]);
    const left = (await leftovers(context)).filter((message) => !isSignal(message));
    expect(left).toMatchObject([{ type: "task.reply", result: 2 }, { type: "DOWN" }]);
    exit(processOf(tasks[2] as Task<unknown>), "kill");
  });
});

test("the code of a task sees its own process and a signal that is aborted at its end", async () => {
  await createPlace().run(async () => {
    const seen = Promise.withResolvers<AbortSignal>();
    const task = Task.async(({ self, signal }) => {
      seen.resolve(signal);
      expect(self).toBe(task.process);
      return never();
    });
    const signal = await seen.promise;
    expect(signal.aborted).toBe(false);
    await Task.shutdown(task);
    expect([signal.aborted, signal.reason]).toEqual([true, "shutdown"]);
  });
});

test("the code of a process that has ended starts no task", async () => {
  const { run, runtime, idle } = createPlace();
  const refused = Promise.withResolvers<unknown>();
  const dead = run(async ({ self }) => {
    exit(self, "kill");
    refused.resolve(await rejection((async () => Task.async(never))()));
  });
  await expect(dead).rejects.toThrow("killed");
  expect(await refused.promise).toMatchObject({ code: "noproc" });
  expect(runtime.processCount).toBe(0);
  exit(idle(), "kill");
});

test("yieldMany ignores or kills what has no outcome when it is told to", async () => {
  await createPlace().run(async (context) => {
    const [open, late] = [Task.async(never), Task.async(never)];
    expect(await Task.yieldMany([open], { timeoutMs: 0, onTimeout: "ignore" })).toEqual([[open, undefined]]);
    expect([processOf(open).alive, context.self.links?.has(processOf(open))]).toEqual([true, false]);
    expect(await Task.yieldMany([late], { timeoutMs: 0, onTimeout: "kill_task" })).toEqual([[late, undefined]]);
    expect(processOf(late).exitReason).toBe("killed");
    expect(await leftovers(context)).toEqual([]);
    exit(processOf(open), "kill");
  });
});

test("a task whose owner has given up waiting can still be shut down", async () => {
  await createPlace().run(async () => {
    const task = Task.async(never);
    await rejection(Task.await(task, { timeoutMs: 0 }));
    expect(await Task.shutdown(task)).toBeUndefined();
    expect(processOf(task).exitReason).toBe("shutdown");
  });
});

test("a task that traps exits is killed when it does not end in time", async () => {
  const { run, clock } = createPlace();
  await run(async () => {
    const task = Task.async(() => {
      trapExit();
      return never();
    });
    await quiet();
    const ending = Task.shutdown(task, { shutdownMs: 20 });
    clock.advance(19);
    expect(processOf(task).alive).toBe(true);
    clock.advance(1);
    expect(await ending).toEqual({ exit: "killed" });
  });
});

test("a task as a child runs once, is temporary, and its spec can be changed", async () => {
  const { runtime } = createPlace();
  const ran = Promise.withResolvers<void>();
  const spec = Task.childSpec(() => ran.resolve());
  expect(spec).toMatchObject({ id: "task", restart: "temporary" });
  expect(Task.childSpec(never, { id: "other", restart: "transient", shutdownMs: 1 })).toMatchObject({
    id: "other",
    restart: "transient",
    shutdownMs: 1,
  });
  const supervisor = await startSupervisor({ children: [spec] }, { runtime });
  await ran.promise;
  await quiet();
  expect(supervisor.countChildren()).toEqual({ specs: 0, active: 0, supervisors: 0, workers: 0 });
  await supervisor.stop();
});

describe("arguments are checked", () => {
  const bad = { code: "invalid_argument" };
  test("code has to be a function", () => {
    for (const start of [Task.async, Task.start, Task.startLink, Task.childSpec]) {
      expect(() => start("code" as never)).toThrow(expect.objectContaining({ ...bad, field: "code" }));
    }
  });

  test.each([
    ["task", () => Task.await({} as Task<unknown>)],
    ["tasks", () => Task.awaitMany(Promise.resolve([]) as never)],
    ["tasks", () => Task.yieldMany("tasks" as never)],
    ["options.timeoutMs", () => Task.await(Task.completed(1), { timeoutMs: -1 })],
    ["options.timeoutMs", () => Task.yieldMany([], { timeoutMs: Number.NaN })],
    ["options.limit", () => Task.yieldMany([], { limit: 0 })],
    ["options.onTimeout", () => Task.yieldMany([], { onTimeout: "kill" as "kill_task" })],
    ["options.shutdownMs", () => Task.shutdown(Task.completed(1), { shutdownMs: -1 })],
  ])("%s", async (field, wait) => {
    expect(await rejection(wait() as Promise<unknown>)).toMatchObject({ ...bad, field });
  });
});

test("results have their types", async () => {
  const { run } = createPlace();
  await run(async () => {
    const number = Task.async(async () => 1);
    const text = Task.async(() => "text");
    expectTypeOf(number).toEqualTypeOf<Task<number>>();
    expectTypeOf(await Task.await(text)).toEqualTypeOf<string>();
    expectTypeOf(await Task.awaitMany([Task.completed(true), number])).toEqualTypeOf<[boolean, number]>();
    const outcome = await Task.yield(Task.completed("text"));
    if (outcome !== undefined && "ok" in outcome) expectTypeOf(outcome.ok).toEqualTypeOf<string>();
    await exited(processOf(text));
  });
});

test("messages are taken back beside others that throw when they are looked at", async () => {
  const { run } = createPlace();
  await run(async (context) => {
    const thorny = Object.defineProperty({}, "monitor", {
      get() {
        throw new Error("asked for its monitor");
      },
    });
    const task = Task.async(() => "done");
    for (const message of [thorny, null, "text"]) send(context.self, message);
    await quiet();
    expect(await Task.await(task)).toBe("done");
    expect(await leftovers(context)).toEqual([thorny, null, "text"]);
  });
});
