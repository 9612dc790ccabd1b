import { describe, expect, expectTypeOf, test } from "vitest";
import { Exit, type ExitReason } from "../../../src/otp/report/exit-reason.ts";
import type { DynamicSupervisor } from "../../../src/otp/supervisor/dynamic.ts";
import type { StreamOutcome } from "../../../src/otp/task/async-stream.ts";
import { startTaskSupervisor, TaskSupervisor } from "../../../src/otp/task/supervisor.ts";
import { Task } from "../../../src/otp/task/task.ts";
import { collect, createPlace, leftovers, never } from "../in-process.ts";
import { quiet } from "../scripted.ts";
import { createThenable, rejection } from "../support.ts";

const raise = (error: Error): never => {
  throw error;
};

describe("the items of a stream", () => {
  test("are read as there is room for them, and not before the first outcome is asked for", async () => {
    await createPlace().run(async () => {
      const read: number[] = [];
      function* items() {
        for (let item = 0; item < 20; item += 1) {
          read.push(item);
          yield item;
        }
      }
      const iterator = Task.asyncStream(items(), (item) => (item === 0 ? item : never()))[Symbol.asyncIterator]();
      await quiet();
      expect(read).toEqual([]);
      expect(await iterator.next()).toEqual({ done: false, value: { ok: 0 } });
      expect(read).toEqual([0, 1, 2, 3, 4, 5, 6, 7]);
      await quiet();
      expect(read).toHaveLength(8);
      // One more in the place of the first, when the next outcome is asked for.
      const next = iterator.next();
      await quiet();
      expect(read).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8]);
      await iterator.return?.();
      expect(await next).toEqual({ done: true, value: undefined });
    });
  });

  test("may come from an asynchronous source, which does not hold outcomes back", async () => {
    await createPlace().run(async () => {
      const more = Promise.withResolvers<void>();
      async function* items() {
        yield 1;
        await more.promise;
        yield 2;
      }
      const iterator = Task.asyncStream(items(), (item) => item * 10)[Symbol.asyncIterator]();
      expect(await iterator.next()).toEqual({ done: false, value: { ok: 10 } });
      more.resolve();
      expect(await iterator.next()).toEqual({ done: false, value: { ok: 20 } });
      expect(await iterator.next()).toEqual({ done: true, value: undefined });
    });
  });

  test("that cannot be read end the stream with the error of their source, and its tasks", async () => {
    const { run, runtime } = createPlace();
    await run(async (context) => {
      function* items() {
        yield 1;
        throw new Error("the items cannot be read");
      }
      expect(await rejection(collect(Task.asyncStream(items(), never)))).toMatchObject({
        message: "the items cannot be read",
      });
      await quiet();
      expect(runtime.processCount).toBe(1);
      expect(await leftovers(context)).toEqual([]);
    });
  });

  const broken = new Error("the second item is broken");
  test.each<[string, () => unknown, object]>([
    ["throws", () => raise(broken), broken],
    ["rejects", () => Promise.reject(broken), broken],
    ["answers a promise that rejects", () => ({ done: false, value: Promise.reject(broken) }), broken],
    ["answers no iterator result", () => undefined, { code: "invalid_argument", field: "inputs.next()" }],
    ["comes to no iterator result", async () => 7, { code: "invalid_argument", field: "inputs.next()", value: 7 }],
  ])("end the stream when their source %s, and the source is closed once", async (_how, second, error) => {
    const { run, runtime } = createPlace();
    await run(async (context) => {
      let reads = 0;
      let closed = 0;
      const iterator = {
        next() {
          reads += 1;
          return reads === 1 ? { done: false, value: 1 } : second();
        },
        return() {
          closed += 1;
          return { done: true, value: undefined };
        },
      };
      const items = { [Symbol.asyncIterator]: () => iterator } as unknown as AsyncIterable<number>;
      expect(await rejection(collect(Task.asyncStream(items, never)))).toMatchObject(error);
      expect([reads, closed, runtime.processCount]).toEqual([2, 1, 1]);
      expect(await leftovers(context)).toEqual([]);
    });
  });

  test("are awaited when they are promises, in the order they come", async () => {
    await createPlace().run(async () => {
      const promises = [Promise.resolve(1), Promise.resolve(2)];
      const stream = Task.asyncStream(promises, (item) => {
        expectTypeOf(item).toEqualTypeOf<number>();
        return item * 10;
      });
      expect(await collect(stream)).toEqual([{ ok: 10 }, { ok: 20 }]);
      const thenables = [createThenable<string>((resolve) => void resolve?.("a") as never)];
      expect(await collect(Task.asyncStream(thenables, (item) => item.toUpperCase()))).toEqual([{ ok: "A" }]);
    });
  });

  test("have to be iterable, and the work a function", () => {
    const bad = (field: string) => expect.objectContaining({ code: "invalid_argument", field });
    expect(() => Task.asyncStream(7 as never, (item) => item)).toThrow(bad("inputs"));
    expect(() => Task.asyncStream([7], "work" as never)).toThrow(bad("code"));
  });

  test("have to give an iterator", async () => {
    const { run, runtime } = createPlace();
    await run(async ({ self }) => {
      for (const iterator of [undefined, {}]) {
        const items = { [Symbol.iterator]: () => iterator } as unknown as Iterable<number>;
        const refused = { code: "invalid_argument", field: "inputs" };
        expect(await rejection(collect(Task.asyncStream(items, never)))).toMatchObject(refused);
      }
      expect([runtime.processCount, self.exitHooks?.size]).toEqual([1, 1]);
    });
  });
});

