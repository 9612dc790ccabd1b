import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import {
  hashLocks,
  markUnfinished,
  planSetup,
  readEnvironment,
  type SetupStamp,
  writeStamp,
} from "../../scripts/setup-stamp.ts";

let directory: string;
let stamp: SetupStamp;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "setup-stamp-"));
  mkdirSync(join(directory, "bin"));
  writeFileSync(join(directory, "bin", "python"), "");
  writeFileSync(join(directory, "pyvenv.cfg"), "home = /usr/bin\nversion = 3.12.4\n");
  stamp = { kind: "runtime", locks: "abc", python: "3.12.4", directory };
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));

const wanted = (change: Partial<SetupStamp> = {}) => ({ kind: "runtime", locks: "abc", directory, ...change }) as const;

test("a finished environment is read back as it was stamped", () => {
  writeStamp(stamp);
  expect(readEnvironment(directory)).toEqual(stamp);
});

test("an environment that was begun and not finished is unfinished", () => {
  writeStamp(stamp);
  markUnfinished(directory);
  expect(readEnvironment(directory)).toBe("unfinished");
});

test("a damaged stamp is none: the environment is unfinished", () => {
  writeFileSync(join(directory, "synapse-setup.json"), '{"kind": "run');
  expect(readEnvironment(directory)).toBe("unfinished");
});

test("an environment without a stamp was made by hand", () => {
  expect(readEnvironment(directory)).toBe("foreign");
});

test("an environment whose Python is gone is missing", () => {
  writeStamp(stamp);
  rmSync(join(directory, "bin", "python"));
  expect(readEnvironment(directory)).toBe("missing");
});

test("an environment that was made anew by hand since is not what the stamp says", () => {
  writeStamp({ ...stamp, python: "3.11.0" });
  expect(readEnvironment(directory)).toBe("foreign");
});

test("what is missing or unfinished is made anew", () => {
  expect(planSetup("missing", wanted())).toEqual({ type: "rebuild", kind: "runtime" });
  expect(planSetup("unfinished", wanted({ kind: "dev" }))).toEqual({ type: "rebuild", kind: "dev" });
});

test("what is as wanted is kept", () => {
  expect(planSetup(stamp, wanted())).toEqual({ type: "keep", kind: "runtime" });
});

test("an environment for running becomes one for development in place", () => {
  expect(planSetup(stamp, wanted({ kind: "dev" }))).toEqual({ type: "update", kind: "dev" });
});

test("an environment for development stays one when less is wanted", () => {
  const dev = { ...stamp, kind: "dev" } as const;
  expect(planSetup(dev, wanted())).toEqual({ type: "keep", kind: "dev" });
  expect(planSetup(dev, wanted({ locks: "changed" }))).toEqual({ type: "update", kind: "dev" });
});

test("a changed lock is installed in place, so that what was added by hand stays", () => {
  expect(planSetup(stamp, wanted({ locks: "changed" }))).toEqual({ type: "update", kind: "runtime" });
  expect(planSetup("foreign", wanted())).toEqual({ type: "update", kind: "runtime" });
});

test("an environment that was moved is made anew", () => {
  expect(planSetup(stamp, wanted({ directory: "/elsewhere" }))).toEqual({ type: "rebuild", kind: "runtime" });
});

test("a change in either lock changes the hash", () => {
  const write = (name: string, text: string) => writeFileSync(join(directory, name), text);
  write("requirements.lock", "a==1");
  write("requirements-dev.lock", "b==1");
  const first = hashLocks(directory);
  write("requirements-dev.lock", "b==2");
  const second = hashLocks(directory);
  write("requirements.lock", "a==2");
  expect(new Set([first, second, hashLocks(directory)]).size).toBe(3);
});
