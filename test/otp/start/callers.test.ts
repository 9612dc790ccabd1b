import { execFileSync } from "node:child_process";
import { join } from "node:path";
import { expect, test } from "vitest";
import type { Process } from "../../../src/otp/process/process.ts";
import { ancestors, callers } from "../../../src/otp/start/callers.ts";
import { startTaskSupervisor, TaskSupervisor } from "../../../src/otp/task/supervisor.ts";
import { Task } from "../../../src/otp/task/task.ts";
import { createPlace, processOf } from "../in-process.ts";
import { rejection } from "../support.ts";

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

test("a task that a supervisor starts when its caller has ended has its callers all the same", async () => {
  const { run, runtime } = createPlace();
  const supervisor = await startTaskSupervisor({}, { runtime });
  await run(async ({ self: outer }) => {
    const seen = Promise.withResolvers<Process[]>();
    const slow = Promise.withResolvers<undefined>();
    const busy = rejection(supervisor.startChild({ start: () => slow.promise }));
    const caller = Task.async(() => {
      // Nobody waits for it.
      TaskSupervisor.startChild(supervisor, () => seen.resolve(callers())).catch(seen.reject);
    });
    await Task.await(caller);
    slow.resolve(undefined);
    await busy;
    expect(await seen.promise).toEqual([processOf(caller), outer]);
    expect(callers(processOf(caller))).toEqual([]);
  });
  await supervisor.stop();
});

test("a chain of tasks that each start the next keeps the nearest callers and forgets the others", () => {
  const fixture = join(import.meta.dirname, "../../fixtures/otp/task-chain.ts");
  const output = execFileSync(process.execPath, ["--expose-gc", fixture], { encoding: "utf8", timeout: 30_000 });
  expect(output.trim().split("\n")).toEqual(
    ["start", "async", "startChild", "asyncNolink"].map(
      (kind) => `${kind}: the first is forgotten, the last has 100 callers`,
    ),
  );
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