describe("a consumer that leaves", () => {
  test("while an outcome is under way ends what runs and does not wait for it", async () => {
    const { run, runtime } = createPlace();
    await run(async () => {
      const iterator = Task.asyncStream([1, 2], never)[Symbol.asyncIterator]();
      const next = iterator.next();
      await quiet();
      expect(runtime.processCount).toBe(3);
      await iterator.return?.();
      expect(await next).toEqual({ done: true, value: undefined });
      expect(runtime.processCount).toBe(1);
    });
  });

  test("does not wait for a source that is being read", async () => {
    await createPlace().run(async () => {
      let closed = false;
      const more = Promise.withResolvers<void>();
      async function* items() {
        try {
          yield 1;
          await more.promise;
        } finally {
          closed = true;
        }
      }
      for await (const outcome of Task.asyncStream(items(), (item) => item)) {
        expect(outcome).toEqual({ ok: 1 });
        break;
      }
      expect(closed).toBe(false);
      more.resolve();
      await quiet();
      expect(closed).toBe(true);
    });
  });

  test("before it has begun starts nothing", async () => {
    const { run, runtime } = createPlace();
    await run(async () => {
      const iterator = Task.asyncStream([1], never)[Symbol.asyncIterator]();
      await iterator.return?.();
      expect(await iterator.next()).toEqual({ done: true, value: undefined });
      expect(runtime.processCount).toBe(1);
    });
  });
});

describe("outside any process", () => {
  test("a failure rejects, and the other tasks end", async () => {
    const started: { readonly alive: boolean }[] = [];
    const work = (item: number, { self }: { self: { readonly alive: boolean } }) => {
      started.push(self);
      if (item === 2) throw new Exit("outside any process");
      return never();
    };
    const collecting = collect(Task.asyncStream([1, 2, 3], work));
    await expect(collecting).rejects.toMatchObject({ code: "exited", reason: "outside any process" });
    expect(started.map(({ alive }) => alive)).toEqual([false, false, false]);
  });

  test("outcomes are what they are elsewhere", async () => {
    expect(await collect(Task.asyncStream([1, 2, 3], (item) => item * 2))).toEqual([{ ok: 2 }, { ok: 4 }, { ok: 6 }]);
  });
});

