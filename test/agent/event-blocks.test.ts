import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { EventBlocks } from "../../src/agent/event-blocks.ts";
import type { RunEvent } from "../../src/agent/run-result.ts";

const delta = (seq: number, text: string, partIndex = 0): RunEvent => ({
  type: "text.delta",
  seq,
  step: 1,
  partIndex,
  text,
});

/** Events as runs tell them: mostly deltas, of a few parts. */
const anyEvent = fc.oneof(
  {
    weight: 8,
    arbitrary: fc.record({
      type: fc.constantFrom("text.delta", "thinking.delta"),
      step: fc.integer({ min: 1, max: 2 }),
      partIndex: fc.integer({ min: 0, max: 1 }),
      text: fc.oneof(
        { weight: 9, arbitrary: fc.string({ unit: "grapheme", maxLength: 6 }) },
        // A block's text has an end.
        fc.tuple(fc.string(), fc.nat(6_000)).map(([text, length]) => text.padEnd(length, text)),
      ),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      type: fc.constant("tool.args.delta"),
      step: fc.constant(1),
      partIndex: fc.constant(0),
      text: fc.string({ maxLength: 6 }),
      toolCallId: fc.constantFrom("a", "b"),
      toolName: fc.constant("look"),
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record(
      {
        type: fc.constant("frontend.text"),
        step: fc.integer({ min: 1, max: 2 }),
        text: fc.string({ maxLength: 60, size: "max" }),
        end: fc.constantFrom("completed", "failed"),
      },
      { requiredKeys: ["type", "step", "text"] },
    ),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      type: fc.constant("custom"),
      step: fc.constant(1),
      name: fc.string(),
      data: fc.dictionary(fc.string(), fc.jsonValue()),
    }),
  },
);

test("every event comes out as it went in, whatever is beside it, until it is dropped", () => {
  fc.assert(
    fc.property(fc.array(anyEvent, { maxLength: 300, size: "max" }), fc.nat(20), (given, drops) => {
      const events = given.map((event, index) => ({ ...event, seq: index + 1 }) as unknown as RunEvent);
      const blocks = new EventBlocks();
      for (const event of events) blocks.add({ ...event });
      for (let count = 0; count < drops && blocks.canDrop; count += 1) blocks.dropOldest();
      const first = blocks.firstSeq ?? 1;
      for (const event of events) {
        if (event.seq < first) expect(() => blocks.at(event.seq)).toThrow(RangeError);
        else expect(blocks.at(event.seq)).toEqual(event);
      }
      expect(() => blocks.at(events.length + 1)).toThrow(RangeError);
    }),
  );
});

test("bytes are those of what is kept: none when nothing is", () => {
  fc.assert(
    fc.property(fc.array(anyEvent, { minLength: 1, maxLength: 300, size: "max" }), (given) => {
      const blocks = new EventBlocks();
      let bytes = 0;
      for (const [index, event] of given.entries()) {
        blocks.add({ ...event, seq: index + 1 } as unknown as RunEvent);
        expect(blocks.bytes).toBeGreaterThan(bytes);
        bytes = blocks.bytes;
      }
      while (blocks.canDrop) {
        blocks.dropOldest();
        expect(blocks.bytes).toBeLessThan(bytes);
        bytes = blocks.bytes;
      }
      blocks.dropOldest();
      expect([blocks.bytes, blocks.firstSeq]).toEqual([0, undefined]);
    }),
  );
});

describe("deltas of one part", () => {
  test("take little more than their text", () => {
    const blocks = new EventBlocks();
    for (let seq = 1; seq <= 10_000; seq += 1) blocks.add(delta(seq, "word "));
    expect(blocks.bytes).toBeLessThan(10_000 * 24);
  });

  test("leave some at a time, the last ones never", () => {
    const blocks = new EventBlocks();
    for (let seq = 1; seq <= 1_000; seq += 1) blocks.add(delta(seq, "word "));
    let drops = 0;
    for (; blocks.canDrop; drops += 1) blocks.dropOldest();
    expect(drops).toBeGreaterThan(4);
    expect(blocks.at(1_000)).toEqual(delta(1_000, "word "));
  });

  test("are dropped in constant time each, and others come after them", () => {
    const blocks = new EventBlocks();
    let seq = 0;
    for (let round = 0; round < 50; round += 1) {
      for (let count = 0; count < 200; count += 1) {
        seq += 1;
        blocks.add(delta(seq, "w", seq % 2));
      }
      while (blocks.canDrop) blocks.dropOldest();
      expect(blocks.at(seq)).toEqual(delta(seq, "w", seq % 2));
    }
    blocks.clear();
    expect([blocks.bytes, blocks.firstSeq, blocks.canDrop]).toEqual([0, undefined, false]);
    blocks.add(delta(seq + 1, "w"));
    expect(blocks.firstSeq).toBe(seq + 1);
  });
});
