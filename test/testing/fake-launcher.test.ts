import { afterEach, describe, expect, test } from "vitest";
import { connectAgent } from "../../src/rpc/client.ts";
import {
  createFakeLauncher,
  createVirtualClock,
  type FakeLauncher,
  type FakeLauncherOptions,
  type FakeWorker,
  type FakeWorkerScript,
} from "../../src/testing/index.ts";
import type { WorkerLogRecord, WorkerSpec } from "../../src/worker/launcher.ts";
import { createSpawnLauncher } from "../../src/worker/spawn-launcher.ts";
import { encodedRun } from "../rpc/agent-server.ts";
import { launchFixture, pidOf, readyOf, within } from "../worker/fixture-worker.ts";
import { type ContractBehaviour, describeLauncherContract } from "./launcher-contract.ts";

const launchers: FakeLauncher[] = [];

afterEach(async () => {
  for (const launcher of launchers.splice(0)) await launcher.close();
});

function fake(options: FakeLauncherOptions = {}): FakeLauncher {
  const launcher = createFakeLauncher(options);
  launchers.push(launcher);
  return launcher;
}

function workerSpec(changes: Partial<WorkerSpec> = {}): WorkerSpec {
  return {
    agentId: "poet",
    incarnation: 1,
    interpreter: "/nowhere/python",
    entry: "poet.py:agent",
    cwd: "/",
    env: {},
    startTimeoutMs: 30_000,
    maxMessageBytes: 1024 * 1024,
    onLog: () => undefined,
    ...changes,
  };
}

describeLauncherContract("spawn", {
  launcher: () => createSpawnLauncher(),
  launch: (behaviour, changes) =>
    behaviour === "spawn-failed"
      ? launchFixture("ready", { ...changes, interpreter: "/nowhere/python" })
      : launchFixture(behaviour, changes),
  kill9: (worker) => void process.kill(pidOf(worker), "SIGKILL"),
  sigterm: (worker) => void process.kill(pidOf(worker), "SIGTERM"),
});

const scripts: Record<ContractBehaviour, FakeWorkerScript> = {
  ready: {},
  terminable: {},
  hang: { start: "never" },
  "exit-3": { start: { exitCode: 3 } },
  "ready-then-exit-7": {},
  "ignore-shutdown": { onStop: "ignore" },
  "load-failed": { start: { loadFailure: { kind: "module_failed", message: "x broke", pythonType: "ValueError" } } },
  "spawn-failed": { start: { spawnFailed: "there is no such program" } },
};

describeLauncherContract("fake", {
  launcher: () => fake(),
  launch(behaviour, changes) {
    const worker = fake({ script: scripts[behaviour] }).launch(workerSpec(changes));
    if (behaviour === "ready-then-exit-7") void worker.started.then(() => crashOf(worker)({ exitCode: 7 }));
    return worker;
  },
  kill9: (worker) => crashOf(worker)(),
  sigterm: (worker) => fakeOf(worker).terminate(),
});

function fakeOf(worker: unknown): FakeWorker {
  const found = launchers.flatMap((launcher) => launcher.workers).find((one) => one === worker);
  if (found === undefined) throw new Error("not a fake worker");
  return found;
}

function crashOf(worker: unknown): (death?: { exitCode: number }) => void {
  return (death) => fakeOf(worker).crash(death);
}

