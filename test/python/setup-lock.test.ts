import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { tryLock } from "../../src/python/setup-lock.ts";
import { lookAt } from "../../src/worker/proc.ts";

let directory: string;
let path: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "setup-lock-"));
  path = join(directory, "lock");
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));

test("a free lock is taken, and given back it leaves nothing", () => {
  const lock = tryLock(path);
  expect(lock).toHaveProperty("release");
  expect(existsSync(path)).toBe(true);
  if ("release" in lock) lock.release();
  expect(readdirSync(directory)).toEqual([]);
});

test("a lock that a live process holds is refused with its process number", () => {
  tryLock(path);
  expect(tryLock(path)).toEqual({ heldBy: process.pid });
});

test("a dead holder's lock is taken", async () => {
  const child = spawn("true");
  await once(child, "exit");
  writeFileSync(path, `${child.pid} 12345`);
  expect(tryLock(path)).toHaveProperty("release");
  expect(readFileSync(path, "utf8")).toMatch(new RegExp(`^${process.pid} `));
});

test.runIf(process.platform === "linux")("a holder that is dead, but not reaped, does not hold its lock", async () => {
  const parent = spawn("/bin/sh", ["-c", "sleep 0 & echo $!; exec cat"], { stdio: ["pipe", "pipe", "ignore"] });
  try {
    const [line] = (await once(parent.stdout, "data")) as [Buffer];
    const pid = Number(line.toString());
    await expect.poll(() => lookAt(pid)?.dead).toBe(true);
    writeFileSync(path, `${pid} ${lookAt(pid)?.started}`);
    expect(tryLock(path)).toHaveProperty("release");
  } finally {
    parent.stdin.end();
    await once(parent, "close");
  }
});

test.runIf(process.platform === "linux")("a process that got a dead holder's number does not hold its lock", () => {
  writeFileSync(path, `${process.pid} 1`);
  expect(tryLock(path)).toHaveProperty("release");
});

test("giving back a lock that another has taken over leaves it to that one", () => {
  const lock = tryLock(path);
  writeFileSync(path, "1 1");
  if ("release" in lock) lock.release();
  expect(readFileSync(path, "utf8")).toBe("1 1");
});
