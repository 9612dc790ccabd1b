import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { createServer, type Server } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { socketFault } from "../../src/worker/socket-owner.ts";

let root: string;
const servers: Server[] = [];
const children: ChildProcess[] = [];

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), "st-"));
});

afterEach(async () => {
  for (const server of servers.splice(0)) await new Promise((resolve) => server.close(resolve));
  for (const child of children.splice(0)) {
    child.kill("SIGKILL");
    await once(child, "close");
  }
  rmSync(root, { recursive: true, force: true });
});

async function listen(path: string): Promise<string> {
  const server = createServer();
  servers.push(server);
  server.listen(path);
  await once(server, "listening");
  return path;
}

/** A process that lives and serves nothing. */
function bystander(): number | undefined {
  const child = spawn("sleep", ["60"], { stdio: "ignore" });
  children.push(child);
  return child.pid;
}

test.each(["s", "with space", "percent%2F", "caf\u00e9"])(
  "a socket that the process serves has no fault: %s",
  async (name) => {
    expect(socketFault(await listen(join(root, name)), process.pid)).toBeUndefined();
  },
);

test("a socket that another process serves is told", async () => {
  const path = await listen(join(root, "s"));
  const pid = bystander();
  expect(socketFault(path, pid)).toBe(`"${path}" is not served by process ${pid}`);
});

test("the tables of another namespace say nothing of a process by its number", async () => {
  const path = await listen(join(root, "s"));
  const pid = bystander();
  const proc = join(root, "proc");
  mkdirSync(proc);
  symlinkSync(`/proc/${pid}`, join(proc, String(pid)));
  symlinkSync(String(process.pid), join(proc, "self"));
  expect(socketFault(path, pid, proc)).toContain("is not served by");
  rmSync(join(proc, "self"));
  symlinkSync("1", join(proc, "self"));
  expect(socketFault(path, pid, proc)).toBeUndefined();
});

test("a file that is no socket is told", () => {
  writeFileSync(join(root, "s"), "");
  expect(socketFault(join(root, "s"), process.pid)).toBe(`"${join(root, "s")}" is no socket`);
});

test("what cannot be known is no fault: a process that is gone, a path that is gone, no process at all", async () => {
  const path = await listen(join(root, "s"));
  expect(socketFault(path, 2 ** 22 + 1)).toBeUndefined();
  expect(socketFault(path, undefined)).toBeUndefined();
  expect(socketFault(join(root, "none"), process.pid)).toBeUndefined();
});
