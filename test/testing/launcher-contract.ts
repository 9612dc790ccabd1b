/** What every launcher keeps: run against the real one with fixture programs, and against the fake. */

import { existsSync, lstatSync } from "node:fs";
import { connect } from "node:net";
import { dirname } from "node:path";
import { describe, expect, test } from "vitest";
import type { Launcher, Worker, WorkerSpec } from "../../src/worker/launcher.ts";
import { readyOf, within } from "../worker/fixture-worker.ts";

/** What a worker of the contract does. */
export type ContractBehaviour =
  | "ready"
  | "terminable"
  | "hang"
  | "exit-3"
  | "ready-then-exit-7"
  | "ignore-shutdown"
  | "load-failed"
  | "spawn-failed";

/** One launcher under the contract. */
export interface LauncherUnderTest {
  launcher(): Launcher;
  launch(behaviour: ContractBehaviour, changes?: Partial<WorkerSpec>): Worker;
  /** Ends the worker with SIGKILL, from outside. */
  kill9(worker: Worker): void;
  /** Asks the worker to end with SIGTERM, from outside. */
  sigterm(worker: Worker): void;
}

const exitOf = (worker: Worker) => within(10_000, "the exit", worker.exited);

/** Describes the contract for one launcher. */
export function describeLauncherContract(name: string, { launcher, launch, kill9, sigterm }: LauncherUnderTest): void {
  describe(`a launcher (${name})`, () => {
    test("a ready worker tells its pid, token and socket, and serves on it in a private directory", async () => {
      const worker = launch("ready", { incarnation: 4 });
      const ready = await readyOf(worker);
      expect(ready.pid).toBe(worker.pid);
      expect(worker.incarnation).toBe(4);
      expect(ready.token).toMatch(/^[0-9a-f]{64}$/);
      expect(lstatSync(dirname(ready.socketPath)).mode & 0o777).toBe(0o700);
      expect(lstatSync(ready.socketPath).isSocket()).toBe(true);
      worker.kill();
      await exitOf(worker);
    });

    test("every worker has its own pid, token and socket", async () => {
      const workers = [launch("ready"), launch("ready")];
      const readies = await Promise.all(workers.map(readyOf));
      for (const fact of ["pid", "token", "socketPath"] as const) {
        expect(new Set(readies.map((ready) => ready[fact])).size).toBe(2);
      }
      for (const worker of workers) worker.kill();
      await Promise.all(workers.map(exitOf));
    });

    test("an exit before ready settles started with the exit, and exited with the same", async () => {
      const worker = launch("exit-3");
      const outcome = await within(10_000, "the outcome", worker.started);
      expect(outcome).toMatchObject({ exit: { cause: "exited", exitCode: 3, signal: undefined, wasReady: false } });
      expect("exit" in outcome && outcome.exit).toBe(await exitOf(worker));
    });

    test("an exit after ready leaves started as it was", async () => {
      const worker = launch("ready-then-exit-7");
      const ready = await readyOf(worker);
      expect(await exitOf(worker)).toMatchObject({ cause: "exited", exitCode: 7, wasReady: true, pid: ready.pid });
      expect(await worker.started).toEqual({ ready });
    });

    test("a SIGKILL from outside is told as a signal, and its directory is removed", async () => {
      const worker = launch("ready");
      const { socketPath } = await readyOf(worker);
      kill9(worker);
      const exit = await exitOf(worker);
      expect(exit).toMatchObject({ cause: "signaled", signal: "SIGKILL", exitCode: undefined, wasReady: true });
      expect(exit.uptimeMs).toBeGreaterThanOrEqual(0);
      expect(existsSync(dirname(socketPath))).toBe(false);
    });

    test("an agent that cannot be loaded is told in Python's words", async () => {
      const exit = await exitOf(launch("load-failed"));
      expect(exit).toMatchObject({
        cause: "load_failed",
        wasReady: false,
        exitCode: 1,
        loadFailure: { kind: "module_failed", message: "x broke", pythonType: "ValueError" },
      });
    });

    test("a worker that is not ready in time is killed with cause start_timeout", async () => {
      const worker = launch("hang", { startTimeoutMs: 300 });
      expect(await exitOf(worker)).toMatchObject({ cause: "start_timeout", signal: "SIGKILL", wasReady: false });
    });

    test("a process that cannot be started is an exit, and everything can still be asked of it", async () => {
      const worker = launch("spawn-failed");
      expect(worker.pid).toBeUndefined();
      const exit = await exitOf(worker);
      expect(exit).toMatchObject({ cause: "spawn_failed", pid: undefined, wasReady: false });
      expect(exit.detail).toBeTypeOf("string");
      expect(await worker.started).toEqual({ exit });
      worker.kill();
      worker.releaseSocket();
      expect(await worker.stop(10)).toEqual(exit);
    });

    test("stop within the grace is cause stopped, code 0; asking again answers the same exit", async () => {
      const worker = launch("ready");
      await readyOf(worker);
      const [first, second] = await Promise.all([worker.stop(10_000), worker.stop(10_000)]);
      expect(first).toMatchObject({ cause: "stopped", exitCode: 0 });
      expect(second).toBe(first);
      expect(await worker.stop(1)).toBe(first);
      worker.kill();
      expect(await exitOf(worker)).toBe(first);
    });

    test("a worker that outstays its grace is killed", async () => {
      const worker = launch("ignore-shutdown");
      await readyOf(worker);
      expect(await worker.stop(100)).toMatchObject({ cause: "killed", signal: "SIGKILL" });
    });

    test("the exit of a worker that outstayed its grace says what it was doing", async () => {
      const worker = launch("ignore-shutdown");
      await readyOf(worker);
      expect((await worker.stop(100)).detail).toMatch(/^its last phase was|^it had not begun to end/);
    });

    test("a signal from outside is told, and the worker waits until it is let go", async () => {
      const told: string[] = [];
      const { promise: draining, resolve } = Promise.withResolvers<void>();
      const onDraining = (signal: string) => {
        told.push(signal);
        resolve();
      };
      const worker = launch("terminable", { onDraining });
      await readyOf(worker);
      sigterm(worker);
      sigterm(worker);
      await within(5_000, "the word of it", draining);
      const exit = await worker.stop(10_000);
      expect(told).toEqual(["SIGTERM"]);
      expect(exit).toMatchObject({ cause: "stopped", exitCode: 0, outsideSignal: "SIGTERM" });
    });

    test("a worker that nobody from outside has asked has no signal in its exit", async () => {
      const worker = launch("ready");
      await readyOf(worker);
      expect((await worker.stop(10_000)).outsideSignal).toBeUndefined();
    });

    test("a second stop can shorten the grace and not lengthen it", async () => {
      const worker = launch("ignore-shutdown");
      await readyOf(worker);
      void worker.stop(60_000);
      const shorter = worker.stop(100);
      void worker.stop(60_000);
      expect(await within(5_000, "the kill", shorter)).toMatchObject({ cause: "killed" });
    });

    test.each(["ready", "hang"] as const)("kill ends a worker that is %s with cause killed", async (behaviour) => {
      const worker = launch(behaviour);
      // One that is still to be forked has no process that could have a signal.
      await (behaviour === "ready" ? readyOf(worker) : worker.spawned);
      worker.kill();
      worker.kill();
      expect(await exitOf(worker)).toMatchObject({ cause: "killed", signal: "SIGKILL" });
    });

    test("a grace of 0 kills at once", async () => {
      const worker = launch("ready");
      await readyOf(worker);
      expect(await worker.stop(0)).toMatchObject({ cause: "killed" });
    });

    test("releaseSocket removes the directory while connections live on", async () => {
      const worker = launch("ready");
      const { socketPath } = await readyOf(worker);
      const socket = connect(socketPath);
      const closed = new Promise<void>((resolve) => socket.once("close", () => resolve()));
      await within(5_000, "the connection", new Promise<void>((resolve) => socket.once("connect", () => resolve())));
      socket.on("error", () => socket.destroy()).resume();
      worker.releaseSocket();
      worker.releaseSocket();
      expect(existsSync(dirname(socketPath))).toBe(false);
      expect(socket.destroyed).toBe(false);
      worker.kill();
      await within(5_000, "the end of the connection", closed);
      await exitOf(worker);
    });

    // Elsewhere nothing is known, and that is what the answer says.
    test.runIf(process.platform === "linux")(
      "a worker that lives tells what it uses, and its exit the most memory that was seen",
      async () => {
        const worker = launch("ready");
        await readyOf(worker);
        const usage = worker.usage();
        expect(usage).toMatchObject({ stopped: false });
        expect(usage?.cpuMs).toBeGreaterThanOrEqual(0);
        worker.kill();
        const { peakMemoryBytes } = await exitOf(worker);
        expect(peakMemoryBytes).toBeGreaterThan(1_000_000);
      },
    );

    test("nothing is known, and nothing asked, of a worker that is gone", async () => {
      const worker = launch("ready");
      await readyOf(worker);
      worker.kill();
      await exitOf(worker);
      expect(worker.usage()).toBeUndefined();
      expect(await worker.dumpStacks()).toEqual([]);
    });

    test("close settles when nothing of it runs", async () => {
      await expect(launcher().close()).resolves.toBeUndefined();
    });
  });
}
