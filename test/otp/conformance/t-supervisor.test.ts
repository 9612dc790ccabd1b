/** Conformance rows T50 to T62: tasks below a supervisor. */

import { describe, expect, test } from "vitest";
import { self } from "../../../src/otp/process/current.ts";
import { exit, trapExit } from "../../../src/otp/process/link.ts";
import { monitor } from "../../../src/otp/process/monitor.ts";
import type { Process } from "../../../src/otp/process/process.ts";
import { Exit } from "../../../src/otp/report/exit-reason.ts";
import { ancestors, callers } from "../../../src/otp/start/callers.ts";
import { exited } from "../../../src/otp/start/names.ts";
import type { DynamicSupervisor } from "../../../src/otp/supervisor/dynamic.ts";
import { startSupervisor } from "../../../src/otp/supervisor/start.ts";
import { defineTaskSupervisor, startTaskSupervisor, TaskSupervisor } from "../../../src/otp/task/supervisor.ts";
import { Task } from "../../../src/otp/task/task.ts";
import { collect, createPlace, leftovers, never, type Place, processOf } from "../in-process.ts";
import { quiet } from "../scripted.ts";
import { rejection } from "../support.ts";

/** Runs the body as a process, with a task supervisor that is nobody's child. */
async function supervised<T>(
  place: Place,
  body: (supervisor: DynamicSupervisor, context: Parameters<Parameters<Place["run"]>[0]>[0]) => Promise<T>,
  spec: Parameters<typeof startTaskSupervisor>[0] = {},
): Promise<T> {
  const supervisor = await startTaskSupervisor(spec, { runtime: place.runtime });
  try {
    return await place.run((context) => body(supervisor, context));
  } finally {
    await supervisor.stop();
    await quiet();
    expect(place.runtime.processCount).toBe(0);
  }
}

test("T50 a task supervisor can be supervised, several of them side by side", async () => {
  const { runtime, run } = createPlace();
  const children = [
    defineTaskSupervisor({ id: "first", name: "T50 first" }),
    defineTaskSupervisor({ id: "second", name: "T50 second", maxChildren: 1 }),
  ];
  const root = await startSupervisor({ children }, { runtime });
  const refs = root.whichChildren().map(({ ref }) => ref as DynamicSupervisor);
  expect(root.whichChildren().map(({ id, type }) => `${type} ${id}`)).toEqual([
    "supervisor second",
    "supervisor first",
  ]);
  const [second, first] = refs as [DynamicSupervisor, DynamicSupervisor];
  const task = await run(() => TaskSupervisor.startChild("T50 first", never));
  expect([TaskSupervisor.children(first), TaskSupervisor.children(second)]).toEqual([[task], []]);
  await expect(run(() => TaskSupervisor.startChild("T50 unknown", never))).rejects.toMatchObject({ code: "not_found" });
  await root.stop();
  expect(task.exitReason).toBe("shutdown");
});

test("T51 an empty supervisor has no children and counts none", async () => {
  await supervised(createPlace(), async (supervisor) => {
    expect(TaskSupervisor.children(supervisor)).toEqual([]);
    expect(supervisor.countChildren()).toEqual({ specs: 0, active: 0, supervisors: 0, workers: 0 });
  });
});

test("T52 async makes a child of the supervisor that is linked to the caller too, who gets the reply and then DOWN normal", async () => {
  await supervised(createPlace(), async (supervisor, { self: owner, receive }) => {
    const go = Promise.withResolvers<string>();
    const task = await TaskSupervisor.async(supervisor, () => go.promise);
    const process = processOf(task);
    expect(TaskSupervisor.children(supervisor)).toEqual([process]);
    expect(task.owner).toBe(owner);
    expect(owner.links?.has(process)).toBe(true);
    go.resolve("result");
    expect(await receive()).toEqual({ type: "task.reply", monitor: task.monitor, result: "result" });
    expect(await receive()).toEqual({ type: "DOWN", monitor: task.monitor, process, reason: "normal" });
    expect(TaskSupervisor.children(supervisor)).toEqual([]);
    expect(await Task.await(await TaskSupervisor.async(supervisor, () => "awaited"))).toBe("awaited");
  });
});

