/** Conformance rows T21 to T27: asking tasks for their outcome for a while. */

import { describe, expect, test } from "vitest";
import { exit, trapExit } from "../../../src/otp/process/link.ts";
import { Exit } from "../../../src/otp/report/exit-reason.ts";
import { Task } from "../../../src/otp/task/task.ts";
import { createPlace, leftovers, never, processOf } from "../in-process.ts";
import { quiet } from "../scripted.ts";

const endsNormal = (): never => {
  throw new Exit("normal");
};

test("T21 yield with reply and DOWN in the mailbox gives the reply and removes DOWN; so does a crash that came after the reply", async () => {
  await createPlace().run(async (context) => {
    const task = Task.async(() => "result");
    await quiet();
    expect(processOf(task).alive).toBe(false);
    expect(context.self.behaviour.unread?.length).toBe(2);
    expect(await Task.yield(task, { timeoutMs: 0 })).toEqual({ ok: "result" });
    expect(await leftovers(context)).toEqual([]);

    trapExit();
    const crashing = Task.async(({ self }) => {
      queueMicrotask(() => queueMicrotask(() => exit(self, "T21 crash")));
      return "before the crash";
    });
    await quiet();
    expect(await Task.yield(crashing)).toEqual({ ok: "before the crash" });
    const [signal, ...others] = await leftovers(context);
    expect(signal).toMatchObject({ type: "EXIT", from: crashing.process, reason: "T21 crash" });
    expect(others).toEqual([]);
  });
});

test("T23 yield of a task that ended without a reply gives its exit reason", async () => {
  await createPlace().run(async (context) => {
    const task = Task.async(endsNormal);
    expect(await Task.yield(task)).toEqual({ exit: "normal" });
    expect(await leftovers(context)).toEqual([]);
  });
});

test("T24 yieldMany gives each task with its reply, nothing when time is up, or its exit reason", async () => {
  const { run, clock } = createPlace();
  await run(async (context) => {
    const replies = Task.async(() => "result");
    expect(await Task.yieldMany([replies])).toEqual([[replies, { ok: "result" }]]);
    const open = Task.async(never);
    const waiting = Task.yieldMany([open], { timeoutMs: 200 });
    clock.advance(200);
    expect(await waiting).toEqual([[open, undefined]]);
    expect(processOf(open).alive).toBe(true);
    const ended = Task.async(endsNormal);
    expect(await Task.yieldMany([ended])).toEqual([[ended, { exit: "normal" }]]);
    expect(await leftovers(context)).toEqual([]);
  });
});

describe("T26 yieldMany of several tasks (adapted: promises)", () => {
  test("T26 gives the outcomes in the order of the tasks", async () => {
    const { run, clock } = createPlace();
    await run(async () => {
      const tasks = [Task.async(() => 1), Task.async(never), Task.async<number>(endsNormal)];
      const waiting = Task.yieldMany(tasks, { timeoutMs: 100 });
      await quiet();
      clock.advance(100);
      expect(await waiting).toEqual([
        [tasks[0], { ok: 1 }],
        [tasks[1], undefined],
        [tasks[2], { exit: "normal" }],
      ]);
    });
  });

  test("T26 returns after `limit` outcomes and leaves the others open", async () => {
    await createPlace().run(async (context) => {
      const gates = [1, 2, 3].map(() => Promise.withResolvers<string>());
      const tasks = gates.map(({ promise }) => Task.async(() => promise));
      const waiting = Task.yieldMany(tasks, { timeoutMs: "infinity", limit: 1 });
      gates[1]?.resolve("second");
      expect(await waiting).toEqual([
        [tasks[0], undefined],
        [tasks[1], { ok: "second" }],
        [tasks[2], undefined],
      ]);
      expect(tasks.map((task) => processOf(task).alive)).toEqual([true, false, true]);
      gates[0]?.resolve("first");
      await quiet();
      gates[2]?.resolve("third");
      await quiet();
      expect(await leftovers(context)).toMatchObject([
        { type: "task.reply", result: "first" },
        { type: "DOWN" },
        { type: "task.reply", result: "third" },
        { type: "DOWN" },
      ]);
      expect(await Task.await(tasks[0] as Task<string>, { timeoutMs: 0 })).toBe("first");
    });
  });

  test("T26 with a limit that is not reached returns what there is at the timeout", async () => {
    const { run, clock } = createPlace();
    await run(async () => {
      const tasks = [Task.completed(1), Task.async<number>(never), Task.async<number>(never)];
      const waiting = Task.yieldMany(tasks, { timeoutMs: 50, limit: 2 });
      clock.advance(50);
      expect((await waiting).map(([, outcome]) => outcome)).toEqual([{ ok: 1 }, undefined, undefined]);
    });
  });

  test("T26 returns at once when all have answered although there are fewer than the limit, also without a timeout", async () => {
    await createPlace().run(async () => {
      const tasks = [Task.async(() => 1), Task.completed(2)];
      const outcomes = await Task.yieldMany(tasks, { timeoutMs: "infinity", limit: 5 });
      expect(outcomes.map(([, outcome]) => outcome)).toEqual([{ ok: 1 }, { ok: 2 }]);
    });
  });
});

test("T27 yield and yieldMany of a task whose connection is lost reject (adapted: noconnection is a lost transport)", async () => {
  await createPlace().run(async () => {
    trapExit();
    const lost = () => {
      const task = Task.async(never);
      exit(processOf(task), "noconnection");
      return task;
    };
    const error = { code: "exited", reason: "noconnection" };
    await expect(Task.yield(lost())).rejects.toMatchObject(error);
    await expect(Task.yieldMany([Task.completed(undefined as never), lost()])).rejects.toMatchObject(error);
  });
});
