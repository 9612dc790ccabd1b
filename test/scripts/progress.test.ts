import { expect, test } from "vitest";
import { formatDuration, isLive, startProgress } from "../../scripts/progress.ts";

test("durations are short and have a unit", () => {
  expect([340.4, 12_345, 125_000].map(formatDuration)).toEqual(["340 ms", "12.3 s", "2 min 5 s"]);
});

test("live lines need a terminal that is neither CI's nor dumb", () => {
  const terminal = { write: () => true, isTTY: true };
  expect(isLive(terminal, {})).toBe(true);
  expect(isLive(terminal, { CI: "true" })).toBe(false);
  expect(isLive(terminal, { TERM: "dumb" })).toBe(false);
  expect(isLive({ write: () => true }, {})).toBe(false);
});

test("without a terminal progress is plain lines", () => {
  let text = "";
  const progress = startProgress("Installing", { write: (more) => (text += more) });
  progress.done();
  expect(text).toMatch(/^Installing\n {2}done \(\d+ ms\)\n$/);
});
