/** Conformance rows T36 to T49: the same work for many items. */

import { describe, expect, test } from "vitest";
import { CallerError, ProcessError } from "../../../src/errors.ts";
import { self } from "../../../src/otp/process/current.ts";
import { exit, trapExit } from "../../../src/otp/process/link.ts";
import type { Process } from "../../../src/otp/process/process.ts";
import { Exit } from "../../../src/otp/report/exit-reason.ts";
import { callers } from "../../../src/otp/start/callers.ts";
import { exited } from "../../../src/otp/start/names.ts";
import type { AsyncStreamOptions } from "../../../src/otp/task/options.ts";
import { Task } from "../../../src/otp/task/task.ts";
import { collect, createPlace, leftovers, never, type Place } from "../in-process.ts";
import { quiet } from "../scripted.ts";
import { rejection } from "../support.ts";

/** Takes as many ms as it is told, and answers that. */
const sleep = (place: Place) => (ms: number) =>
  new Promise<number>((resolve) => void place.clock.setTimeout(() => resolve(ms), ms));

/** Moves time in steps of 1 ms until a promise settles. */
async function elapse<T>(place: Place, promise: Promise<T>): Promise<T> {
  let settled = false;
  const settle = () => {
    settled = true;
  };
  promise.then(settle, settle);
  for (let ms = 0; !settled && ms < 1_000; ms += 1) {
    await quiet();
    place.clock.advance(1);
  }
  return promise;
}

const ok = (...results: unknown[]) => results.map((result) => ({ ok: result }));

test("T36 a task that takes longer than the timeout ends the stream for its consumer, and no message comes", async () => {
  const place = createPlace();
  await place.run(async (context) => {
    const stream = Task.asyncStream([never], (work) => work(), { timeoutMs: 0 });
    const collecting = rejection(collect(stream));
    await quiet();
    place.clock.advance(0);
    const error = await collecting;
    expect(error).toBeInstanceOf(ProcessError);
    expect(error).toMatchObject({ code: "timeout", reason: "timeout" });
    await quiet();
    expect(await leftovers(context)).toEqual([]);
    expect(context.self.links?.size ?? 0).toBe(0);
  });
  await quiet();
  expect(place.runtime.processCount).toBe(0);
});

test("T37 an unordered stream gives the outcomes as they come", async () => {
  const place = createPlace();
  await place.run(async () => {
    const stream = (maxConcurrency: number) =>
      elapse(place, collect(Task.asyncStream([4, 1, 2, 3], sleep(place), { ordered: false, maxConcurrency })));
    expect(await stream(1)).toEqual(ok(4, 1, 2, 3));
    expect(await stream(4)).toEqual(ok(1, 2, 3, 4));
  });
});

describe("T38 with onTimeout kill_task a task that takes too long is an outcome", () => {
  const late = { exit: "timeout" };
  test.each([
    [true, 1],
    [true, 4],
    [true, 8],
    [false, 1],
    [false, 4],
    [false, 8],
  ])("ordered %s, maxConcurrency %i", async (ordered, maxConcurrency) => {
    const place = createPlace();
    await place.run(async (context) => {
      const options = { ordered, maxConcurrency, onTimeout: "kill_task", timeoutMs: 50 } as const;
      const outcomes = await elapse(place, collect(Task.asyncStream([100, 1, 100, 1], sleep(place), options)));
      const asTheyCome = ordered || maxConcurrency === 1;
      expect(outcomes).toEqual(asTheyCome ? [late, ...ok(1), late, ...ok(1)] : [...ok(1, 1), late, late]);
      await quiet();
      expect(await leftovers(context)).toEqual([]);
      expect(context.self.links?.size ?? 0).toBe(0);
    });
  });
});

describe("T39 options are checked at once", () => {
  test.each<[string, AsyncStreamOptions]>([
    ["maxConcurrency", { maxConcurrency: 0 }],
    ["maxConcurrency", { maxConcurrency: 1.5 }],
    ["onTimeout", { onTimeout: "unknown" as "exit" }],
    ["timeoutMs", { timeoutMs: -1 }],
    ["timeoutMs", { timeoutMs: "soon" as "infinity" }],
    ["ordered", { ordered: "yes" as unknown as boolean }],
  ])("%s of %j", (field, options) => {
    const start = () => Task.asyncStream([1], (item) => item, options);
    expect(start).toThrow(CallerError);
    expect(start).toThrow(expect.objectContaining({ code: "invalid_argument", field: `options.${field}` }));
  });

  test("T39 a timeout of infinity is one", async () => {
    const place = createPlace();
    await place.run(async () => {
      expect(await collect(Task.asyncStream([1, 2], (item) => item, { timeoutMs: "infinity" }))).toEqual(ok(1, 2));
    });
    expect(place.clock.pending).toBe(0);
  });
});

