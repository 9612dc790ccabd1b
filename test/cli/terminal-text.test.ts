import { expect, test } from "vitest";
import { durationText, sizeText } from "../../src/cli/terminal-text.ts";

test.each([
  [0, "0 s"],
  [59_999, "59 s"],
  [3_600_000, "1 h 0 s"],
  [90_061_000, "1 d 1 h"],
])("%i ms are %s", (ms, text) => {
  expect(durationText(ms)).toBe(text);
});

test("sizes fit six characters", () => {
  expect([0, 2 ** 20 * 999, 2 ** 20 * 1000, 2 ** 40].map(sizeText)).toEqual(["0MiB", "999MiB", "1.0GiB", "1024.0GiB"]);
});
