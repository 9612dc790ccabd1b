import { expect, test } from "vitest";
import { cleanUpShareMs } from "../../src/worker/launcher.ts";

test.each([
  [0, 0],
  [2_000, 800],
  [5_000, 2_000],
  [12_500, 5_000],
  [600_000, 5_000],
])("of a grace of %i ms, %i are kept for cleaning up", (graceMs, shareMs) => {
  expect(cleanUpShareMs(graceMs)).toBe(shareMs);
});