describe("T41 (adapted: async iterators) the consumer of a stream", () => {
  test("T41 is the caller of its tasks, also when it was made elsewhere (adapted: callers())", async () => {
    const place = createPlace();
    const stream = Task.asyncStream([1], () => callers());
    await place.run(async ({ self: parent }) => {
      const task = Task.async(async ({ self: consumer }) => ({ consumer, outcomes: await collect(stream) }));
      const { consumer, outcomes } = await Task.await(task);
      expect(outcomes).toEqual([{ ok: [consumer, parent] }]);
    });
  });

  test("T41 may halt a stream that is made of another (adapted: async iterators)", async () => {
    await createPlace().run(async () => {
      const inner = Task.asyncStream([1, 2, 3, 4], (item) => item * 2);
      const outer = Task.asyncStream(inner, (outcome) => ("ok" in outcome ? outcome.ok + 1 : 0));
      const taken: unknown[] = [];
      for await (const outcome of outer) {
        taken.push(outcome);
        if (taken.length === 2) break;
      }
      expect(taken).toEqual(ok(3, 5));
    });
  });
});

describe("T42 results come in the order of the items", () => {
  const cases = [
    [[1, 2, 3, 4], 4],
    [[1, 2, 3, 4], 2],
    [[1, 2, 3, 4], 6],
    [[4, 3, 2, 1], 4],
    [[4, 3, 2, 1], 2],
    [[4, 3, 2, 1], 6],
  ] as const;
  test.each(cases)("T42 %j, %i at a time", async (items, maxConcurrency) => {
    const place = createPlace();
    await place.run(async (context) => {
      let running = 0;
      let most = 0;
      const work = async (ms: number) => {
        running += 1;
        most = Math.max(most, running);
        await sleep(place)(ms);
        running -= 1;
        return ms;
      };
      expect(await elapse(place, collect(Task.asyncStream(items, work, { maxConcurrency })))).toEqual(ok(...items));
      expect(most).toBe(Math.min(maxConcurrency, items.length));
      expect(await leftovers(context)).toEqual([]);
    });
  });
});

test("T44 leaving the loop ends the tasks that run and leaves neither links nor messages", async () => {
  const place = createPlace();
  const started: Process[] = [];
  await place.run(async (context) => {
    trapExit();
    const work = (item: number) => {
      started.push(self());
      return item === 0 ? item : never();
    };
    const taken: unknown[] = [];
    for await (const outcome of Task.asyncStream([0, 1, 2, 3], work, { maxConcurrency: 4 })) {
      taken.push(outcome);
      break;
    }
    expect(taken).toEqual(ok(0));
    await quiet();
    expect(started.map(({ alive }) => alive)).toEqual([false, false, false, false]);
    expect(context.self.links?.size ?? 0).toBe(0);
    expect(context.self.exitHooks?.size ?? 0).toBe(1);
    expect(await leftovers(context)).toEqual([]);
  });
  await quiet();
  expect(place.runtime.processCount).toBe(0);
});

test("T44 a consumer that is killed takes its tasks with it, and what it reads from is closed", async () => {
  const place = createPlace();
  const tasks: Process[] = [];
  let closed = 0;
  let after = false;
  function* items() {
    try {
      for (let item = 0; ; item += 1) yield item;
    } finally {
      closed += 1;
    }
  }
  const killed = place.run(async ({ self: consumer }) => {
    const work = async () => {
      tasks.push(self());
      if (tasks.length === 3) queueMicrotask(() => exit(consumer, "kill"));
      await never();
    };
    for await (const _outcome of Task.asyncStream(items(), work, { maxConcurrency: 3 })) after = true;
    after = true;
  });
  await expect(killed).rejects.toThrow("killed");
  await quiet();
  expect(tasks.map(({ alive }) => alive)).toEqual([false, false, false]);
  expect({ closed, after }).toEqual({ closed: 1, after: false });
});

describe("T45 streams can be zipped: each iteration is a run of its own (adapted: two iterators)", () => {
  async function zip<T>(stream: AsyncIterable<T>): Promise<[T, T][]> {
    const [left, right] = [stream[Symbol.asyncIterator](), stream[Symbol.asyncIterator]()];
    const pairs: [T, T][] = [];
    for (;;) {
      const [a, b] = [await left.next(), await right.next()];
      if (a.done === true || b.done === true) return pairs;
      pairs.push([a.value, b.value]);
    }
  }

  test.each([[[1, 2, 3, 4]], [[4, 3, 2, 1]]])("T45 with success, of %j", async (items) => {
    const place = createPlace();
    await place.run(async () => {
      const stream = Task.asyncStream(items, sleep(place), { maxConcurrency: 4 });
      expect(await elapse(place, zip(stream))).toEqual(items.map((item) => ok(item, item)));
    });
  });

  test("T45 with failures", async () => {
    await createPlace().run(async (context) => {
      trapExit();
      const fail = (item: number): number => {
        throw new Exit(`T45 fails ${item}`);
      };
      const stream = Task.asyncStream([1, 2], fail, { maxConcurrency: 4 });
      const exits = (item: number) => ({ exit: `T45 fails ${item}` });
      expect(await zip(stream)).toEqual([
        [exits(1), exits(1)],
        [exits(2), exits(2)],
      ]);
      expect(await leftovers(context)).toEqual([]);
    });
  });
});

