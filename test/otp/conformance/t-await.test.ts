/** Conformance rows T10 to T19: waiting for one task and for many. */

import { describe, expect, test } from "vitest";
import { CallerError, ProcessError } from "../../../src/errors.ts";
import { exit, trapExit } from "../../../src/otp/process/link.ts";
import { Exit } from "../../../src/otp/report/exit-reason.ts";
import { register } from "../../../src/otp/start/names.ts";
import { Task } from "../../../src/otp/task/task.ts";
import { createPlace, leftovers, never, processOf } from "../in-process.ts";
import { quiet } from "../scripted.ts";
import { rejection } from "../support.ts";

test("T10 after an await that timed out neither the reply nor DOWN arrives", async () => {
  await createPlace().run(async (context) => {
    const go = Promise.withResolvers<void>();
    const task = Task.async(() => go.promise);
    await expect(Task.await(task, { timeoutMs: 0 })).rejects.toMatchObject({ code: "timeout" });
    go.resolve();
    await quiet();
    expect(processOf(task).alive).toBe(false);
    expect(await leftovers(context)).toEqual([]);
  });
});

test("T11 await of a task that does not answer rejects at its timeout, 5,000 ms by default, and leaves the task alone", async () => {
  const { run, clock } = createPlace();
  await run(async () => {
    const task = Task.async(never);
    const zero = await rejection(Task.await(task, { timeoutMs: 0 }));
    expect(zero).toBeInstanceOf(ProcessError);
    expect(zero).toMatchObject({ code: "timeout", reason: "timeout", call: { target: task } });
    expect((zero as ProcessError).call?.message).toEqual({ type: "task.await", timeoutMs: 0 });

    const other = Task.async(never);
    let settled = false;
    const waiting = Task.await(other).finally(() => {
      settled = true;
    });
    waiting.catch(() => undefined);
    clock.advance(4_999);
    await quiet();
    expect(settled).toBe(false);
    clock.advance(1);
    await expect(waiting).rejects.toMatchObject({ code: "timeout", call: { message: { timeoutMs: 5_000 } } });
    expect(processOf(task).alive).toBe(true);
    expect(processOf(other).alive).toBe(true);
    expect(clock.pending).toBe(0);
  });
});

test("T12 await of a task that ends normal without a reply rejects with that reason", async () => {
  await createPlace().run(async () => {
    const task = Task.async(() => {
      throw new Exit("normal");
    });
    await expect(Task.await(task)).rejects.toMatchObject({ code: "exited", reason: "normal", call: { target: task } });
  });
});

describe("T13 await of a task that fails rejects with its reason, and with it as the cause (adapted: a rejected promise)", () => {
  const failure = new RangeError("T13 raised");
  const cases: [string, () => unknown, (reason: unknown) => void][] = [
    [
      "a value that is no Error",
      () => {
        throw "T13 thrown";
      },
      (reason) => expect(reason).toMatchObject({ cause: "T13 thrown" }),
    ],
    [
      "an Error",
      () => {
        throw failure;
      },
      (reason) => expect(reason).toBe(failure),
    ],
    [
      "an undefined function",
      () => (undefined as unknown as () => void)(),
      (reason) => expect(reason).toBeInstanceOf(TypeError),
    ],
    [
      "an exit",
      () => {
        throw new Exit("T13 exit");
      },
      (reason) => expect(reason).toBe("T13 exit"),
    ],
    ["a rejection", () => Promise.reject(failure), (reason) => expect(reason).toBe(failure)],
  ];
  test.each(cases)("%s", async (_what, code, check) => {
    await createPlace().run(async ({ self }) => {
      trapExit();
      const task = Task.async(code);
      const error = (await rejection(Task.await(task))) as ProcessError;
      expect(error).toMatchObject({ name: "ProcessError", code: "exited" });
      check(error.reason);
      expect(error.cause).toBe(error.reason instanceof Error ? error.reason : undefined);
      expect(self.alive).toBe(true);
    });
  });
});

test("T14 await of a task whose connection is lost rejects with noconnection, named or not (adapted: noconnection is a lost transport)", async () => {
  await createPlace().run(async () => {
    trapExit();
    const plain = Task.async(never);
    const named = Task.async(never);
    register("T14 named", processOf(named));
    exit(processOf(plain), "noconnection");
    exit("T14 named", "noconnection");
    for (const task of [plain, named]) {
      await expect(Task.await(task)).rejects.toMatchObject({ code: "exited", reason: "noconnection" });
    }
  });
});