describe("a fake launcher", () => {
  test("its pids are above every number that a process can have", async () => {
    const worker = fake().launch(workerSpec());
    expect((await readyOf(worker)).pid).toBeGreaterThan(2 ** 22);
  });

  test("its scripts may differ from launch to launch", async () => {
    const launcher = fake({
      script: ({ incarnation }) => (incarnation === 1 ? { start: { exitCode: 9 } } : {}),
    });
    expect(await launcher.launch(workerSpec()).exited).toMatchObject({ exitCode: 9 });
    await readyOf(launcher.launch(workerSpec({ incarnation: 2 })));
    expect(launcher.workers.map(({ incarnation }) => incarnation)).toEqual([1, 2]);
    expect(launcher.worker("poet").incarnation).toBe(2);
    expect(() => launcher.worker("nobody")).toThrow(/not_found/);
  });

  test("launched settles for workers of the past and of the future", async () => {
    const launcher = fake();
    const future = launcher.launched("poet", 2);
    const first = launcher.launch(workerSpec());
    expect(await launcher.launched("poet", 1)).toBe(first);
    const second = launcher.launch(workerSpec({ incarnation: 2 }));
    expect(await within(1_000, "the launch", future)).toBe(second);
  });

  test("start timeouts and graces follow a virtual clock", async () => {
    const clock = createVirtualClock();
    const launcher = fake({ clock, script: { start: "never" } });
    const worker = launcher.launch(workerSpec({ startTimeoutMs: 30_000 }));
    clock.advance(30_000);
    expect(await worker.exited).toMatchObject({ cause: "start_timeout", uptimeMs: 30_000 });
    const stubborn = fake({ clock, script: { onStop: "ignore" } }).launch(workerSpec());
    await readyOf(stubborn);
    const stopping = stubborn.stop(5_000);
    clock.advance(5_000);
    expect(await stopping).toMatchObject({ cause: "killed", uptimeMs: 5_000 });
    expect(clock.pending).toBe(0);
  });

  test("what it prints is logged, and what it prints on stderr is in its exit", async () => {
    const logs: WorkerLogRecord[] = [];
    const launcher = fake();
    launcher.launch(workerSpec({ onLog: (record) => logs.push(record) }));
    const worker = launcher.worker("poet");
    worker.print("out", "stdout");
    for (let line = 1; line <= 60; line += 1) worker.print(`err ${line}`);
    worker.crash();
    const { stderrTail } = await worker.exited;
    expect([stderrTail.length, stderrTail[0], stderrTail.at(-1)]).toEqual([50, "err 11", "err 60"]);
    expect(logs.slice(0, 2)).toEqual([
      { stream: "stdout", level: "info", message: "out", fields: {} },
      { stream: "stderr", level: "warn", message: "err 1", fields: {} },
    ]);
  });

  test("a worker asked to stop finishes its runs and refuses new ones as draining", async () => {
    const reply = Promise.withResolvers<string>();
    const launcher = fake({ script: { answer: () => reply.promise } });
    const worker = launcher.launch(workerSpec());
    const client = await connectAgent({ ...(await readyOf(worker)), agentId: "poet" });
    const held = client.run(encodedRun());
    await expect.poll(() => launcher.worker("poet").runs.length).toBe(1);
    const stopping = worker.stop(10_000);
    await expect(client.run(encodedRun({ runId: "late" }))).rejects.toMatchObject({
      kind: "draining",
      retriable: true,
    });
    expect(await client.checkHealth()).toBe("not_serving");
    reply.resolve("finished");
    expect((await held).output).toBe("finished");
    expect(await stopping).toMatchObject({ cause: "stopped", exitCode: 0 });
    await within(5_000, "the end of the connection", client.closed);
  });

  test("a run that overstays is cancelled in time for the worker to end by itself", async () => {
    const clock = createVirtualClock();
    const launcher = fake({ clock, script: { answer: () => ({ hang: true }) } });
    const worker = launcher.launch(workerSpec());
    const client = await connectAgent({ ...(await readyOf(worker)), agentId: "poet" });
    const held = client.run(encodedRun());
    await expect.poll(() => launcher.worker("poet").runs.length).toBe(1);
    const stopping = worker.stop(5_000);
    clock.advance(2_999);
    expect(launcher.worker("poet").runs[0]?.signal.aborted).toBe(false);
    clock.advance(1);
    await expect(held).rejects.toMatchObject({ code: "run_failed", kind: "interrupted", retriable: true });
    expect(await stopping).toMatchObject({ cause: "stopped", exitCode: 0, uptimeMs: 3_000 });
  });

  test("after a signal from outside a worker finishes what it has and refuses the rest", async () => {
    const reply = Promise.withResolvers<string>();
    const launcher = fake({ script: { answer: () => reply.promise } });
    const worker = launcher.launch(workerSpec());
    const client = await connectAgent({ ...(await readyOf(worker)), agentId: "poet" });
    const held = client.run(encodedRun());
    await expect.poll(() => launcher.worker("poet").runs.length).toBe(1);
    launcher.worker("poet").terminate();
    await expect(client.run(encodedRun({ runId: "late" }))).rejects.toMatchObject({ kind: "draining" });
    reply.resolve("finished");
    expect((await held).output).toBe("finished");
    expect(await worker.stop(10_000)).toMatchObject({ cause: "stopped", outsideSignal: "SIGTERM" });
  });

  test("a crash in the middle of a stream loses the connection after what was sent", async () => {
    async function* words(worker: FakeWorker): AsyncGenerator<string> {
      yield "one ";
      await flushed.promise;
      worker.crash({ exitCode: 3 });
      yield await new Promise<never>(() => undefined);
    }
    const flushed = Promise.withResolvers<void>();
    const launcher = fake({ script: { answer: (_run, worker) => ({ chunks: words(worker) }) } });
    const worker = launcher.launch(workerSpec());
    const client = await connectAgent({ ...(await readyOf(worker)), agentId: "poet" });
    const types: string[] = [];
    const reading = (async () => {
      for await (const event of client.stream(encodedRun())) {
        types.push(event.type);
        if (event.type === "text.delta") flushed.resolve();
      }
    })();
    await expect(reading).rejects.toMatchObject({ name: "ConnectionLostError" });
    expect(types).toEqual(["started", "text.delta"]);
    expect(await worker.exited).toMatchObject({ cause: "exited", exitCode: 3 });
  });

  test("disconnect breaks the connections of a worker that lives on", async () => {
    const launcher = fake();
    const worker = launcher.launch(workerSpec());
    const client = await connectAgent({ ...(await readyOf(worker)), agentId: "poet" });
    launcher.worker("poet").disconnect();
    await within(5_000, "the end of the connection", client.closed);
    const again = await connectAgent({ ...(await readyOf(worker)), agentId: "poet" });
    expect((await again.run(encodedRun({ prompt: "still here" }))).output).toBe("still here");
    again.close();
  });

  test("close kills what runs and leaves nothing", async () => {
    const launcher = fake();
    const workers = [1, 2, 3].map((incarnation) => launcher.launch(workerSpec({ incarnation })));
    await Promise.all(workers.map(readyOf));
    await launcher.close();
    for (const worker of workers) expect(await worker.exited).toMatchObject({ cause: "killed" });
  });
});
