import { expect, test } from "vitest";
import { durationText, sizeText, statusText } from "../../src/cli/status-text.ts";
import { exampleSystem } from "./example-system.ts";

test("a system reads as a tree of 80 columns, with what its agents do", () => {
  const text = statusText(exampleSystem);
  expect(`\n${text}\n`).toBe(`
answers: degraded, pid 42, up 1 min 1 s
NAME                      STATE           PID WORKER RESTARTS  WAIT RUNS  MEMORY
answers                   running                           0
├ team                    running                          12
│ ├ chat                  hangs       1234567      3        0  1000    8  3.0GiB
│ └ search-with-a-name-t… restarting                        0     0    0
└ last                    ready             7      1        0     0    0   57MiB
`);
  expect(Math.max(...text.split("\n").map((line) => line.length))).toBe(80);
});

test("a wider terminal has room for longer names, a narrower one has none for less", () => {
  expect(statusText(exampleSystem, 100)).toContain("search-with-a-name-that-is-long ");
  expect(statusText(exampleSystem, 40)).toBe(statusText(exampleSystem));
});

test("of a name that is cut the end that tells instances apart stays", () => {
  const row = { path: "", type: "worker", state: "ready", restarts: 0, depth: 1 } as const;
  const ids = ["an-agent-with-a-long-name", "an-agent-with-a-long-name/12", "an-agent-with-a-long-name/spare", "a/b/c"];
  const text = statusText({ ...exampleSystem, rows: ids.map((id) => ({ ...row, id })) });
  expect(
    text
      .split("\n")
      .slice(2, 6)
      .map((line) => line.slice(0, 26).trimEnd()),
  ).toEqual(["├ an-agent-with-a-long-n…", "├ an-agent-with-a-lon…/12", "├ an-agent-with-a-…/spare", "└ a/b/c"]);
});

test("where there is no room for all, it says how many are left out", () => {
  expect(statusText(exampleSystem, 80, 2).split("\n").slice(-2)).toEqual([
    expect.stringMatching(/^├ team/),
    "… and 3 more",
  ]);
  expect(
    statusText({ ...exampleSystem, leftOut: 9 })
      .split("\n")
      .at(-1),
  ).toBe("… and 9 more");
});

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
