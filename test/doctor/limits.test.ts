import { expect, test } from "vitest";
import { judgeLimits, type LimitFacts, lookAtLimits, readLimits } from "../../src/doctor/limits.ts";

const free = Number.POSITIVE_INFINITY;
const good: LimitFacts = {
  files: 65_536,
  processes: free,
  groupProcesses: undefined,
  locks: free,
  memoryBytes: free,
  killsGroup: false,
};
const mebibyte = 2 ** 20;

function judge(facts: Partial<LimitFacts>) {
  return judgeLimits({ ...good, ...facts }).filter(({ status }) => status !== "ok");
}

test("what this machine says is judged, one finding for each limit", async () => {
  const findings = judgeLimits(await lookAtLimits());
  expect(findings.map(({ check }) => check)).toEqual(["files", "processes", "locks", "memory"]);
});

test("limits that are high enough are ok", () => {
  expect(judge({})).toEqual([]);
  expect(judge({ files: 1_024, processes: 512, groupProcesses: 512, memoryBytes: 512 * mebibyte })).toEqual([]);
});

test.each([
  ["files", { files: 64 }, "failure", "64 files may be open"],
  ["files", { files: 1_000 }, "warning", "1,000 files may be open"],
  ["processes", { processes: 30 }, "failure", "this user may have 30 processes"],
  ["processes", { processes: 500 }, "warning", "this user may have 500 processes"],
  ["processes", { groupProcesses: 20 }, "failure", "the control group has room for 20 more"],
  ["processes", { groupProcesses: 200, processes: undefined }, "warning", "the control group has room for 200 more"],
  ["locks", { locks: 0 }, "warning", "the hard RLIMIT_LOCKS is 0"],
  ["memory", { memoryBytes: 100 * mebibyte }, "failure", "the control group has 100 MiB"],
  ["memory", { memoryBytes: 300 * mebibyte }, "warning", "the control group has 300 MiB"],
  ["memory", { memoryBytes: 900 * mebibyte, killsGroup: true }, "warning", "kills all of them"],
])("%s of %j is a %s with a fix", (check, facts, status, words) => {
  expect(judge(facts)).toEqual([
    { check, status, message: expect.stringContaining(words), fix: { before: expect.any(String) } },
  ]);
});

test.each([
  ["files", { files: undefined }],
  ["processes", { processes: undefined }],
  ["locks", { locks: undefined }],
  ["memory", { memoryBytes: undefined }],
])("%s that are not known are skipped", (check, facts) => {
  expect(judge(facts)).toMatchObject([{ check, status: "skipped" }]);
});

test("/proc/self/limits is read by its columns", () => {
  const text = [
    "Limit                     Soft Limit           Hard Limit           Units     ",
    "Max processes             96365                96366                processes ",
    "Max open files            1024                 20000                files     ",
    "Max file locks            unlimited            7                    locks     ",
  ].join("\n");
  expect(readLimits(text)).toEqual({ processes: 96_365, files: 1_024, locks: 7 });
  expect(readLimits("Max open files            unlimited            unlimited            files")).toEqual({
    files: free,
  });
});