describe("an endless source", () => {
  const streams = {
    "Task.asyncStream": (_supervisor, items, work) => Task.asyncStream(items, work),
    "TaskSupervisor.asyncStream": (supervisor, items, work) => TaskSupervisor.asyncStream(supervisor, items, work),
    "TaskSupervisor.asyncStreamNolink": (supervisor, items, work) =>
      TaskSupervisor.asyncStreamNolink(supervisor, items, work),
  } satisfies Record<
    string,
    (
      supervisor: DynamicSupervisor,
      items: Iterable<number>,
      work: (item: number) => Promise<number> | number,
    ) => AsyncIterable<StreamOutcome<number, number>>
  >;

  test.each(Object.entries(streams))("is read no faster than %s is", async (_name, stream) => {
    const { run, runtime } = createPlace();
    const supervisor = await startTaskSupervisor({}, { runtime });
    await run(async () => {
      let read = 0;
      let closed = 0;
      function* items() {
        try {
          for (;;) {
            read += 1;
            yield read;
          }
        } finally {
          closed += 1;
        }
      }
      let taken = 0;
      for await (const outcome of stream(supervisor, items(), (item) => item)) {
        taken += 1;
        expect(outcome).toEqual({ ok: taken });
        expect(read - taken).toBeLessThan(8);
        if (taken === 50) break;
      }
      expect(closed).toBe(1);
      await quiet();
      expect([read - taken < 8, runtime.processCount]).toEqual([true, 2]);
    });
    await supervisor.stop();
  });

  test.each(Object.entries(streams))(
    "of work that is done at once leaves the event loop its turns: %s",
    async (_name, stream) => {
      const { run, runtime } = createPlace();
      const supervisor = await startTaskSupervisor({}, { runtime });
      await run(async () => {
        function* items() {
          for (let item = 0; ; item += 1) yield item;
        }
        let turns = 0;
        const count = (): void => {
          turns += 1;
          if (turns < 3) setImmediate(count);
        };
        setImmediate(count);
        let taken = 0;
        for await (const _outcome of stream(supervisor, items(), (item) => item)) {
          taken += 1;
          if (turns === 3 || taken === 100_000) break;
        }
        expect(turns).toBe(3);
      });
      await supervisor.stop();
    },
  );

  test("stands still behind a slow task whose outcome comes first, and goes on in an unordered stream", async () => {
    await createPlace().run(async () => {
      for (const ordered of [true, false]) {
        const slow = Promise.withResolvers<number>();
        let read = 0;
        function* items() {
          for (;;) {
            yield read;
            read += 1;
          }
        }
        const work = (item: number) => (item === 0 ? slow.promise : item);
        const iterator = Task.asyncStream(items(), work, { ordered, maxConcurrency: 4 })[Symbol.asyncIterator]();
        const first = iterator.next();
        await quiet();
        expect(read).toBe(3);
        if (ordered) slow.resolve(0);
        expect(await first).toEqual({ done: false, value: { ok: ordered ? 0 : 1 } });
        for (let item = 0; item < 20; item += 1) await iterator.next();
        expect(read).toBeGreaterThan(20);
        await iterator.return?.();
      }
    });
  });
});

test("ten thousand items go through few tasks", async () => {
  const { run, runtime } = createPlace();
  await run(async () => {
    let most = 0;
    let sum = 0;
    const items = Array.from({ length: 10_000 }, (_, index) => index);
    const work = (item: number) => {
      most = Math.max(most, runtime.processCount);
      return item;
    };
    for await (const outcome of Task.asyncStream(items, work, { ordered: false }))
      if ("ok" in outcome) sum += outcome.ok;
    expect(sum).toBe(49_995_000);
    // The tasks and the consumer.
    expect(most).toBeLessThanOrEqual(8 + 1);
  });
});

test("outcomes have their types", () => {
  const plain = Task.asyncStream([1], (item) => String(item));
  expectTypeOf(plain).toExtend<AsyncIterable<{ readonly ok: string } | { readonly exit: ExitReason }>>();
  const zipped = Task.asyncStream(["a"], () => 1, { zipInputOnExit: true });
  type Zipped = { readonly exit: { readonly input: string; readonly reason: ExitReason } };
  expectTypeOf(zipped).toExtend<AsyncIterable<{ readonly ok: number } | Zipped>>();
});