test("T15 who does not own a task cannot wait for it, ignore it or shut it down; the error names both (adapted: it rejects, and a task started outside any process belongs to everybody)", async () => {
  const place = createPlace();
  const { task, owner } = await place.run(({ self }) => ({ task: Task.async(never), owner: self }));
  await place.run(async ({ self }) => {
    const asked = [
      Task.await(task),
      Task.awaitMany([task]),
      Task.yield(task),
      Task.yieldMany([task]),
      Task.shutdown(task),
      (async () => Task.ignore(task))(),
    ];
    for (const promise of asked) {
      const error = await rejection(promise);
      expect(error).toBeInstanceOf(CallerError);
      expect(error).toMatchObject({ code: "invalid_argument", field: "task", value: task });
      expect((error as Error).message).toContain(String(owner));
      expect((error as Error).message).toContain(String(self));
    }
  });
  await expect(Task.await(task)).rejects.toMatchObject({ code: "invalid_argument" });
  expect(processOf(task).alive).toBe(true);
  exit(processOf(task), "kill");

  const everybodys = Task.async(() => "free", { runtime: place.runtime });
  expect(await place.run(() => Task.await(everybodys))).toBe("free");
});

describe("T16 awaitMany gives the results in the order of the tasks", () => {
  test("T16 when the replies come in another order", async () => {
    await createPlace().run(async (context) => {
      const gates = [1, 2, 3].map(() => Promise.withResolvers<number>());
      const tasks = gates.map(({ promise }) => Task.async(() => promise));
      const waiting = Task.awaitMany(tasks);
      for (const index of [2, 0, 1]) {
        gates[index]?.resolve(index * 10);
        await quiet();
      }
      expect(await waiting).toEqual([0, 10, 20]);
      expect(await leftovers(context)).toEqual([]);
    });
  });

  test("T16 of no tasks at once", async () => {
    expect(await createPlace().run(() => Task.awaitMany([], { timeoutMs: 0 }))).toEqual([]);
  });

  test("T16 with their own types", async () => {
    const [text, number] = await createPlace().run(() =>
      Task.awaitMany([Task.async(() => "text"), Task.async(async () => 7)]),
    );
    expect([text.toUpperCase(), number.toFixed(1)]).toEqual(["TEXT", "7.0"]);
  });
});

test("T18 awaitMany rejects for the whole group when one does not answer in time", async () => {
  const { run, clock } = createPlace();
  await run(async (context) => {
    const go = Promise.withResolvers<void>();
    const tasks = [Task.completed(1), Task.async(() => go.promise)];
    await expect(Task.awaitMany(tasks, { timeoutMs: 0 })).rejects.toMatchObject({
      code: "timeout",
      call: { target: tasks, message: { type: "task.await_many", timeoutMs: 0 } },
    });
    const late = [Task.async(never), Task.async(() => 1)];
    const waiting = rejection(Task.awaitMany(late));
    clock.advance(5_000);
    expect(await waiting).toMatchObject({ code: "timeout" });
    go.resolve();
    await quiet();
    expect(await leftovers(context)).toEqual([]);
  });
});

test("T19 awaitMany rejects at the first failure and takes the monitors of the others back", async () => {
  const failures: [() => never, unknown][] = [
    [
      () => {
        throw new Exit("T19 exit");
      },
      "T19 exit",
    ],
    [
      () => {
        throw new Error("T19 crash");
      },
      new Error("T19 crash"),
    ],
    [
      () => {
        throw "T19 thrown";
      },
      new Error("thrown: T19 thrown"),
    ],
  ];
  for (const [code, reason] of failures) {
    await createPlace().run(async (context) => {
      trapExit();
      const open = Task.async(never);
      const failing = Task.async(code);
      await expect(Task.awaitMany([open, failing])).rejects.toMatchObject({ code: "exited", reason });
      expect(processOf(open).alive).toBe(true);
      expect([...(processOf(open).watchers ?? [])]).toEqual([]);
      exit(processOf(open), "shutdown");
      await quiet();
      expect((await leftovers(context)).map((message) => (message as { type: string }).type)).toEqual(["EXIT", "EXIT"]);
    });
  }
});
