/** Conformance rows T28 to T35: ending tasks. */

import { describe, expect, test } from "vitest";
import { exit, trapExit } from "../../../src/otp/process/link.ts";
import { Exit, type ExitReason } from "../../../src/otp/report/exit-reason.ts";
import type { Shutdown } from "../../../src/otp/report/supervisor-report.ts";
import type { ProcessContext } from "../../../src/otp/start/spawn.ts";
import { Task } from "../../../src/otp/task/task.ts";
import { createPlace, leftovers, never, processOf } from "../in-process.ts";
import { quiet } from "../scripted.ts";

describe("T28 shutdown of a task that has replied gives the reply, however it ended, and leaves no DOWN", () => {
  test.each(["T28 abnormal", "normal", "shutdown"])("%s", async (reason) => {
    await createPlace().run(async (context) => {
      trapExit();
      const task = Task.async(({ self }) => {
        // Between the reply and the end that follows it.
        queueMicrotask(() => queueMicrotask(() => exit(self, reason)));
        return "result";
      });
      await quiet();
      expect(processOf(task).exitReason).toBe(reason);
      expect(await Task.shutdown(task)).toEqual({ ok: "result" });
      expect(await leftovers(context)).toMatchObject([{ type: "EXIT", from: task.process }]);
    });
  });
});

test("T29 shutdown of a task that runs ends it and gives nothing", async () => {
  const { run, clock } = createPlace();
  await run(async (context) => {
    const task = Task.async(never);
    expect(await Task.shutdown(task)).toBeUndefined();
    expect(processOf(task).exitReason).toBe("shutdown");
    expect(await leftovers(context)).toEqual([]);
  });
  expect(clock.pending).toBe(0);
});

test("T31 shutdown of a task without a process gives its result (adapted: a completed task; one has never failed)", async () => {
  await createPlace().run(async () => {
    expect(await Task.shutdown(Task.completed("done"))).toEqual({ ok: "done" });
    expect(await Task.shutdown(Task.completed("done"), { shutdownMs: "brutal_kill" })).toEqual({ ok: "done" });
  });
});

/** Ends as it likes when it is asked to. */
const stubborn =
  (reason?: string) =>
  async ({ receive }: ProcessContext) => {
    trapExit();
    await receive();
    if (reason !== undefined) throw new Exit(reason);
    await never();
  };

const outcomes: [Shutdown, "running" | "ended", ExitReason | undefined, unknown][] = [
  ["brutal_kill", "running", undefined, undefined],
  ["brutal_kill", "ended", "killed", undefined],
  ["brutal_kill", "ended", "shutdown", { exit: "shutdown" }],
  ["brutal_kill", "ended", "T32 abnormal", { exit: "T32 abnormal" }],
  ["brutal_kill", "ended", "normal", { exit: "normal" }],
  [1_000, "running", undefined, { exit: "killed" }],
  [1_000, "running", "T32 abnormal", { exit: "T32 abnormal" }],
  [1_000, "running", "normal", { exit: "normal" }],
  ["infinity", "running", "shutdown", undefined],
  [1_000, "ended", "shutdown", undefined],
  [1_000, "ended", "killed", { exit: "killed" }],
  [1_000, "ended", "T32 abnormal", { exit: "T32 abnormal" }],
  [1_000, "ended", "normal", { exit: "normal" }],
];

describe("T32 shutdown answers by how the task ends", () => {
  test.each(outcomes)(
    "T32 shutdown %s of a task that is %s and ends with %s",
    async (shutdownMs, when, reason, outcome) => {
      const { run, clock } = createPlace();
      await run(async (context) => {
        trapExit();
        const task = Task.async<unknown>(stubborn(when === "running" ? (reason as string | undefined) : undefined));
        await quiet();
        if (when === "ended") {
          processOf(task).end(reason ?? "normal");
          await quiet();
        }
        const ending = Task.shutdown(task, { shutdownMs });
        await quiet();
        if (typeof shutdownMs === "number") clock.advance(shutdownMs);
        expect(await ending).toEqual(outcome);
        expect(processOf(task).alive).toBe(false);
        const messages = await leftovers(context);
        expect(messages.filter((message) => (message as { type: string }).type !== "EXIT")).toEqual([]);
        expect(clock.pending).toBe(0);
      });
    },
  );
});

test("T34 shutdown of a task whose outcome was taken before gives noproc", async () => {
  await createPlace().run(async () => {
    const task = Task.async(() => "result");
    expect(await Task.await(task)).toBe("result");
    expect(await Task.shutdown(task)).toEqual({ exit: "noproc" });
    expect(await Task.shutdown(task, { shutdownMs: "brutal_kill" })).toEqual({ exit: "noproc" });
  });
});

test("T35 shutdown unlinks first: a caller that does not trap exits survives it", async () => {
  await createPlace().run(async ({ self }) => {
    for (const shutdownMs of ["brutal_kill", 5_000] as const) {
      const task = Task.async(never);
      expect(self.links?.has(processOf(task))).toBe(true);
      expect(await Task.shutdown(task, { shutdownMs })).toBeUndefined();
    }
    await quiet();
    expect(self.alive).toBe(true);
  });
});
