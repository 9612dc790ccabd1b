import fc from "fast-check";
import { describe, expect, test, vi } from "vitest";
import { LogReader } from "../../src/agent/log-reader.ts";
import { RunLog } from "../../src/agent/run-log.ts";
import type { RunEvent } from "../../src/agent/run-result.ts";
import { CallerError } from "../../src/errors.ts";
import { rejection, within } from "../rpc/agent-server.ts";
import { turn } from "./scripted.ts";

const about = { runId: "run-of-readers", agentId: "poet", maxBytes: 1_000_000 };
const delta = (text: string): RunEvent => ({ type: "text.delta", seq: 0, step: 1, partIndex: 0, text });
const cancelled = (): RunEvent => ({ type: "cancelled", seq: 0, step: 1, reason: "enough" });

/** A reader that counts how often it has ended. */
function readerOf(log: RunLog, after = 0) {
  const ends: number[] = [];
  return { reader: new LogReader(log, after, () => ends.push(1)), ends };
}

async function readAll(reader: LogReader<unknown>): Promise<RunEvent[]> {
  const all: RunEvent[] = [];
  const reading = async () => {
    for await (const event of reader) all.push(event);
  };
  await within("the end of a reader", reading());
  return all;
}

test("a reader gets what has been and what comes, until the terminal event, and has ended once", async () => {
  const log = new RunLog(about);
  log.add(delta("a"), false);
  const { reader, ends } = readerOf(log);
  const reading = readAll(reader);
  await turn();
  log.add(delta("b"), false);
  log.add(cancelled(), true);
  expect((await reading).map(({ seq }) => seq)).toEqual([1, 2, 3]);
  await reader.return();
  expect([ends.length, await reader.next()]).toEqual([1, { done: true, value: undefined }]);
});

test("a reader that has had the terminal event gets nothing more", async () => {
  const log = new RunLog(about);
  log.add(cancelled(), true);
  const { reader, ends } = readerOf(log, 1);
  expect(await readAll(reader)).toEqual([]);
  expect(ends).toEqual([1]);
});

test("calls that wait are answered in their order, each with an event of its own", async () => {
  const log = new RunLog(about);
  const { reader } = readerOf(log);
  const calls = [reader.next(), reader.next(), reader.next(), reader.next()];
  await turn();
  log.add(delta("a"), false);
  log.add(delta("b"), false);
  await turn();
  calls.push(reader.next());
  log.add(cancelled(), true);
  const answers = await within("all answers", Promise.all(calls));
  expect(answers.map(({ value }) => value?.seq)).toEqual([1, 2, 3, undefined, undefined]);
});

test("a call that comes while the ones before are being answered is answered after them, whenever it comes", async () => {
  for (let ticks = 0; ticks < 12; ticks += 1) {
    const log = new RunLog(about);
    const { reader } = readerOf(log);
    const order: (number | undefined)[] = [];
    const call = () => reader.next().then(({ value }) => order.push(value?.seq));
    const calls = [call(), call()];
    await turn();
    for (const text of ["a", "b", "c"]) log.add(delta(text), false);
    for (let tick = 0; tick < ticks; tick += 1) await Promise.resolve();
    calls.push(call());
    await within("all answers", Promise.all(calls));
    expect(order, `after ${ticks} microtasks`).toEqual([1, 2, 3]);
  }
});

describe("leaving", () => {
  test.each(["return", "dispose", "throw"] as const)(
    "by %s answers a call that waits, and leaves nothing in the log",
    async (how) => {
      const log = new RunLog(about);
      const [wait, leave] = [vi.spyOn(log, "wait"), vi.spyOn(log, "leave")];
      const { reader, ends } = readerOf(log);
      const waiting = reader.next();
      await turn();
      if (how === "return") await reader.return();
      else if (how === "dispose") await reader[Symbol.asyncDispose]();
      else
        expect(await rejection(reader.throw(new Error("thrown into a reader")))).toMatchObject({
          message: "thrown into a reader",
        });
      expect(await within("the answer", waiting)).toEqual({ done: true, value: undefined });
      log.add(delta("a"), false);
      expect([await reader.next(), ends]).toEqual([{ done: true, value: undefined }, [1]]);
      expect(leave).toHaveBeenCalledWith(...(wait.mock.lastCall ?? []));
    },
  );
});