describe("T53 with shutdownMs brutal_kill a task is killed when its supervisor shuts down (adapted: kill)", () => {
  const start: [string, (supervisor: DynamicSupervisor) => Promise<Process>][] = [
    [
      "async",
      async (supervisor) => processOf(await TaskSupervisor.async(supervisor, never, { shutdownMs: "brutal_kill" })),
    ],
    [
      "asyncNolink",
      async (supervisor) =>
        processOf(await TaskSupervisor.asyncNolink(supervisor, never, { shutdownMs: "brutal_kill" })),
    ],
    ["startChild", (supervisor) => TaskSupervisor.startChild(supervisor, never, { shutdownMs: "brutal_kill" })],
  ];
  test.each(start)("T53 %s", async (_how, begin) => {
    await supervised(createPlace(), async (supervisor, { receive }) => {
      trapExit();
      const process = await begin(supervisor);
      const watch = monitor(process);
      await supervisor.stop("shutdown");
      const down = await receive((message) => (message as { monitor?: unknown }).monitor === watch);
      expect(down).toEqual({ type: "DOWN", monitor: watch, process, reason: "killed" });
    });
  });
});

test("T54 async and asyncNolink reject when there are maxChildren", async () => {
  await supervised(
    createPlace(),
    async (supervisor, { self: owner }) => {
      await TaskSupervisor.startChild(supervisor, never);
      for (const asked of [TaskSupervisor.async(supervisor, never), TaskSupervisor.asyncNolink(supervisor, never)]) {
        expect(await rejection(asked)).toMatchObject({ code: "queue_full", field: "maxChildren", value: 1 });
      }
      expect(owner.links?.size ?? 0).toBe(0);
    },
    { maxChildren: 1 },
  );
});

test("T55 a task's callers are who asked for it and their callers; its ancestors are the supervisors (adapted: callers() and ancestors())", async () => {
  await supervised(createPlace(), async (supervisor, { self: grandparent }) => {
    const seen = () => ({ callers: callers(), ancestors: ancestors() });
    const nested = await Task.await(
      await TaskSupervisor.async(supervisor, async ({ self: parent }) => ({
        parent,
        async: await Task.await(await TaskSupervisor.async(supervisor, seen)),
        started: await new Promise((resolve) => {
          TaskSupervisor.startChild(supervisor, () => resolve(seen()));
        }),
        streamed: await collect(TaskSupervisor.asyncStream(supervisor, [1], seen)),
      })),
    );
    const expected = { callers: [nested.parent, grandparent], ancestors: [supervisor.process] };
    expect(nested.async).toEqual(expected);
    expect(nested.started).toEqual(expected);
    expect(nested.streamed).toEqual([{ ok: expected }]);
  });
});

test("T56 asyncNolink monitors only: a crash is a DOWN, and the caller lives", async () => {
  await supervised(createPlace(), async (supervisor, context) => {
    const task = await TaskSupervisor.asyncNolink(supervisor, () => {
      throw new Exit("T56 crash");
    });
    expect(context.self.links?.has(processOf(task)) ?? false).toBe(false);
    expect(await context.receive()).toMatchObject({ type: "DOWN", monitor: task.monitor, reason: "T56 crash" });
    const good = await TaskSupervisor.asyncNolink(supervisor, () => "result");
    expect(await context.receive()).toMatchObject({ type: "task.reply", monitor: good.monitor, result: "result" });
    expect(await context.receive()).toMatchObject({ type: "DOWN", monitor: good.monitor, reason: "normal" });
    const awaited = await TaskSupervisor.asyncNolink(supervisor, () => Promise.reject(new Exit("T56 awaited")));
    await expect(Task.await(awaited)).rejects.toMatchObject({ code: "exited", reason: "T56 awaited" });
    expect(await leftovers(context)).toEqual([]);
  });
});

test("T57 startChild runs the code below the supervisor, not linked to the caller", async () => {
  await supervised(createPlace(), async (supervisor, { self: caller }) => {
    const hold = Promise.withResolvers<void>();
    const process = await TaskSupervisor.startChild(supervisor, async () => {
      await hold.promise;
      throw new Exit("T57 crash");
    });
    expect(TaskSupervisor.children(supervisor)).toEqual([process]);
    expect(caller.links?.has(process) ?? false).toBe(false);
    hold.resolve();
    expect(await exited(process)).toBe("T57 crash");
    await quiet();
    expect(TaskSupervisor.children(supervisor)).toEqual([]);
  });
});

