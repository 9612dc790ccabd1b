import { describe, expect, expectTypeOf, test } from "vitest";
import { exit } from "../../../src/otp/process/link.ts";
import type { Monitor } from "../../../src/otp/process/monitor.ts";
import type { Process } from "../../../src/otp/process/process.ts";
import { Exit } from "../../../src/otp/report/exit-reason.ts";
import { call } from "../../../src/otp/request/call.ts";
import { fromGenServer } from "../../../src/otp/server/gen-server.ts";
import { spawn } from "../../../src/otp/start/spawn.ts";
import { start } from "../../../src/otp/start/start.ts";
import { startSupervisor } from "../../../src/otp/supervisor/start.ts";
import { startTaskSupervisor, TaskSupervisor } from "../../../src/otp/task/supervisor.ts";
import { Task } from "../../../src/otp/task/task.ts";
import { collect, createPlace, leftovers, never, processOf } from "../in-process.ts";
import { quiet } from "../scripted.ts";
import { rejection } from "../support.ts";

test("a server keeps answering while its supervised tasks work, and outlives their crashes", async () => {
  const { runtime } = createPlace();
  const supervisor = await startTaskSupervisor({}, { runtime });
  const finished = Promise.withResolvers<Map<Monitor, unknown>>();
  const server = fromGenServer({
    init: () => ({ state: { open: new Set<Monitor>(), results: new Map<Monitor, unknown>() } }),
    async handleCall(message: "work" | "crash", { open }) {
      const task = await TaskSupervisor.asyncNolink(supervisor, () => {
        if (message === "crash") throw new Exit("crashed");
        return "worked";
      });
      open.add(task.monitor as Monitor);
      return { reply: open.size };
    },
    handleInfo(message, state) {
      const { type, monitor, result, reason } = message as {
        type: string;
        monitor: Monitor;
        result: string;
        reason: string;
      };
      if (type === "task.reply") state.results.set(monitor, result);
      if (type !== "DOWN") return { state };
      if (reason !== "normal") state.results.set(monitor, reason);
      state.open.delete(monitor);
      if (state.open.size === 0 && state.results.size === 2) finished.resolve(state.results);
      return { state };
    },
  });
  const ref = await start(server, { runtime });
  await Promise.all([call(ref, "work"), call(ref, "crash")]);
  expect([...(await finished.promise).values()]).toEqual(["worked", "crashed"]);
  expect(ref.alive).toBe(true);
  exit(ref, "kill");
  await supervisor.stop();
  expect(runtime.processCount).toBe(0);
});

test("the code of a task waits until its owner holds the task", async () => {
  const { runtime, run } = createPlace();
  const supervisor = await startTaskSupervisor({}, { runtime });
  await run(async () => {
    let begun = false;
    const starting = TaskSupervisor.async(supervisor, () => {
      begun = true;
      return "result";
    }).then((task) => ({ task, begun }));
    const { task, begun: before } = await starting;
    expect(before).toBe(false);
    expect(await Task.await(task)).toBe("result");
    expectTypeOf(task).toEqualTypeOf<Task<string>>();
  });
  await supervisor.stop();
});

test("a linked task ends with its owner, one without a link goes on", async () => {
  const { runtime } = createPlace();
  const supervisor = await startTaskSupervisor({}, { runtime });
  const made = Promise.withResolvers<Process[]>();
  const owner = spawn(
    async () => {
      const linked = await TaskSupervisor.async(supervisor, never);
      const free = await TaskSupervisor.asyncNolink(supervisor, never);
      made.resolve([processOf(linked), processOf(free)]);
      await never();
    },
    { runtime },
  );
  const [linked, free] = await made.promise;
  exit(owner, "the owner ends");
  await quiet();
  expect([linked?.exitReason, free?.exitReason]).toEqual(["the owner ends", undefined]);
  await supervisor.stop();
  expect(free?.exitReason).toBe("shutdown");
});

test("a supervisor that has ended, or is none, starts nothing", async () => {
  const { runtime, run, idle } = createPlace();
  const ended = await startTaskSupervisor({}, { runtime });
  await ended.stop();
  const fixed = await startSupervisor({}, { runtime });
  const process = idle();
  await run(async () => {
    for (const supervisor of [process, fixed, "nobody"]) {
      const refused = { code: "not_found", field: "supervisor" };
      expect(await rejection(TaskSupervisor.async(supervisor, never))).toMatchObject(refused);
      expect(await rejection(TaskSupervisor.startChild(supervisor, never))).toMatchObject(refused);
    }
    expect(await rejection(TaskSupervisor.asyncNolink(ended, never))).toMatchObject({ code: "stopped" });
  });
  await fixed.stop();
});

