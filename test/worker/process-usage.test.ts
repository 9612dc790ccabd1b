import { expect, test } from "vitest";
import { processUsage } from "../../src/worker/process-usage.ts";

test.runIf(process.platform === "linux")("a process that works runs, and has used a processor and memory", () => {
  const usage = processUsage(process.pid);
  expect(usage).toMatchObject({ stopped: false, runnable: true });
  expect(usage?.cpuMs).toBeGreaterThan(0);
  expect(usage?.peakMemoryBytes).toBeGreaterThan(1_000_000);
});

test("nothing is known of a process that is gone", () => {
  expect(processUsage(2 ** 22 + 1)).toBeUndefined();
});
