import { execFileSync, spawn, spawnSync } from "node:child_process";
import {
  chmodSync,
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { basename, dirname, join, relative } from "node:path";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import {
  createSocketDirectory,
  maxSocketPathBytes,
  sweepSocketDirectories,
} from "../../src/worker/socket-directory.ts";

let root: string;

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), "st-"));
});

afterEach(() => {
  vi.unstubAllEnvs();
  rmSync(root, { recursive: true, force: true });
});

/** The name of a directory as a host of this number makes it; `started` is when it started, default: when this process did. */
function nameOf(hostPid: number, started = startOf(process.pid), namespace = namespaceOf()): string {
  const random = Math.random().toString(36).slice(2, 8).padEnd(6, "x");
  return `synapse-${namespace}-${hostPid}-${started}-${random}`;
}

function namespaceOf(): string {
  const directory = createSocketDirectory({ root });
  directory.remove();
  return basename(directory.path).split("-")[1] ?? "";
}

/** The start of a process in the kernel's ticks, in base 36. */
function startOf(pid: number): string {
  const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
  return Number(stat.slice(stat.lastIndexOf(")") + 2).split(" ")[19]).toString(36);
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
    nameOf(process.ppid, startOf(process.ppid)),
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

test("a directory of a number that another process has by now is swept", () => {
  const stale = join(root, nameOf(process.ppid, "1"));
  mkdirSync(stale);
  expect(sweepSocketDirectories({ root })).toEqual([stale]);
});

test("a directory of a host that is dead and not buried is swept", async () => {
  // The shell goes on as `sleep`, which asks nobody's end: its child becomes a zombie.
  const parent = spawn("/bin/sh", ["-c", "sleep 0 & echo $!; exec sleep 60"], { stdio: ["ignore", "pipe", "ignore"] });
  try {
    const pid = await new Promise<number>((resolve) => parent.stdout.once("data", (data) => resolve(Number(data))));
    await vi.waitFor(() => expect(readFileSync(`/proc/${pid}/stat`, "utf8")).toContain(") Z "), { timeout: 10_000 });
    const stale = join(root, nameOf(pid, startOf(pid)));
    mkdirSync(stale);
    expect(sweepSocketDirectories({ root })).toEqual([stale]);
  } finally {
    parent.kill("SIGKILL");
    await new Promise((resolve) => parent.once("close", resolve));
  }
});

test("a directory of another container's host is left while it may be starting, and swept when it is old", () => {
  const strange = join(root, nameOf(deadPid(), "1", "zz1"));
  mkdirSync(strange);
  expect(sweepSocketDirectories({ root })).toEqual([]);
  const longAgoS = Date.now() / 1_000 - 7_200;
  utimesSync(strange, longAgoS, longAgoS);
  expect(sweepSocketDirectories({ root })).toEqual([strange]);
});

test("a temporary directory that is named from the working directory is the same for a worker elsewhere", () => {
  vi.stubEnv("TMPDIR", relative(process.cwd(), root));
  const directory = createSocketDirectory();
  expect(dirname(directory.path)).toBe(root);
  directory.remove();
});

test("every place where directories are made is swept", () => {
  const runtime = join(root, "runtime");
  const temporary = join(root, "temporary");
  for (const place of [runtime, temporary]) mkdirSync(place);
  vi.stubEnv("XDG_RUNTIME_DIR", runtime);
  vi.stubEnv("TMPDIR", temporary);
  const stale = [runtime, temporary, "/tmp"].map((place) => join(place, nameOf(deadPid())));
  for (const path of stale) mkdirSync(path);
  expect(sweepSocketDirectories()).toEqual(expect.arrayContaining(stale));
  expect(stale.filter((path) => existsSync(path))).toEqual([]);
});

test("where the temporary directory's name is too long, the user's own runtime directory is taken, else /tmp", () => {
  const runtime = join(root, "runtime");
  mkdirSync(runtime);
  vi.stubEnv("TMPDIR", join(root, "x".repeat(100)));
  const made = (value: string | undefined) => {
    vi.stubEnv("XDG_RUNTIME_DIR", value);
    const directory = createSocketDirectory();
    directory.remove();
    return dirname(directory.path);
  };
  expect(made(runtime)).toBe(runtime);
  expect(made(undefined)).toBe("/tmp");
  expect(made("/nowhere/at/all")).toBe("/tmp");
  expect(made("relative")).toBe("/tmp");
});

test("a place where every user may rename what is in it is refused, until the command of the error has been run", () => {
  const open = join(root, "open");
  mkdirSync(open);
  chmodSync(open, 0o777);
  let message = "";
  try {
    createSocketDirectory({ root: open }).remove();
  } catch (error) {
    message = (error as Error).message;
  }
  expect(message).toContain(`[worker_spawn_failed] "${open}" is no place for the worker's socket`);
  const [, command = ""] = /run: (.+)$/.exec(message) ?? [];
  execFileSync("/bin/sh", ["-c", command]);
  createSocketDirectory({ root: open }).remove();
  chmodSync(open, 0o770);
  createSocketDirectory({ root: open }).remove();
});
