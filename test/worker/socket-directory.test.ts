import { spawnSync } from "node:child_process";
import { existsSync, lstatSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { basename, dirname, join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import {
  createSocketDirectory,
  maxSocketPathBytes,
  sweepSocketDirectories,
} from "../../src/worker/socket-directory.ts";

let root: string;

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), "st-"));
});

afterEach(() => rmSync(root, { recursive: true, force: true }));

/** The name of a directory as a host of this number makes it. */
function nameOf(hostPid: number): string {
  const directory = createSocketDirectory({ root });
  directory.remove();
  return basename(directory.path).replace(`-${process.pid}-`, `-${hostPid}-`);
}

/** The number of a process that has been. */
function deadPid(): number {
  return spawnSync(process.execPath, ["-e", ""]).pid;
}

test("a socket directory is private, short, and named after its host", () => {
  const directory = createSocketDirectory();
  try {
    expect(lstatSync(directory.path).mode & 0o777).toBe(0o700);
    expect(basename(directory.path)).toMatch(new RegExp(`^synapse-[0-9a-z]+-${process.pid}-`));
    expect(dirname(directory.socketPath)).toBe(directory.path);
    expect(Buffer.byteLength(directory.socketPath)).toBeLessThanOrEqual(maxSocketPathBytes);
  } finally {
    directory.remove();
  }
});

test("a directory is removed with what is in it, once or twice", () => {
  const directory = createSocketDirectory({ root });
  writeFileSync(directory.socketPath, "");
  directory.remove();
  directory.remove();
  expect(existsSync(directory.path)).toBe(false);
});

test("a socket can be bound at the longest path that is accepted, and one byte more is refused", async () => {
  const fit = createSocketDirectory({ root });
  fit.remove();
  const padding = maxSocketPathBytes - Buffer.byteLength(fit.socketPath) - 1;
  const longest = join(root, "x".repeat(padding));
  mkdirSync(longest);
  const directory = createSocketDirectory({ root: longest });
  expect(Buffer.byteLength(directory.socketPath)).toBe(maxSocketPathBytes);
  const server = createServer();
  await new Promise<void>((resolve, reject) => server.once("error", reject).listen(directory.socketPath, resolve));
  await new Promise((resolve) => server.close(resolve));
  expect(() => createSocketDirectory({ root: `${longest}x` })).toThrow(/worker_spawn_failed.*set TMPDIR to a shorter/);
});

test("a root that does not exist is named", () => {
  expect(() => createSocketDirectory({ root: join(root, "none") })).toThrow(/none".*ENOENT/);
});

test("the sweep removes the directories of dead hosts and nothing else", () => {
  const stale = join(root, nameOf(deadPid()));
  mkdirSync(stale);
  writeFileSync(join(stale, "s"), "");
  const kept = [
    nameOf(process.pid),
    nameOf(process.ppid),
    "synapse-1-2-abcdef",
    `${nameOf(deadPid())}-more`,
    "synapse-notes",
  ].map((name) => join(root, name));
  for (const path of kept) mkdirSync(path);
  const target = join(root, "target");
  mkdirSync(target);
  const link = join(root, nameOf(deadPid()));
  symlinkSync(target, link);

  expect(sweepSocketDirectories({ root })).toEqual([stale]);
  expect(existsSync(stale)).toBe(false);
  expect([...kept, target, link].filter((path) => !existsSync(path))).toEqual([]);
  expect(sweepSocketDirectories({ root })).toEqual([]);
});

test("sweeping a root that does not exist finds nothing", () => {
  expect(sweepSocketDirectories({ root: join(root, "none") })).toEqual([]);
});
