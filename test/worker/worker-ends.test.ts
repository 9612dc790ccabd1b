/** What programs do to end, not to end, or to stay behind, and what is told of it: the same with each launcher. */

import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { Launcher, WorkerSpec } from "../../src/worker/launcher.ts";
import { createSpawnLauncher } from "../../src/worker/spawn-launcher.ts";
import { createZygoteLauncher } from "../../src/worker/zygote-launcher.ts";
import { exitOf, grandchildOf, isAlive, launchFixture, pidOf, readyOf, within } from "./fixture-worker.ts";

const linux = process.platform === "linux";
const launchers = {
  spawn: () => createSpawnLauncher(),
  zygote: () => createZygoteLauncher(),
};

describe.each(linux ? (["spawn", "zygote"] as const) : (["spawn"] as const))("a worker (%s)", (kind) => {
  let launcher: Launcher;
  beforeEach(() => {
    launcher = launchers[kind]();
  });
  afterEach(async () => within(10_000, "the end of the launcher", launcher.close()));
  const launch = (behaviour: string, changes: Partial<WorkerSpec> = {}) => launchFixture(behaviour, changes, launcher);

  test.each([
    ["exit-3", { cause: "exited", exitCode: 3, signal: undefined, wasReady: false, stderrTail: ["last words"] }],
    ["ready-then-exit-7", { cause: "exited", exitCode: 7, signal: undefined, wasReady: true }],
    ["ready-then-segfault", { cause: "signaled", exitCode: undefined, signal: "SIGSEGV", wasReady: true }],
    ["dies-before-ready", { cause: "signaled", exitCode: undefined, signal: "SIGKILL", wasReady: false }],
    ["load-failed", { cause: "load_failed", exitCode: 1, wasReady: false, loadFailure: { message: "x broke" } }],
    ["load-failed-lingers", { cause: "load_failed", signal: "SIGKILL", loadFailure: { message: "x broke" } }],
    ["garbage", { cause: "protocol_mismatch", signal: "SIGKILL", wasReady: false }, "Segmentation violation, sort of"],
    ["wrong-version", { cause: "protocol_mismatch" }, "framework version 2, this host speaks 1"],
    ["wrong-contract", { cause: "protocol_mismatch" }, "contract version 9, this host speaks 1"],
    ["wrong-pid", { cause: "protocol_mismatch" }, "the interpreter is a wrapper that does not exec"],
    ["refuses-host", { cause: "protocol_mismatch" }, "contract 1 is too old for me"],
    ["close-fd3-early", { cause: "protocol_mismatch", wasReady: false }, "closed its control channel (fd 3)"],
    ["close-fd3", { cause: "signaled", signal: "SIGKILL", wasReady: true }, "closed its control channel (fd 3)"],
  ])("that does as %s says has its own exit", async (behaviour, expected, words?: string) => {
    const worker = launch(behaviour);
    const exit = await exitOf(worker);
    expect(exit).toMatchObject(expected);
    if (words !== undefined) expect(exit.detail).toContain(words);
    expect(isAlive(exit.pid ?? 0)).toBe(false);
  });

  test("that says more than this host knows is welcome, and what it writes to fd 3 when it is ready is ignored", async () => {
    const [newer, garbage] = [launch("newer"), launch("garbage-when-ready")];
    await readyOf(newer);
    const record = await garbage.logged(({ message }) => message.includes("not in the protocol"));
    expect(record).toMatchObject({ level: "warn", fields: { line: '"oops"' } });
    for (const worker of [newer, garbage]) {
      expect(await worker.stop(5_000)).toMatchObject({ cause: "stopped", exitCode: 0 });
    }
  });

  test.each(["ignores-signals", "closes-all"])("that %s is killed when its grace is over", async (behaviour) => {
    const worker = launch(behaviour);
    await readyOf(worker);
    if (behaviour === "ignores-signals") process.kill(pidOf(worker), "SIGTERM");
    expect(await worker.stop(200)).toMatchObject({ cause: "killed", signal: "SIGKILL" });
  });

  test("that never gets ready is killed when its time is over, or the grace of its stop", async () => {
    const [late, stopped] = [launch("stuck", { startTimeoutMs: 2_000 }), launch("stuck", { agentId: "stopped" })];
    await Promise.all([late.spawned, stopped.spawned]);
    expect(await stopped.stop(100)).toMatchObject({ cause: "killed", signal: "SIGKILL", wasReady: false });
    expect(await exitOf(late)).toMatchObject({ cause: "start_timeout", signal: "SIGKILL", wasReady: false });
  });

  test("that writes 100 MB before it is ready loses none of it and blocks nobody", async () => {
    const bytes = { stdout: 0, stderr: 0 };
    const onLog: WorkerSpec["onLog"] = ({ stream, message }) => {
      bytes[stream] += message.length + 1;
    };
    const worker = launch("flood", { onLog });
    const other = launch("ready", { agentId: "other" });
    await Promise.all([readyOf(worker), readyOf(other)]);
    expect(await worker.stop(5_000)).toMatchObject({ cause: "stopped", exitCode: 0 });
    expect(bytes).toEqual({ stdout: 50_000_000, stderr: 50_000_000 });
  });

  test("leads its session and its group, and cannot leave them", async () => {
    const worker = launch("leaves-its-group");
    await readyOf(worker);
    await worker.logged(({ message }) => message === "leads True");
    expect(worker.messages().filter((message) => message.startsWith("refused"))).toHaveLength(2);
    expect(await worker.stop(5_000)).toMatchObject({ cause: "stopped", exitCode: 0 });
  });

  test.each(["stop", "kill", "kill -9"])(
    "takes what it has started in its group with it when it ends by %s",
    async (end) => {
      const worker = launch("grandchild");
      const grandchild = await grandchildOf(worker);
      await readyOf(worker);
      expect(isAlive(grandchild)).toBe(true);
      if (end === "stop") await worker.stop(5_000);
      else if (end === "kill") worker.kill();
      else process.kill(pidOf(worker), "SIGKILL");
      await exitOf(worker);
      expect(isAlive(grandchild)).toBe(false);
    },
  );

  test.each([
    ["escapee", { cause: "killed", signal: "SIGKILL" }],
    ["daemonizes", { cause: "exited", exitCode: 0, wasReady: true }],
  ])(
    `leaves by ${"%s"} ${kind === "zygote" ? "nothing" : "what has a session of its own"} behind, which does not hold up its exit`,
    async (behaviour, expected) => {
      const worker = launch(behaviour);
      const grandchild = await grandchildOf(worker);
      try {
        await readyOf(worker);
        if (behaviour === "escapee") worker.kill();
        expect(await within(5_000, "the exit", worker.exited)).toMatchObject(expected);
        expect(isAlive(grandchild)).toBe(kind === "spawn");
      } finally {
        if (isAlive(grandchild)) process.kill(grandchild, "SIGKILL");
      }
    },
  );
});
