import { expect, test } from "vitest";
import { statusText } from "../../src/cli/status-text.ts";
import { exampleRuns, exampleSystem } from "./example-system.ts";

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

test("runs that have not ended have a line each, with what they wait for; the others are counted", () => {
  const lines = statusText({ ...exampleSystem, runs: exampleRuns, runsLeftOut: 7 })
    .split("\n")
    .slice(7);
  expect(`\n${lines.join("\n")}\n`).toBe(`
RUN      AGENT            STATE     AGE          WAITS FOR
3f2c0a1b chat             waiting   2 min 5 s    consent to delete_file, "reaso…
9d41e77c search-with-a-n… paused    1 h 0 s      an answer to ask_user
77aa01c2 chat             running   1 s
of the others: 2 have ended, 7 older ones
`);
  expect(Math.max(...lines.map((line) => line.length))).toBe(80);
});

test("where there is little room, tree and runs share it", () => {
  const runs = Array.from({ length: 40 }, () => exampleRuns[2]);
  const lines = statusText({ ...exampleSystem, runs }, 80, 10).split("\n");
  expect(lines.length).toBeLessThanOrEqual(10 + 3);
  expect(lines.at(-1)).toBe("of the others: 37 more have not ended");
});

test("where all runs have ended, it says how many", () => {
  expect(
    statusText({ ...exampleSystem, runs: exampleRuns.slice(3) })
      .split("\n")
      .at(-1),
  ).toBe("runs: 2 have ended");
});
