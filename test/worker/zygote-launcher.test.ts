import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { Launcher, WorkerLogRecord, WorkerSpec } from "../../src/worker/launcher.ts";
import { createSpawnLauncher } from "../../src/worker/spawn-launcher.ts";
import { createZygoteLauncher, type ZygoteLauncherOptions } from "../../src/worker/zygote-launcher.ts";
import { parentOf } from "../stress/processes.ts";
import { describeLauncherContract } from "../testing/launcher-contract.ts";
import {
  createManualClock,
  exitOf,
  fixtureDirectory,
  grandchildOf,
  isAlive,
  launchFixture,
  pidOf,
  python,
  readyOf,
  within,
} from "./fixture-worker.ts";

const launchers: Launcher[] = [];
const clocks: ReturnType<typeof createManualClock>[] = [];

/** A manual clock; it goes on by itself once the test is over. */
function manualClock() {
  const clock = createManualClock();
  clocks.push(clock);
  return clock;
}

/** What has happened when the clocks have gone on, a second at a time. */
async function whileTimePasses<T>(what: string, promise: Promise<T>): Promise<T> {
  const timer = setInterval(() => {
    for (const clock of clocks) clock.advance(1_000);
  }, 20);
  return within(20_000, what, promise).finally(() => clearInterval(timer));
}

function start(options: ZygoteLauncherOptions = {}) {
  const launcher = createZygoteLauncher(options);
  launchers.push(launcher);
  return (behaviour: string, changes: Partial<WorkerSpec> = {}) => launchFixture(behaviour, changes, launcher);
}

afterEach(async () => {
  await whileTimePasses("the end of the zygotes", Promise.all(launchers.splice(0).map((launcher) => launcher.close())));
  clocks.length = 0;
});

function wasStartedWith(pid: number, argument: string): boolean {
  return readFileSync(`/proc/${pid}/cmdline`, "utf8").split("\0").includes(argument);
}

async function untilGone(...pids: number[]): Promise<void> {
  await expect.poll(() => pids.filter(isAlive), { timeout: 10_000, interval: 5 }).toEqual([]);
}