test("T58 a permanent child runs again after a shutdown signal, and by default none does", async () => {
  await supervised(createPlace(), async (supervisor) => {
    const runs: Process[] = [];
    const work = () => {
      runs.push(self());
      return never();
    };
    const first = await TaskSupervisor.startChild(supervisor, work, { restart: "permanent" });
    await quiet();
    expect(runs).toEqual([first]);
    exit(first, "shutdown");
    await quiet();
    expect(runs).toHaveLength(2);
    expect(TaskSupervisor.children(supervisor)).toEqual([runs[1]]);
    expect(runs[1]?.alive).toBe(true);

    const once = await TaskSupervisor.startChild(supervisor, work);
    await quiet();
    exit(once, "T58 crash");
    await quiet();
    expect(runs).toHaveLength(3);
  });
});

test("T59 terminateChild ends a task by its process; a second time it is not found", async () => {
  await supervised(createPlace(), async (supervisor) => {
    const process = await TaskSupervisor.startChild(supervisor, never);
    await TaskSupervisor.terminateChild(supervisor, process);
    expect(process.exitReason).toBe("shutdown");
    expect(TaskSupervisor.children(supervisor)).toEqual([]);
    const again = rejection(TaskSupervisor.terminateChild(supervisor, process));
    expect(await again).toMatchObject({ name: "CallerError", code: "not_found" });
  });
});

describe("T62 asyncStreamNolink", () => {
  const fail = (item: number) => {
    if (item % 2 === 0) throw new Exit(`T62 fails ${item}`);
    return item;
  };

  test("T62 makes failures values that never end a consumer that does not trap exits", async () => {
    await supervised(createPlace(), async (supervisor, context) => {
      for (const maxConcurrency of [1, 4, 8]) {
        const stream = TaskSupervisor.asyncStreamNolink(supervisor, [1, 2, 3, 4], fail, { maxConcurrency });
        expect(await collect(stream)).toEqual([{ ok: 1 }, { exit: "T62 fails 2" }, { ok: 3 }, { exit: "T62 fails 4" }]);
      }
      const zipped = TaskSupervisor.asyncStreamNolink(supervisor, [2], fail, { zipInputOnExit: true });
      expect(await collect(zipped)).toEqual([{ exit: { input: 2, reason: "T62 fails 2" } }]);
      await quiet();
      expect(await leftovers(context)).toEqual([]);
      expect(TaskSupervisor.children(supervisor)).toEqual([]);
    });
  });

  test("T62 kills what takes too long, and ends the rest when the consumer leaves", async () => {
    const place = createPlace();
    await supervised(place, async (supervisor, context) => {
      const options = { timeoutMs: 50, onTimeout: "kill_task", maxConcurrency: 2 } as const;
      const work = (item: number) => (item === 2 ? never() : item);
      const collecting = collect(TaskSupervisor.asyncStreamNolink(supervisor, [1, 2, 3], work, options));
      await quiet();
      place.clock.advance(50);
      expect(await collecting).toEqual([{ ok: 1 }, { exit: "timeout" }, { ok: 3 }]);
      for await (const outcome of TaskSupervisor.asyncStreamNolink(supervisor, [1, 2, 2, 2], work)) {
        expect(outcome).toEqual({ ok: 1 });
        break;
      }
      await quiet();
      expect(TaskSupervisor.children(supervisor)).toEqual([]);
      expect(await leftovers(context)).toEqual([]);
    });
  });

  test("T62 rejects when the supervisor takes no more tasks", async () => {
    const stream = (supervisor: DynamicSupervisor) =>
      collect(TaskSupervisor.asyncStreamNolink(supervisor, [1, 2], never, { maxConcurrency: 2 }));
    await supervised(
      createPlace(),
      async (supervisor) => {
        await expect(stream(supervisor)).rejects.toMatchObject({ code: "queue_full" });
        await quiet();
        expect(TaskSupervisor.children(supervisor)).toEqual([]);
      },
      { maxChildren: 1 },
    );
  });

  test("T62 with links (asyncStream) a failure ends a consumer that does not trap exits, and is a value to one that does", async () => {
    const place = createPlace();
    await supervised(place, async (supervisor, context) => {
      const consume = () => collect(TaskSupervisor.asyncStream(supervisor, [2], fail));
      await expect(place.run(consume)).rejects.toThrow("T62 fails 2");
      trapExit();
      expect(await consume()).toEqual([{ exit: "T62 fails 2" }]);
      expect(await leftovers(context)).toEqual([]);
    });
  });
});
