import { expect, test } from "vitest";
import { FaultTrace } from "../../src/worker/fault-trace.ts";

test("a trace begins with the fault handler's first word and is kept however much follows, in bounded memory", () => {
  const trace = new FaultTrace();
  trace.note("starting");
  expect(trace.lines).toBeUndefined();
  trace.note("Fatal Python error: Segmentation fault");
  for (let line = 0; line < 1_000; line += 1) trace.note(`  File "a.py", line ${line} in f`);
  expect(trace.lines?.[0]).toBe("Fatal Python error: Segmentation fault");
  expect(trace.lines).toHaveLength(200);
});

test("a line that is too long for it is left out", () => {
  const trace = new FaultTrace();
  trace.note("Fatal Python error: Aborted");
  trace.note("x".repeat(64 * 1024));
  expect(trace.lines).toEqual(["Fatal Python error: Aborted"]);
});