describe.runIf(process.platform === "linux")("zygotes", () => {
  describe("keep the contract", () => {
    let launch: ReturnType<typeof start>;
    beforeEach(async () => {
      launch = start();
      await readyOf(launch("ready", { agentId: "warm" }));
    });
    describeLauncherContract("zygote", {
      launcher: () => createZygoteLauncher(),
      launch: (behaviour, changes) =>
        behaviour === "spawn-failed" ? launch("ready", { ...changes, cwd: "/nowhere" }) : launch(behaviour, changes),
      kill9: (worker) => void process.kill(pidOf(worker), "SIGKILL"),
      sigterm: (worker) => void process.kill(pidOf(worker), "SIGTERM"),
    });
  });

  test.each([
    ["kill", "killed"],
    ["stop", "stopped"],
    ["time", "start_timeout"],
  ] as const)("before its zygote is warm a worker is given up at once, by %s", async (by, cause) => {
    const launch = start({ preload: ["slow_preload"] });
    const worker = launch("ready", { startTimeoutMs: by === "time" ? 100 : 60_000 });
    if (by === "kill") worker.kill();
    if (by === "stop") void worker.stop(60_000);
    expect(await within(5_000, "the exit", worker.exited)).toMatchObject({ cause, pid: undefined, wasReady: false });
    expect(await worker.started).toHaveProperty("exit");
  });

  test("a worker that is killed while it is forked is killed when it is there", async () => {
    const launch = start();
    const warm = launch("ready", { agentId: "warm" });
    await readyOf(warm);
    const worker = launch("stuck");
    await new Promise((resolve) => setImmediate(resolve)); // The request has been written, and not been answered.
    expect(worker.pid).toBeUndefined();
    worker.kill();
    const exit = await exitOf(worker);
    expect(exit).toMatchObject({ cause: "killed", signal: "SIGKILL" });
    await untilGone(pidOf(worker));
  });

  test("the time of a start counts from its launch, not from the fork", async () => {
    const clock = manualClock();
    const launch = start({ clock });
    await readyOf(launch("ready", { agentId: "warm" }));
    const worker = launch("stuck", { startTimeoutMs: 30_000 });
    clock.advance(20_000);
    await worker.spawned;
    clock.advance(9_999);
    expect(isAlive(pidOf(worker))).toBe(true);
    clock.advance(1);
    expect(await exitOf(worker)).toMatchObject({ cause: "start_timeout", uptimeMs: 30_000 });
  });

  test("a worker is killed by its zygote, and by nobody else while that one lives", async () => {
    const worker = start()("ready");
    await readyOf(worker);
    const zygote = parentOf(pidOf(worker));
    process.kill(zygote, "SIGSTOP");
    worker.kill();
    await new Promise((resolve) => setImmediate(resolve));
    expect(isAlive(pidOf(worker))).toBe(true);
    process.kill(zygote, "SIGCONT");
    expect(await exitOf(worker)).toMatchObject({ cause: "killed", signal: "SIGKILL" });
  });

  test("a zygote that answers nothing any more is ended with its workers, and the next one forks who waits", async () => {
    const clock = manualClock();
    const lost: unknown[] = [];
    const launch = start({ clock, preload: ["hanging_preload"], onLost: (one) => lost.push(one) });
    const first = launch("ready");
    await readyOf(first);
    const zygote = parentOf(pidOf(first));
    process.kill(zygote, "SIGUSR2");
    const second = launch("ready", { agentId: "second", startTimeoutMs: 600_000 });
    await whileTimePasses("the next zygote's worker", second.started);
    expect(await exitOf(first)).toMatchObject({ cause: "zygote_lost" });
    expect(lost).toHaveLength(1);
    expect(parentOf(pidOf(second))).not.toBe(zygote);
    expect(isAlive(zygote)).toBe(false);
  });

  test("a zygote that somebody has stopped goes on as soon as something is asked of it", async () => {
    const lost: unknown[] = [];
    const launch = start({ onLost: (one) => lost.push(one) });
    const first = launch("ready");
    await readyOf(first);
    const zygote = parentOf(pidOf(first));
    process.kill(zygote, "SIGSTOP");
    first.kill();
    expect(await within(5_000, "the exit", first.exited)).toMatchObject({ cause: "killed", signal: "SIGKILL" });
    const second = launch("ready", { incarnation: 2 });
    await readyOf(second);
    expect(parentOf(pidOf(second))).toBe(zygote);
    expect(lost).toEqual([]);
  });

  test("a guardian that is stopped ends what it has at once, when its launcher closes and when its zygote is gone", async () => {
    const clock = manualClock(); // Nothing waits for time to pass.
    const launch = start({ clock });
    for (const end of ["zygote", "launcher"]) {
      const worker = launch("escapee", { agentId: end });
      await readyOf(worker);
      const helper = await grandchildOf(worker);
      const zygote = parentOf(pidOf(worker));
      const guardian = parentOf(zygote);
      process.kill(guardian, "SIGSTOP");
      process.kill(zygote, end === "zygote" ? "SIGKILL" : "SIGSTOP");
      if (end === "launcher")
        await within(5_000, "the end of the launcher", launchers.splice(0)[0]?.close() as Promise<void>);
      expect(await within(5_000, "the exit", worker.exited)).toMatchObject({ signal: "SIGKILL" });
      await untilGone(helper, zygote, guardian);
    }
  });

  test("one that takes the place of a lost one is in a hurry, and the one after it is not", async () => {
    const clock = manualClock();
    const launch = start({ clock });
    const seen: boolean[] = [];
    for (const [incarnation, lost] of [true, false, false].entries()) {
      const worker = launch("ready", { incarnation: incarnation + 1 });
      await readyOf(worker);
      const zygote = parentOf(pidOf(worker));
      seen.push(wasStartedWith(zygote, "--hurried"));
      if (lost) process.kill(zygote, "SIGKILL");
      else await worker.stop(5_000);
      await exitOf(worker);
      await new Promise((resolve) => setImmediate(resolve));
      if (!lost) clock.advance(60_000);
      await untilGone(zygote);
    }
    expect(seen).toEqual([false, true, false]);
  });

  test.each([
    "guardian and zygote",
    "guardian",
    "zygote",
    "guardian, while the zygote is stopped",
    "zygote, while the guardian is stopped",
  ])("nothing is left when the host lives and somebody kills the %s", async (whom) => {
    const worker = start()("escapee");
    await readyOf(worker);
    const helper = await grandchildOf(worker);
    const zygote = parentOf(pidOf(worker));
    const guardian = parentOf(zygote);
    const victims = [whom.startsWith("guardian") ? guardian : 0, /(^|and )zygote/.test(whom) ? zygote : 0].filter(
      (pid) => pid > 0,
    );
    const stopped = whom.endsWith("zygote is stopped")
      ? [zygote]
      : whom.endsWith("guardian is stopped")
        ? [guardian]
        : [];
    // Both at one moment: neither of them sees the other go.
    for (const pid of victims.length === 2 ? victims : stopped) process.kill(pid, "SIGSTOP");
    for (const pid of victims) process.kill(pid, "SIGKILL");
    expect(await exitOf(worker)).toMatchObject({ cause: "zygote_lost", signal: "SIGKILL" });
    await untilGone(pidOf(worker), helper, zygote, guardian);
  });

  test("where nothing can be marked, the host ends by its environment what guardian and zygote leave", async () => {
    const folder = mkdtempSync(join(tmpdir(), "no-marks-"));
    const interpreter = join(folder, "python");
    writeFileSync(interpreter, `#!/bin/bash\nulimit -x 1000\nexec "${python}" "$@"\n`, { mode: 0o700 });
    try {
      const worker = start()("escapee", { interpreter });
      await readyOf(worker);
      const helper = await grandchildOf(worker);
      const zygote = parentOf(pidOf(worker));
      const both = [zygote, parentOf(zygote)];
      for (const signal of ["SIGSTOP", "SIGKILL"]) for (const pid of both) process.kill(pid, signal);
      expect(await exitOf(worker)).toMatchObject({ cause: "zygote_lost" });
      await untilGone(pidOf(worker), helper, ...both);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  test("a zygote without a worker is ended after a minute, and the next launch starts another one", async () => {
    const clock = manualClock();
    const launch = start({ clock });
    const first = launch("ready");
    await readyOf(first);
    const zygote = parentOf(pidOf(first));
    await first.stop(5_000);
    const second = launch("ready", { incarnation: 2 });
    await readyOf(second);
    expect(parentOf(pidOf(second))).toBe(zygote);
    clock.advance(600_000);
    expect(isAlive(zygote)).toBe(true);
    await second.stop(5_000);
    await new Promise((resolve) => setImmediate(resolve));
    clock.advance(59_999);
    expect(isAlive(zygote)).toBe(true);
    clock.advance(1);
    await untilGone(zygote);
    const third = launch("ready", { incarnation: 3 });
    await readyOf(third);
    expect(parentOf(pidOf(third))).not.toBe(zygote);
  });

  test.each(["before", "after"])(
    "a zygote whose last worker ends %s its agent gets one with another environment is ended at once",
    async (when) => {
      const launch = start({ clock: manualClock() });
      const first = launch("ready");
      await readyOf(first);
      const zygote = parentOf(pidOf(first));
      if (when === "before") await first.stop(5_000);
      const env = { PYTHONPATH: fixtureDirectory, PYTHONDONTWRITEBYTECODE: "1", OTHER: "1" };
      const second = launch("ready", { incarnation: 2, env });
      await readyOf(second);
      expect(parentOf(pidOf(second))).not.toBe(zygote);
      if (when === "after") await first.stop(5_000);
      await untilGone(zygote);
      expect(isAlive(pidOf(second))).toBe(true);
    },
  );

  test("a line that a zygote writes is told, with its guardian's number", async () => {
    const told: (WorkerLogRecord & { pid: number | undefined })[] = [];
    const launch = start({ preload: ["loud_preload"], onLog: (record, pid) => told.push({ ...record, pid }) });
    const worker = launch("ready");
    await readyOf(worker);
    const pid = parentOf(parentOf(pidOf(worker)));
    await expect.poll(() => told.length).toBe(2);
    expect(told).toContainEqual({ stream: "stdout", level: "info", message: "on stdout", fields: {}, pid });
    expect(told).toContainEqual({ stream: "stderr", level: "warn", message: "on stderr", fields: {}, pid });
  });

  test("a zygote that is not warm after ten seconds counts as unfit, and one is tried again after five minutes", async () => {
    const clock = manualClock();
    const told: string[] = [];
    const launch = start({
      clock,
      preload: ["slow_preload"],
      fallback: createSpawnLauncher({ clock }),
      onUnfit: (why) => told.push(why),
    });
    const first = launch("ready", { startTimeoutMs: 10_000 });
    const waits = launch("ready", { agentId: "waits" });
    clock.advance(10_000);
    expect(await exitOf(first)).toMatchObject({ cause: "start_timeout" });
    await readyOf(waits);
    expect(told).toEqual(["the zygote was not warm after 10 s"]);
    clock.advance(299_999);
    await readyOf(launch("ready", { agentId: "falls back" }));
    clock.advance(1);
    const again = launch("ready", { agentId: "again" });
    clock.advance(9_999);
    await new Promise((resolve) => setImmediate(resolve));
    expect(again.pid).toBeUndefined();
    again.kill();
  });

  describe("that are killed before they can fork", () => {
    let directory: string;
    beforeEach(() => {
      directory = mkdtempSync(join(tmpdir(), "synapse-held-"));
    });
    afterEach(() => rmSync(directory, { recursive: true, force: true }));

    /** A launcher whose zygotes boot until they are let; `booting` has the process ids of those that have begun to. */
    function held(options: ZygoteLauncherOptions = {}) {
      const until = join(directory, "go");
      const booting: number[] = [];
      const launch = start({
        ...options,
        preload: ["held_preload"],
        onLog: ({ message }) => booting.push(Number(message)),
      });
      return {
        booting,
        go: () => writeFileSync(until, ""),
        launch: () => {
          const env = { ...process.env, PYTHONPATH: fixtureDirectory, HELD_UNTIL: until } as Record<string, string>;
          return launch("ready", { env });
        },
      };
    }

    test.each([
      ["the zygote", (pid: number) => pid],
      ["its guardian", (pid: number) => parentOf(pid)],
    ])("%s: the next one does it, and the loss is told", async (_who, victimOf) => {
      const lost: number[] = [];
      const unfit: string[] = [];
      const { booting, go, launch } = held({
        fallback: createSpawnLauncher(),
        onLost: ({ workers }) => lost.push(workers),
        onUnfit: (why) => unfit.push(why),
      });
      const worker = launch();
      await expect.poll(() => booting.length, { timeout: 10_000 }).toBe(1);
      const guardian = parentOf(Number(booting[0]));
      process.kill(victimOf(Number(booting[0])), "SIGKILL");
      await expect.poll(() => booting.length, { timeout: 10_000 }).toBe(2);
      go();
      await readyOf(worker);
      expect(parentOf(pidOf(worker))).toBe(booting[1]);
      expect(lost).toEqual([0]);
      expect(unfit).toEqual([]);
      await untilGone(Number(booting[0]), guardian);
    });

    test("three in a row: the worker is given up, and the zygote is tried again for the next one", async () => {
      const { booting, go, launch } = held({ fallback: createSpawnLauncher() });
      const worker = launch();
      for (let count = 1; count <= 3; count += 1) {
        await expect.poll(() => booting.length, { timeout: 10_000 }).toBe(count);
        process.kill(Number(booting.at(-1)), "SIGKILL");
      }
      const detail = "3 zygotes in a row were killed before they could fork it";
      expect(await exitOf(worker)).toMatchObject({ cause: "zygote_lost", detail, pid: undefined });
      go();
      const next = launch();
      await readyOf(next);
      expect(parentOf(pidOf(next))).toBe(booting[3]);
    });
  });

  test("an idle zygote does not keep its host alive", async () => {
    const launch = start();
    const worker = launch("ready");
    await readyOf(worker);
    await worker.stop(5_000);
    for (let turn = 0; turn < 3; turn += 1) await new Promise((resolve) => setImmediate(resolve));
    expect(process.getActiveResourcesInfo()).not.toContain("ProcessWrap");
  });
});
