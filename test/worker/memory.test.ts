import { spawnSync } from "node:child_process";
import { expect, test } from "vitest";
import { residentBytes, tellsMemory } from "../../src/worker/memory.ts";

test.runIf(tellsMemory)("the resident memory of a living process is what the process sees itself", () => {
  const own = process.memoryUsage.rss();
  const seen = residentBytes(process.pid) ?? 0;
  expect(seen).toBeGreaterThan(own / 2);
  expect(seen).toBeLessThan(own * 2);
});

test("the memory of a process that is gone is unknown", () => {
  const { pid } = spawnSync(process.execPath, ["-e", ""]);
  expect(residentBytes(pid)).toBeUndefined();
});