test("a reader that is too slow is told, with the first number that is kept, and is over", async () => {
  const log = new RunLog({ ...about, maxBytes: 2_000 });
  const { reader, ends } = readerOf(log);
  for (let count = 0; count < 1_000; count += 1) log.add(delta("word "), false);
  const error = (await rejection(reader.next())) as CallerError;
  expect(error).toBeInstanceOf(CallerError);
  expect(error).toMatchObject({ code: "events_expired", value: 0, firstSeq: log.firstSeq });
  expect(log.firstSeq).toBeGreaterThan(1);
  expect([ends, await reader.next()]).toEqual([[1], { done: true, value: undefined }]);
  const { reader: next } = readerOf(log, log.firstSeq - 1);
  expect(await next.next()).toMatchObject({ value: { seq: log.firstSeq } });
});

test("a reader that catches up leaves the event loop to others in between", async () => {
  const log = new RunLog(about);
  for (let count = 0; count < 10_000; count += 1) log.add(delta("word "), false);
  log.add(cancelled(), true);
  let turns = 0;
  let over = false;
  const count = () => {
    turns += 1;
    if (!over) setImmediate(count);
  };
  setImmediate(count);
  expect((await readAll(readerOf(log).reader)).length).toBe(10_001);
  over = true;
  expect(turns).toBeGreaterThan(20);
});

/** What happens between two turns. */
const happening = fc.oneof(
  { weight: 6, arbitrary: fc.record({ type: fc.constant("add" as const), count: fc.integer({ min: 1, max: 5 }) }) },
  {
    weight: 3,
    arbitrary: fc.record({ type: fc.constant("read" as const), pick: fc.nat(), count: fc.integer({ min: 1, max: 4 }) }),
  },
  { weight: 2, arbitrary: fc.record({ type: fc.constant("attach" as const), pick: fc.nat() }) },
  { weight: 1, arbitrary: fc.record({ type: fc.constant("leave" as const), pick: fc.nat() }) },
  { weight: 2, arbitrary: fc.record({ type: fc.constant("turn" as const) }) },
);

test("however events, readers and leaving are mixed: each reader has every number after its own once and in order, or is told of a gap", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(happening, { maxLength: 80, size: "max" }),
      fc.constantFrom(1_024, 1_000_000),
      async (happenings, maxBytes) => {
        const log = new RunLog({ ...about, maxBytes });
        const readers: {
          reader: LogReader<unknown>;
          after: number;
          got: number[];
          failed?: CallerError;
          left?: true;
        }[] = [];
        const texts: string[] = [];
        const wrong: unknown[] = [];
        const calls: Promise<void>[] = [];
        const read = (one: (typeof readers)[number]) => {
          const call = one.reader.next().then(
            ({ done, value }) => {
              if (done === true) return;
              one.got.push(value.seq);
              if (value.type === "text.delta" && value.text !== texts[value.seq - 1]) wrong.push(value);
            },
            (error: CallerError) => {
              one.failed = error;
            },
          );
          calls.push(call);
        };
        for (const happening of happenings) {
          const one = "pick" in happening ? readers[happening.pick % Math.max(1, readers.length)] : undefined;
          if (happening.type === "add") {
            for (let count = 0; count < happening.count; count += 1) {
              const text = `text ${texts.length} `;
              texts.push(text);
              log.add(delta(text), false);
            }
          } else if (happening.type === "attach") {
            const after = happening.pick % (log.lastSeq + 1);
            readers.push({ ...readerOf(log, after), after, got: [] });
          } else if (happening.type === "turn") await turn();
          else if (one === undefined) continue;
          else if (happening.type === "read") for (let count = 0; count < happening.count; count += 1) read(one);
          else {
            one.left = true;
            await one.reader.return();
          }
        }
        log.add(cancelled(), true);
        const { lastSeq } = log;
        for (const one of readers) for (let count = 0; count <= lastSeq; count += 1) read(one);
        await within("every answer", Promise.all(calls));
        expect(wrong).toEqual([]);
        for (const { after, got, failed, left } of readers) {
          expect(got).toEqual(got.map((_, index) => after + 1 + index));
          if (left !== true && failed === undefined) expect(got.length).toBe(lastSeq - after);
          if (failed === undefined) continue;
          expect([failed.code, maxBytes]).toEqual(["events_expired", 1_024]);
          expect(failed.firstSeq).toBeGreaterThan((got.at(-1) ?? after) + 1);
        }
      },
    ),
  );
});
