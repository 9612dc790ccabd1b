import { join } from "node:path";
import { afterEach, expect, test } from "vitest";
import type { Launcher, Worker, WorkerSpec } from "../../src/worker/launcher.ts";
import { createSpawnLauncher } from "../../src/worker/spawn-launcher.ts";
import { createZygoteLauncher } from "../../src/worker/zygote-launcher.ts";
import { isAlive, pidOf, readyOf, within } from "../worker/fixture-worker.ts";

const root = join(import.meta.dirname, "../..");
const launchers: Launcher[] = [];

afterEach(async () => {
  await within(10_000, "the end of the zygotes", Promise.all(launchers.splice(0).map((launcher) => launcher.close())));
});

const spec: WorkerSpec = {
  agentId: "forked",
  incarnation: 1,
  interpreter: join(root, "python/.venv/bin/python"),
  entry: "test/fixtures/agents/controllable.py:agent",
  cwd: root,
  env: { PATH: "/usr/bin:/bin", PYTHONDONTWRITEBYTECODE: "1" },
  startTimeoutMs: 60_000,
  maxMessageBytes: 1024 * 1024,
  onLog: () => undefined,
};

function start(preload: string[] = []): (changes?: Partial<WorkerSpec>) => Worker {
  const launcher = createZygoteLauncher({ preload });
  launchers.push(launcher);
  return (changes) => launcher.launch({ ...spec, ...changes });
}

test.runIf(process.platform === "linux")(
  "forked workers are ready, stop in order and are killed as spawned ones",
  async () => {
    const launch = start();
    const [first, second, third] = [launch(), launch({ incarnation: 2 }), launch()];
    const readies = await Promise.all([first, second, third].map(readyOf));
    expect(readies.map(({ pid }) => pid)).toEqual([first.pid, second.pid, third.pid]);
    expect(new Set(readies.map(({ token }) => token)).size).toBe(3);
    expect(await first.stop(10_000)).toMatchObject({ cause: "stopped", exitCode: 0, incarnation: 1 });
    process.kill(pidOf(second), "SIGKILL");
    expect(await second.exited).toMatchObject({ cause: "signaled", signal: "SIGKILL", incarnation: 2 });
    third.kill();
    expect(await third.exited).toMatchObject({ cause: "killed", signal: "SIGKILL" });
  },
);

test.runIf(process.platform === "linux")("closing the launcher ends what is left of its workers", async () => {
  const worker = start()();
  const { pid } = await readyOf(worker);
  await launchers.splice(0)[0]?.close();
  expect(await worker.exited).toMatchObject({ wasReady: true, signal: "SIGKILL" });
  expect(isAlive(pid)).toBe(false);
});

test.runIf(process.platform === "linux")("a zygote that cannot fork is an exit that says why", async () => {
  const worker = start(["no_such_module"])();
  expect(await worker.exited).toMatchObject({ cause: "spawn_failed", pid: undefined });
  expect((await worker.exited).detail).toContain('preload module "no_such_module" cannot be imported');
});

test.runIf(process.platform === "linux")("an interpreter or a directory that is missing is an exit", async () => {
  const launch = start();
  expect(await launch({ interpreter: "/nowhere/python" }).exited).toMatchObject({ cause: "spawn_failed" });
  const exit = await launch({ cwd: "/nowhere" }).exited;
  expect(exit).toMatchObject({ cause: "spawn_failed" });
  expect(exit.detail).toContain("/nowhere");
});

test.runIf(process.platform === "linux")(
  "where a zygote cannot fork, workers that do not insist on it are started by the fallback, and that is told once",
  async () => {
    const told: string[] = [];
    const fallback = createSpawnLauncher();
    const launcher = createZygoteLauncher({
      preload: ["no_such_module"],
      fallback,
      onUnfit: (why) => told.push(why),
    });
    launchers.push(launcher, fallback);
    const first = launcher.launch({ ...spec, launcher: "auto" });
    await readyOf(first);
    const second = launcher.launch({ ...spec, incarnation: 2 });
    await readyOf(second);
    const third = launcher.launch({ ...spec, launcher: "zygote" });
    expect(await third.exited).toMatchObject({ cause: "spawn_failed" });
    expect(told).toEqual([expect.stringContaining('preload module "no_such_module" cannot be imported')]);
    expect(await first.stop(10_000)).toMatchObject({ cause: "stopped", exitCode: 0 });
    expect(await second.stop(10_000)).toMatchObject({ cause: "stopped", exitCode: 0 });
  },
);
