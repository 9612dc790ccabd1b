import { expect, test } from "vitest";
import type { RunEvent } from "../../src/agent/run-result.ts";
import { partialsOf, textOf } from "../../src/agent/select-events.ts";
import { rejection } from "../rpc/agent-server.ts";

const events: RunEvent[] = [
  { type: "text.delta", seq: 1, step: 1, partIndex: 0, text: "a " },
  { type: "thinking.delta", seq: 2, step: 1, partIndex: 0, text: "hm" },
  { type: "output.partial", seq: 3, step: 1, output: { half: true } },
  { type: "text.delta", seq: 4, step: 1, partIndex: 0, text: "b" },
];

/** What a selection yields, and how often the events were read for it. */
async function collect<T>(select: (read: () => AsyncGenerator<RunEvent, void, undefined>) => AsyncIterable<T>) {
  let reads = 0;
  const selected = select(async function* () {
    reads += 1;
    yield* events;
  });
  expect(reads).toBe(0);
  const all: T[] = [];
  for await (const one of selected) all.push(one);
  return { all, reads };
}

test("the text is that of the text deltas, the snapshots are those of the output", async () => {
  const done = Promise.resolve();
  expect(await collect((read) => textOf(read, done))).toEqual({ all: ["a ", "b"], reads: 1 });
  expect(await collect((read) => partialsOf(read, done))).toEqual({ all: [{ half: true }], reads: 1 });
});

test("the end of a run that has failed is its error", async () => {
  const failed = Promise.reject(new Error("this selection had no result"));
  expect(await rejection(collect((read) => textOf(read, failed)))).toMatchObject({
    message: "this selection had no result",
  });
});
