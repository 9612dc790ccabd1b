import { expect, test } from "vitest";
import { ancestors, callers } from "../../../src/otp/start/callers.ts";
import { Task } from "../../../src/otp/task/task.ts";
import { createPlace, processOf } from "../in-process.ts";

test("a task's callers are the processes on whose behalf it works, nearest first; a plain process has none", async () => {
  await createPlace().run(async ({ self: outer }) => {
    expect(callers()).toEqual([]);
    const task = Task.async(async ({ self: middle }) => {
      const inner = Task.async(() => callers());
      expect(callers(processOf(inner))).toEqual([middle, outer]);
      return Task.await(inner);
    });
    expect(await Task.await(task)).toEqual([processOf(task), outer]);
  });
});

test("ancestors are who started a process, nearest first", async () => {
  await createPlace().run(async ({ self: outer }) => {
    expect(ancestors()).toEqual([]);
    const inside = new Promise((resolve) => Task.start(() => resolve(ancestors())));
    expect(await inside).toEqual([outer]);
  });
});

test("outside any process there is nobody to ask about", () => {
  expect(() => callers()).toThrow(expect.objectContaining({ code: "invalid_argument" }));
  expect(() => ancestors()).toThrow(expect.objectContaining({ code: "invalid_argument" }));
});
