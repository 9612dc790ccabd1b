import { execFile } from "node:child_process";
import { once } from "node:events";
import {
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  realpathSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { basename, dirname, join } from "node:path";
import { promisify } from "node:util";
import { expect, test, vi } from "vitest";
import type { WorkerReady } from "../../src/worker/launcher.ts";
import { sweepSocketDirectories } from "../../src/worker/socket-directory.ts";
import { createSpawnLauncher } from "../../src/worker/spawn-launcher.ts";
import {
  exitOf,
  fixtureDirectory,
  isAlive,
  launchFixture,
  pidOf,
  python,
  readyOf,
  startHost,
  within,
} from "./fixture-worker.ts";

test("a ready worker says what it is and serves on a socket in a private directory", async () => {
  const worker = launchFixture("ready");
  const ready = await readyOf(worker);
  expect(ready).toMatchObject({ pid: worker.pid, agentName: "fixture", modelName: undefined });
  expect(ready.versions).toEqual({ synapse_otp: "0.fixture" });
  expect(ready.token).toMatch(/^[0-9a-f]{64}$/);
  expect(lstatSync(dirname(ready.socketPath)).mode & 0o777).toBe(0o700);
  expect(lstatSync(ready.socketPath).isSocket()).toBe(true);

  const exit = await within(10_000, "the stop", worker.stop(5_000));
  expect(exit).toMatchObject({ cause: "stopped", exitCode: 0, signal: undefined, wasReady: true, incarnation: 1 });
  expect(isAlive(pidOf(worker))).toBe(false);
  expect(existsSync(dirname(ready.socketPath))).toBe(false);
});

test("the worker gets its environment, directory and entry as given, and the token only over fd 3", async () => {
  const worker = launchFixture("tells-start", { agentId: 'a "quoted" id', incarnation: 7, maxMessageBytes: 4242 });
  const { token } = await readyOf(worker);
  const { fields } = await worker.logged(({ message }) => message === "start");
  expect(fields.argv).toEqual(["-u", "-P", "-m", "synapse_otp", "--entry", "x:tells-start"]);
  expect(fields.env).toMatchObject({ SYNAPSE_WORKER: "1", PYTHONPATH: fixtureDirectory });
  expect(fields.env).not.toHaveProperty("PATH");
  expect(fields.cwd).toBe(realpathSync(fixtureDirectory));
  expect(fields.host).toMatchObject({
    framework: 1,
    contract: 1,
    agentId: 'a "quoted" id',
    incarnation: 7,
    hostPid: process.pid,
    maxMessageBytes: 4242,
    logLevel: "info",
    token,
  });
  expect(JSON.stringify([fields.argv, fields.env])).not.toContain(token);
});

test("every launch has its own token and its own socket", async () => {
  const [one, two] = await Promise.all([readyOf(launchFixture("ready")), readyOf(launchFixture("ready"))]);
  expect(one.token).not.toBe(two.token);
  expect(one.socketPath).not.toBe(two.socketPath);
});

test("releaseSocket removes the directory while connections live on", async () => {
  const worker = launchFixture("ready");
  const { socketPath } = await readyOf(worker);
  const socket = connect(socketPath);
  await within(5_000, "the connection", new Promise<void>((resolve) => socket.once("connect", () => resolve())));
  worker.releaseSocket();
  worker.releaseSocket();
  expect(existsSync(dirname(socketPath))).toBe(false);
  const closed = new Promise<void>((resolve) => socket.once("close", () => resolve()));
  socket.on("error", () => socket.destroy()).resume();
  expect(socket.destroyed).toBe(false);
  worker.kill();
  await within(5_000, "the end of the connection", closed);
});

test("a worker that exits before it is ready tells its exit code and its last lines", async () => {
  const worker = launchFixture("exit-3");
  const outcome = await within(20_000, "the outcome", worker.started);
  expect(outcome).toMatchObject({
    exit: { cause: "exited", exitCode: 3, wasReady: false, stderrTail: ["last words"] },
  });
  expect(await exitOf(worker)).toBe("exit" in outcome ? outcome.exit : undefined);
});

test("a worker that exits when it was ready tells its exit code", async () => {
  const worker = launchFixture("ready-then-exit-7");
  expect(await exitOf(worker)).toMatchObject({ cause: "exited", exitCode: 7 });
});

test("kill -9 before ready ends the start with the signal", async () => {
  const worker = launchFixture("hang");
  process.kill(pidOf(worker), "SIGKILL");
  const outcome = await within(10_000, "the outcome", worker.started);
  expect(outcome).toMatchObject({ exit: { cause: "signaled", signal: "SIGKILL", wasReady: false, detail: undefined } });
});

test("kill -9 after ready is seen within 50 ms", async () => {
  const delays: number[] = [];
  for (let round = 0; round < 5; round += 1) {
    const worker = launchFixture("ready");
    await readyOf(worker);
    const killedAtMs = performance.now();
    process.kill(pidOf(worker), "SIGKILL");
    const exit = await exitOf(worker);
    delays.push(performance.now() - killedAtMs);
    expect(exit).toMatchObject({ cause: "signaled", signal: "SIGKILL", wasReady: true });
  }
  // The median: the machine may be busy with something else for one of them.
  expect(delays.sort((a, b) => a - b)[2]).toBeLessThan(50);
});

test("a worker whose agent cannot be loaded hands over Python's own words", async () => {
  const worker = launchFixture("load-failed");
  expect(await exitOf(worker)).toMatchObject({
    cause: "load_failed",
    exitCode: 1,
    wasReady: false,
    loadFailure: { kind: "module_failed", message: "x broke", pythonType: "ValueError", traceback: "Traceback: x" },
  });
});

test("an interpreter that does not exist is a spawn failure, not a throw", async () => {
  const worker = launchFixture("ready", { interpreter: "/no/such/python" });
  expect(worker.pid).toBeUndefined();
  const exit = await exitOf(worker);
  expect(exit).toMatchObject({ cause: "spawn_failed", pid: undefined, wasReady: false });
  expect(exit.detail).toMatch(/"\/no\/such\/python" could not be started: .*ENOENT/);
  expect(await worker.started).toEqual({ exit });
  worker.kill();
  worker.releaseSocket();
  expect(await worker.stop(10)).toBe(exit);
});

test("an interpreter that may not be executed is a spawn failure", async () => {
  const exit = await exitOf(launchFixture("ready", { interpreter: join(fixtureDirectory, "host.ts") }));
  expect(exit).toMatchObject({ cause: "spawn_failed" });
  expect(exit.detail).toContain("EACCES");
});

test("a working directory that does not exist is named as what is wrong", async () => {
  const exit = await exitOf(launchFixture("ready", { cwd: "/no/such/directory" }));
  expect(exit).toMatchObject({ cause: "spawn_failed" });
  expect(exit.detail).toContain('in "/no/such/directory", because that is no directory');
});

test("an environment that is too large is told with what is large in it", async () => {
  const exit = await exitOf(launchFixture("ready", { env: { SMALL: "1", LARGE: "x".repeat(200_000) } }));
  expect(exit).toMatchObject({ cause: "spawn_failed", errno: "E2BIG" });
  expect(exit.detail).toContain("its environment has 200013 bytes, 200006 of them in LARGE");
});

test("a host that has no file left is told so in the system's word", async () => {
  const host = join(fixtureDirectory, "few-files.ts");
  const run = promisify(execFile);
  const { stdout } = await run("/bin/sh", ["-c", 'ulimit -n 128; exec "$@"', "sh", process.execPath, host, python]);
  expect(JSON.parse(stdout)).toMatchObject({
    cause: "spawn_failed",
    errno: "EMFILE",
    detail: expect.stringContaining("EMFILE"),
  });
});

test("twenty workers start at once, each with its own pid, and all stop", async () => {
  const workers = Array.from({ length: 20 }, (_, index) => launchFixture("ready", { agentId: `agent-${index}` }));
  const readies = await Promise.all(workers.map(readyOf));
  expect(new Set(readies.map(({ pid }) => pid)).size).toBe(20);
  const exits = await Promise.all(workers.map((worker) => worker.stop(10_000)));
  expect(new Set(exits.map(({ cause }) => cause))).toEqual(new Set(["stopped"]));
  expect(readies.filter(({ socketPath }) => existsSync(dirname(socketPath)))).toEqual([]);
});

test("a host whose workers have ended has nothing open and ends by itself", async () => {
  const host = startHost("stop", ["x:ready", "x:exit-3", "x:garbage", "x:load-failed", "x:grandchild", "x:close-fd3"]);
  const [code] = await within(20_000, "the host's end", host.exited);
  expect(code).toBe(0);
  expect(host.told.filter((message) => "ready" in message || "exit" in message)).toHaveLength(6);
  const { openBefore, openAfter } = host.told.at(-1) as { openBefore: string[]; openAfter: string[] };
  expect(openAfter).toEqual(openBefore);
});

test("kill -9 of the host ends workers and grandchildren, and the next host sweeps what it left", async () => {
  const root = mkdtempSync(join(tmpdir(), "st-"));
  try {
    const host = startHost("wait", ["x:ready", "x:grandchild"], { ...process.env, TMPDIR: root });
    await within(
      20_000,
      "two workers",
      host.until((told) => told.filter((message) => "ready" in message).length === 2),
    );
    const readies = host.told.flatMap(({ ready }) => (ready === undefined ? [] : [ready as WorkerReady]));
    const grandchildren = host.told.flatMap(({ log }) => (typeof log === "string" ? [Number(log.split(" ")[1])] : []));
    const pids = [...readies.map(({ pid }) => pid), ...grandchildren];
    expect(pids.filter(isAlive)).toHaveLength(3);
    const closings: Promise<unknown>[] = [];
    for (const { socketPath } of readies) {
      const socket = connect(socketPath);
      await within(5_000, "a connection", once(socket, "connect"));
      closings.push(once(socket.on("error", () => socket.destroy()).resume(), "close"));
    }
    expect(sweepSocketDirectories({ root })).toEqual([]);

    host.process.kill("SIGKILL");
    await within(5_000, "the death of the workers", Promise.all(closings));
    // The sockets close while the kernel takes the group down; its last member may need an instant more.
    await vi.waitFor(() => expect(pids.filter(isAlive)).toEqual([]), { timeout: 5_000, interval: 5 });
    await within(5_000, "the host's end", host.exited);

    const directories = readies.map(({ socketPath }) => dirname(socketPath)).sort();
    expect(readdirSync(root).sort()).toEqual(directories.map((path) => basename(path)));
    expect(sweepSocketDirectories({ root }).sort()).toEqual(directories);
    expect(readdirSync(root)).toEqual([]);
  } finally {
    rmSync(root, { recursive: true });
  }
});

test("a launcher that has no room for sockets says so", async () => {
  const root = mkdtempSync(join(tmpdir(), "synapse-test-"));
  vi.stubEnv("XDG_RUNTIME_DIR", undefined);
  try {
    writeFileSync(join(root, "file"), "");
    mkdirSync(join(root, "x".repeat(100)));
    vi.stubEnv("TMPDIR", join(root, "file"));
    const exit = await exitOf(launchFixture("ready"));
    expect(exit).toMatchObject({ cause: "spawn_failed" });
    expect(exit.detail).toContain("set TMPDIR to a directory that can be written to");
    vi.stubEnv("TMPDIR", join(root, "x".repeat(100)));
    expect((await readyOf(launchFixture("ready"))).socketPath).toMatch(/^\/tmp\//);
  } finally {
    vi.unstubAllEnvs();
    rmSync(root, { recursive: true });
  }
});

test("the launcher is of kind spawn and holds nothing to close", async () => {
  const launcher = createSpawnLauncher();
  expect(launcher.kind).toBe("spawn");
  await expect(launcher.close()).resolves.toBeUndefined();
});