test("arguments are checked before anything starts", async () => {
  const { runtime } = createPlace();
  const supervisor = await startTaskSupervisor({}, { runtime });
  const bad = (field: string) => ({ code: "invalid_argument", field });
  expect(await rejection(TaskSupervisor.async(supervisor, "code" as never))).toMatchObject(bad("code"));
  const shutdown = TaskSupervisor.startChild(supervisor, never, { shutdownMs: -1 });
  expect(await rejection(shutdown)).toMatchObject(bad("options.shutdownMs"));
  const restart = TaskSupervisor.startChild(supervisor, never, { restart: "always" as "permanent" });
  expect(await rejection(restart)).toMatchObject({ code: "invalid_argument" });
  expect(TaskSupervisor.children(supervisor)).toEqual([]);
  await supervisor.stop();
});

test("a loop of starts leaves the event loop its turns, and the tasks theirs", async () => {
  const { runtime } = createPlace();
  const supervisor = await startTaskSupervisor({}, { runtime });
  let turned = false;
  setImmediate(() => {
    turned = true;
  });
  let ended = 0;
  let started = 0;
  for (; !turned && started < 100_000; started += 1) {
    await TaskSupervisor.startChild(supervisor, () => {
      ended += 1;
    });
    expect(started - ended).toBeLessThan(10);
  }
  expect(turned).toBe(true);
  await supervisor.stop();
});

describe("a stream", () => {
  test("does not start a task whose turn comes after its consumer has left", async () => {
    const { run, runtime } = createPlace();
    const supervisor = await startTaskSupervisor({}, { runtime });
    const slow = Promise.withResolvers<undefined>();
    const ignored = rejection(supervisor.startChild({ start: () => slow.promise }));
    await run(async () => {
      let worked = 0;
      let read = 0;
      function* items() {
        for (;;) {
          read += 1;
          yield read;
        }
      }
      const work = () => {
        worked += 1;
      };
      const options = { maxConcurrency: 3 };
      const iterator = TaskSupervisor.asyncStreamNolink(supervisor, items(), work, options)[Symbol.asyncIterator]();
      const next = iterator.next();
      await quiet();
      expect(read).toBe(3);
      await iterator.return?.();
      expect(await next).toEqual({ done: true, value: undefined });
      slow.resolve(undefined);
      expect(await ignored).toMatchObject({ code: "ignored" });
      await quiet();
      expect([worked, runtime.processCount, supervisor.countChildren().specs]).toEqual([0, 2, 0]);
    });
    await supervisor.stop();
  });

  test("ends with queue_full below a supervisor that takes no more tasks, and so does what runs of it", async () => {
    const { run, runtime } = createPlace();
    const supervisor = await startTaskSupervisor({ maxChildren: 2 }, { runtime });
    const other = await TaskSupervisor.startChild(supervisor, never);
    await run(async (context) => {
      const stream = TaskSupervisor.asyncStream(supervisor, [1, 2, 3], never, { maxConcurrency: 3 });
      expect(await rejection(collect(stream))).toMatchObject({ code: "queue_full", value: 2 });
      await quiet();
      expect(TaskSupervisor.children(supervisor)).toEqual([other]);
      expect(await leftovers(context)).toEqual([]);
    });
    await supervisor.stop();
  });

  test("may run as many tasks as its supervisor takes", async () => {
    const { run, runtime } = createPlace();
    const supervisor = await startTaskSupervisor({ maxChildren: 2 }, { runtime });
    await run(async () => {
      const stream = TaskSupervisor.asyncStream(supervisor, [1, 2, 3, 4, 5], (item) => item, { maxConcurrency: 2 });
      expect(await collect(stream)).toEqual([1, 2, 3, 4, 5].map((ok) => ({ ok })));
    });
    await supervisor.stop();
  });

  test("ends with its supervisor: its tasks have their outcome, the next item is refused", async () => {
    const { run, runtime } = createPlace();
    const supervisor = await startTaskSupervisor({}, { runtime });
    let closed = 0;
    await run(async (context) => {
      function* items() {
        try {
          for (;;) yield "item";
        } finally {
          closed += 1;
        }
      }
      const stream = TaskSupervisor.asyncStreamNolink(supervisor, items(), never, { maxConcurrency: 2 });
      const iterator = stream[Symbol.asyncIterator]();
      const first = iterator.next();
      await quiet();
      await supervisor.stop();
      expect(await first).toEqual({ done: false, value: { exit: "shutdown" } });
      expect(await iterator.next()).toEqual({ done: false, value: { exit: "shutdown" } });
      expect(await rejection(iterator.next())).toMatchObject({ code: "stopped" });
      expect(await iterator.next()).toEqual({ done: true, value: undefined });
      expect([closed, runtime.processCount]).toEqual([1, 1]);
      expect(await leftovers(context)).toEqual([]);
    });
  });
});
