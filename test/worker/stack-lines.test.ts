import { expect, test } from "vitest";
import { createVirtualClock } from "../../src/testing/index.ts";
import { isStackLine, StackLines } from "../../src/worker/stack-lines.ts";

const dump = [
  "Thread 0x00007fad62a5a6c0 (most recent call first):",
  '  File "/a/b.py", line 12 in f',
  "",
  "Current thread 0x00007fad75a41b80 (most recent call first):",
  '  File "<frozen runpy>", line 88 in _run_code',
];

test.each(["hello", "", "Thread of thought:", '  File "a.py"', "Fatal Python error: Aborted"])(
  "%j is no line of a dump",
  (line) => expect(isStackLine(line)).toBe(false),
);

test.each(["Stack (most recent call first):", "Thread 0x1 (most recent call first):", "  ..."])(
  "%j is a line of a dump",
  (line) => expect(isStackLine(line)).toBe(true),
);

test("lines of a dump are taken while it is awaited, others and later ones are not", async () => {
  const clock = createVirtualClock();
  const stacks = new StackLines(clock);
  expect(stacks.take(dump[0] as string)).toBe(false);
  const asked: string[] = [];
  const answer = stacks.collect(() => asked.push("asked"));
  expect(stacks.take("the user's own")).toBe(false);
  expect(dump.map((line) => stacks.take(line))).toEqual([true, true, true, true, true]);
  stacks.takeTasks(["task 'a' at a.py:1 in f"]);
  clock.advance(60);
  expect(await answer).toEqual([...dump.filter((line) => line !== ""), "task 'a' at a.py:1 in f"]);
  expect(asked).toEqual(["asked"]);
  expect(stacks.take(dump[0] as string)).toBe(false);
});

test("a worker that does not tell its tasks, or nothing at all, is not waited for", async () => {
  const clock = createVirtualClock();
  const stacks = new StackLines(clock);
  const answer = stacks.collect(() => undefined);
  stacks.take(dump[0] as string);
  clock.advance(500);
  expect(await answer).toEqual([dump[0]]);
  const none = stacks.collect(() => undefined);
  clock.advance(500);
  expect([await none, clock.pending]).toEqual([[], 0]);
});

test("its end settles the wait", async () => {
  const clock = createVirtualClock();
  const stacks = new StackLines(clock);
  const answer = stacks.collect(() => undefined);
  stacks.end();
  expect([await answer, clock.pending]).toEqual([[], 0]);
});
