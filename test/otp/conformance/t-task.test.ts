/** Conformance rows T2 to T9: starting tasks, and letting them go. */

import { expect, test } from "vitest";
import { exit, trapExit } from "../../../src/otp/process/link.ts";
import { Exit } from "../../../src/otp/report/exit-reason.ts";
import { exited } from "../../../src/otp/start/names.ts";
import { Task } from "../../../src/otp/task/task.ts";
import { createPlace, leftovers, never, processOf } from "../in-process.ts";
import { quiet } from "../scripted.ts";

test("T2 async gives a task with its process, monitor and owner, linked to the caller, who gets the reply and then DOWN normal", async () => {
  await createPlace().run(async ({ self, receive }) => {
    const task = Task.async(async () => "result");
    const process = processOf(task);
    expect(task.owner).toBe(self);
    expect(process).not.toBe(self);
    expect(self.links?.has(process)).toBe(true);
    expect(await receive()).toEqual({ type: "task.reply", monitor: task.monitor, result: "result" });
    expect(await receive()).toEqual({ type: "DOWN", monitor: task.monitor, process, reason: "normal" });
  });
});

test("T2 a task that crashes takes its owner with it through the link", async () => {
  const place = createPlace();
  const boom = new Error("T2 the linked task crashes");
  const owner = place.run(async ({ self, receive }) => {
    Task.async(() => {
      throw boom;
    });
    exited(self).then((reason) => ended.resolve(reason));
    await receive();
  });
  const ended = Promise.withResolvers<unknown>();
  await expect(owner).rejects.toThrow("T2 the linked task crashes");
  expect(await ended.promise).toBe(boom);
});

test("T4 start runs the code in a process that is not linked to the caller", async () => {
  await createPlace().run(async ({ self }) => {
    const ran = Promise.withResolvers<string>();
    const hold = Promise.withResolvers<void>();
    const process = Task.start(async () => {
      ran.resolve("ran");
      await hold.promise;
      throw new Error("T4 nobody is hurt");
    });
    expect(process.links?.has(self) ?? false).toBe(false);
    expect(await ran.promise).toBe("ran");
    hold.resolve();
    expect(await exited(process)).toEqual(new Error("T4 nobody is hurt"));
    expect(self.alive).toBe(true);
  });
});

test("T5 startLink runs the code in a process that is linked to the caller", async () => {
  await createPlace().run(async (context) => {
    trapExit();
    const ran = Promise.withResolvers<string>();
    const process = Task.startLink(() => ran.resolve("ran"));
    expect(context.self.links?.has(process)).toBe(true);
    expect(await ran.promise).toBe("ran");
    expect(await context.receive()).toEqual({ type: "EXIT", from: process, reason: "normal" });
    expect(await leftovers(context)).toEqual([]);
  });
});

test("T6 a completed task has no process and gives its value at once", async () => {
  const place = createPlace();
  await place.run(async () => {
    const task = Task.completed("done");
    expect(task.process).toBeUndefined();
    expect(await Task.await(task, { timeoutMs: 0 })).toBe("done");
  });
  expect(place.clock.pending).toBe(0);
});

test("T7 ignore gives a reply that has come; else the task is unlinked, a later await times out and no message comes (adapted: the task is detached)", async () => {
  const place = createPlace();
  await place.run(async (context) => {
    const early = Task.async(() => "early");
    await quiet();
    expect(Task.ignore(early)).toEqual({ ok: "early" });

    const go = Promise.withResolvers<void>();
    const late = Task.async(() => go.promise);
    const process = processOf(late);
    expect(Task.ignore(late)).toBeUndefined();
    expect(context.self.links?.has(process) ?? false).toBe(false);
    go.resolve();
    expect(await exited(process)).toBe("normal");
    await expect(Task.await(late, { timeoutMs: 0 })).rejects.toMatchObject({ code: "timeout" });
    const waiting = Task.await(late, { timeoutMs: 100 });
    place.clock.advance(100);
    await expect(waiting).rejects.toMatchObject({ code: "timeout" });
    expect(await leftovers(context)).toEqual([]);
  });
});

test("T8 ignore tells of a failure that has come; a later one does not hurt the caller (adapted: the task is detached)", async () => {
  await createPlace().run(async (context) => {
    trapExit();
    const early = Task.async(() => {
      throw new Exit("oops");
    });
    await quiet();
    expect(Task.ignore(early)).toEqual({ exit: "oops" });
    trapExit(false);

    const go = Promise.withResolvers<void>();
    const late = Task.async(async () => {
      await go.promise;
      throw new Exit("oops");
    });
    expect(Task.ignore(late)).toBeUndefined();
    go.resolve();
    expect(await exited(processOf(late))).toBe("oops");
    expect(context.self.alive).toBe(true);
    expect(await leftovers(context)).toEqual([{ type: "EXIT", from: early.process, reason: "oops" }]);
  });
});

test("T9 ignore of a completed task gives its value, and of a task whose connection is lost throws (adapted: noconnection is a lost transport)", async () => {
  await createPlace().run(async () => {
    expect(Task.ignore(Task.completed("done"))).toEqual({ ok: "done" });
    trapExit();
    const task = Task.async(never);
    exit(processOf(task), "noconnection");
    expect(() => Task.ignore(task)).toThrow(expect.objectContaining({ code: "exited", reason: "noconnection" }));
  });
});
