import { describe, expect, expectTypeOf, test } from "vitest";
import { Exit, type ExitReason } from "../../../src/otp/report/exit-reason.ts";
import { Task } from "../../../src/otp/task/task.ts";
import { collect, createPlace, leftovers, never } from "../in-process.ts";
import { quiet } from "../scripted.ts";
import { rejection } from "../support.ts";

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
      // Eight, and one more in the place of the first.
      expect(read).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8]);
      await iterator.return?.();
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

  test("have to be iterable, and the work a function", () => {
    const bad = (field: string) => expect.objectContaining({ code: "invalid_argument", field });
    expect(() => Task.asyncStream(7 as never, (item) => item)).toThrow(bad("inputs"));
    expect(() => Task.asyncStream([7], "work" as never)).toThrow(bad("code"));
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
    // The tasks, those that have answered and are about to end, and the consumer.
    expect(most).toBeLessThanOrEqual(8 * 2 + 1);
  });
});

test("outcomes have their types", () => {
  const plain = Task.asyncStream([1], (item) => String(item));
  expectTypeOf(plain).toExtend<AsyncIterable<{ readonly ok: string } | { readonly exit: ExitReason }>>();
  const zipped = Task.asyncStream(["a"], () => 1, { zipInputOnExit: true });
  type Zipped = { readonly exit: { readonly input: string; readonly reason: ExitReason } };
  expectTypeOf(zipped).toExtend<AsyncIterable<{ readonly ok: number } | Zipped>>();
});
