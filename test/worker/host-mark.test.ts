import { spawnSync } from "node:child_process";
import { expect, test } from "vitest";
import { hasEnded, markPrefix, readMark } from "../../src/worker/host-mark.ts";

const own = () => {
  const mark = readMark(`${markPrefix()}abc123`);
  if (mark === undefined) throw new Error("the own mark cannot be read");
  return mark;
};

test("this process's mark is read again, and it has not ended", () => {
  expect(own()).toMatchObject({ pid: process.pid, namespace: expect.stringMatching(/^[0-9a-z]+$/) });
  expect(hasEnded(own())).toBe(false);
});

test.each([
  "synapse",
  "synapse-1-2-abcdef",
  "synapse-1-0-1-abcdef",
  "synapse-1-2-3-abcde",
  "synapse-1-2-3-abcdef-x",
  "x-1-2-3-abcdef",
])("%s has no mark", (name) => {
  expect(readMark(name)).toBeUndefined();
});

test("a process that has been has ended, and so has one whose number another has by now", () => {
  const { pid } = spawnSync(process.execPath, ["-e", ""]);
  expect(hasEnded({ ...own(), pid })).toBe(true);
  expect(hasEnded({ ...own(), started: "1" })).toBe(true);
  expect(hasEnded({ ...own(), started: "0" })).toBe(false);
});

test("of a process in another namespace nothing is known", () => {
  expect(hasEnded({ ...own(), namespace: "zz" })).toBe("unknown");
});