describe("T46 a halt takes exactly the outcomes it takes", () => {
  async function* take<T>(count: number, source: AsyncIterable<T> | Iterable<T>): AsyncGenerator<T> {
    let left = count;
    if (left === 0) return;
    for await (const item of source) {
      yield item;
      left -= 1;
      if (left === 0) return;
    }
  }
  const fails = (): never => {
    throw new Exit("T46 fails");
  };

  test("T46 before the stream, with success and with failure", async () => {
    await createPlace().run(async () => {
      trapExit();
      expect(await collect(Task.asyncStream(take(2, [1, 2, 3, 4]), (item) => item))).toEqual(ok(1, 2));
      const failing = await collect(Task.asyncStream(take(2, [1, 2, 3, 4]), fails));
      expect(failing).toEqual([{ exit: "T46 fails" }, { exit: "T46 fails" }]);
    });
  });

  test("T46 after the stream, with success, with failure and with the slowest first", async () => {
    const place = createPlace();
    await place.run(async (context) => {
      trapExit();
      expect(
        await collect(
          take(
            2,
            Task.asyncStream([1, 2, 3, 4], (item) => item),
          ),
        ),
      ).toEqual(ok(1, 2));
      expect(await collect(take(1, Task.asyncStream([1, 2], fails)))).toEqual([{ exit: "T46 fails" }]);
      const slowest = take(2, Task.asyncStream([4, 3, 2, 1], sleep(place), { maxConcurrency: 4 }));
      expect(await elapse(place, collect(slowest))).toEqual(ok(4, 3));
      await quiet();
      expect(await leftovers(context)).toEqual([]);
      expect(context.self.links?.size ?? 0).toBe(0);
    });
  });
});

describe("T47 what surrounds a stream is closed once, at its end", () => {
  async function* effect<T>(log: string[], name: string, source: AsyncIterable<T> | Iterable<T>): AsyncGenerator<T> {
    try {
      yield* source;
    } finally {
      log.push(name);
    }
  }

  test.each(["completely", "in part"])("T47 read %s", async (how) => {
    await createPlace().run(async () => {
      const log: string[] = [];
      const stream = Task.asyncStream(effect(log, "inner", [1, 2, 3]), (item) => item, { maxConcurrency: 1 });
      for await (const _outcome of effect(log, "outer", stream)) {
        expect(log).toEqual([]);
        if (how === "in part") break;
      }
      expect(log).toEqual(["inner", "outer"]);
    });
  });

  test("T47 by a source that fails", async () => {
    await createPlace().run(async () => {
      const log: string[] = [];
      async function* broken() {
        yield 1;
        throw new Error("T47 the source breaks");
      }
      const stream = Task.asyncStream(effect(log, "inner", broken()), (item) => item);
      await expect(collect(effect(log, "outer", stream))).rejects.toThrow("T47 the source breaks");
      expect(log).toEqual(["inner", "outer"]);
    });
  });
});

test("T48 zipInputOnExit puts the item beside the reason of a timeout or a failure", async () => {
  const place = createPlace();
  await place.run(async () => {
    trapExit();
    const options = { zipInputOnExit: true, onTimeout: "kill_task", timeoutMs: 50 } as const;
    const late = await elapse(place, collect(Task.asyncStream([1, 100], sleep(place), options)));
    expect(late).toEqual([{ ok: 1 }, { exit: { input: 100, reason: "timeout" } }]);
    const fail = (_item: string): string => {
      throw new Exit("T48 fails");
    };
    const [failed] = await collect(Task.asyncStream(["T48"], fail, { zipInputOnExit: true }));
    expect(failed !== undefined && "exit" in failed && failed.exit.input.toUpperCase()).toBe("T48");
    expect(failed).toEqual({ exit: { input: "T48", reason: "T48 fails" } });
  });
});

test("T49 a task that raises is reported once, with label, starter, code and reason (adapted: a report, process.crashed)", async () => {
  const place = createPlace();
  const failure = new Error("T49 raised");
  const parent = await place.run(async ({ self: starter }) => {
    async function fetchPage(): Promise<never> {
      throw failure;
    }
    await exited(Task.start(fetchPage));
    await exited(Task.start(fetchPage, { label: "the labelled one" }));
    return String(starter);
  });
  const crashes = place.reports.filter(({ type }) => type === "process.crashed");
  expect(crashes).toHaveLength(2);
  expect(crashes).toMatchObject([
    {
      process: expect.stringContaining("task fetchPage"),
      reason: failure,
      state: { starter: parent, code: "fetchPage" },
    },
    { process: expect.stringContaining("the labelled one"), reason: failure, state: { starter: parent } },
  ]);
});
