/** Rows about tasks, streams of them, and cells. */

import { expect } from "vitest";
import {
  castCell,
  fromCell,
  readAndUpdateCell,
  readCell,
  startCell,
  startSupervisor,
  stop,
  Task,
  updateCell,
} from "../../../src/otp/index.ts";
import { exportsOf } from "../../structure/source.ts";
import { createPlace, quiet } from "./place.ts";
import type { Differences } from "./table.ts";

/** A source of numbers that counts what was read, and tasks that wait for gates. */
function createSource() {
  const counts = { read: 0, running: 0, most: 0 };
  const gates = new Map<number, PromiseWithResolvers<number>>();
  function* numbers() {
    for (;;) {
      counts.read += 1;
      yield counts.read;
    }
  }
  const work = async (item: number) => {
    counts.running += 1;
    counts.most = Math.max(counts.most, counts.running);
    const gate = Promise.withResolvers<number>();
    gates.set(item, gate);
    const result = await gate.promise;
    counts.running -= 1;
    return result;
  };
  return { counts, numbers, work, finish: (item: number) => gates.get(item)?.resolve(item) };
}

/** Finishes items as soon as they have begun. */
async function finishAll(finish: (item: number) => void, items: readonly number[]): Promise<void> {
  for (const item of items) {
    await quiet();
    finish(item);
  }
  await quiet();
}

/** The rows. */
export const tasks: Differences = {
  "`async_stream`": {
    "it is an async iterable, and each iteration is a run of its own": async () => {
      const { inside } = createPlace();
      await inside(async () => {
        let begun = 0;
        const stream = Task.asyncStream([1, 2], (item) => {
          begun += 1;
          return item * 10;
        });
        await quiet();
        expect(begun).toBe(0);
        for (const round of [1, 2]) {
          const outcomes: unknown[] = [];
          for await (const outcome of stream) outcomes.push(outcome);
          expect([outcomes, begun]).toEqual([[{ ok: 10 }, { ok: 20 }], round * 2]);
        }
      });
    },
    "maxConcurrency is 8 by default": async () => {
      const { inside } = createPlace();
      await inside(async () => {
        const { counts, numbers, work, finish } = createSource();
        const outcomes = Task.asyncStream(numbers(), work)[Symbol.asyncIterator]();
        const first = outcomes.next();
        await quiet();
        expect(counts).toEqual({ read: 8, running: 8, most: 8 });
        finish(1);
        expect(await first).toEqual({ done: false, value: { ok: 1 } });
        await outcomes.return?.();
      });
    },
  },

  "an ordered `async_stream`": {
    "behind a slow item it stands still, with at most maxConcurrency items that are read and not handed out":
      async () => {
        const { inside } = createPlace();
        await inside(async () => {
          const { counts, numbers, work, finish } = createSource();
          const outcomes = Task.asyncStream(numbers(), work, { maxConcurrency: 3 })[Symbol.asyncIterator]();
          const first = outcomes.next();
          await finishAll(finish, [2, 3]);
          expect(counts).toMatchObject({ read: 3, running: 1 });
          finish(1);
          const handedOut = [await first, await outcomes.next(), await outcomes.next()];
          expect(handedOut.map(({ value }) => value)).toEqual([{ ok: 1 }, { ok: 2 }, { ok: 3 }]);
          await outcomes.return?.();
        });
      },
    "ordered: false goes on": async () => {
      const { inside } = createPlace();
      await inside(async () => {
        const { counts, numbers, work, finish } = createSource();
        const options = { maxConcurrency: 3, ordered: false };
        const outcomes = Task.asyncStream(numbers(), work, options)[Symbol.asyncIterator]();
        const handedOut: unknown[] = [];
        for (const item of [2, 3, 4, 5]) {
          const next = outcomes.next();
          await quiet();
          finish(item);
          handedOut.push((await next).value);
        }
        expect(handedOut).toEqual([{ ok: 2 }, { ok: 3 }, { ok: 4 }, { ok: 5 }]);
        expect(counts.read).toBeGreaterThan(5);
        expect(counts.most).toBe(3);
        await outcomes.return?.();
      });
    },
  },

  "Elixir's `Agent`": {
    "it is a cell: functions read and change it": async () => {
      const { runtime } = createPlace();
      const cell = await startCell(() => 1, { runtime });
      await updateCell(cell, (value) => value + 1);
      castCell(cell, (value) => value * 10);
      expect(await readCell(cell, (value) => value)).toBe(20);
      expect(await readAndUpdateCell(cell, (value) => [`was ${value}`, 0])).toBe("was 20");
      expect(await readCell(cell, (value) => value)).toBe(0);
      await stop(cell);
    },
    "under a supervisor it is fromCell": async () => {
      const { runtime } = createPlace();
      const logic = fromCell(() => "initial");
      const supervisor = await startSupervisor({ children: [{ id: "cell", logic }] }, { runtime });
      const { ref } = supervisor.whichChild("cell");
      expect(ref).toBeDefined();
      if (ref !== undefined) expect(await readCell(ref, (value) => value)).toBe("initial");
      await supervisor.stop();
    },
    "the word agent is kept for those of Python": () => {
      const { values, types } = exportsOf("otp/index.ts");
      expect([...values, ...types].filter((name) => /agent/i.test(name))).toEqual([]);
      expect(exportsOf("index.ts").values).toContain("defineAgent");
    },
  },
};
