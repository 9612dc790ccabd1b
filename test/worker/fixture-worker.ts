/** Launches the fixture programs of test/fixtures/workers, and sees to it that none outlives its test. */

import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { afterEach, expect } from "vitest";
import type {
  Launcher,
  Worker,
  WorkerExit,
  WorkerLogRecord,
  WorkerReady,
  WorkerSpec,
} from "../../src/worker/launcher.ts";
import { statFields } from "../../src/worker/proc.ts";
import { createSpawnLauncher } from "../../src/worker/spawn-launcher.ts";

export const fixtureDirectory = join(import.meta.dirname, "../fixtures/workers");

/** The interpreter itself: `python3` on PATH may be a shim that costs 50 ms. */
export const python = execFileSync("python3", ["-c", "import sys; print(sys.executable)"], { encoding: "utf8" }).trim();

/** A worker, and every record it has logged. */
export interface FixtureWorker extends Worker {
  readonly logs: readonly WorkerLogRecord[];
  readonly messages: () => string[];
  /** Resolves with the record that the test waits for. */
  logged(find: (record: WorkerLogRecord) => boolean): Promise<WorkerLogRecord>;
}

const launched: Worker[] = [];
const hosts: { process: ChildProcess; exited: Promise<unknown> }[] = [];

afterEach(async () => {
  for (const { process: host, exited } of hosts.splice(0)) {
    host.kill("SIGKILL");
    await within(5_000, "the end of a fixture host", exited);
  }
  const workers = launched.splice(0);
  for (const worker of workers) worker.kill();
  for (const worker of workers) await within(5_000, "the end of a fixture worker", worker.exited);
});

/** Launches the fixture `x:<behaviour>`. */
export function launchFixture(
  behaviour: string,
  changes: Partial<WorkerSpec> = {},
  launcher: Launcher = createSpawnLauncher(),
): FixtureWorker {
  const logs: WorkerLogRecord[] = [];
  const waiting = new Set<() => void>();
  const worker = launcher.launch({
    agentId: "fixture",
    incarnation: 1,
    interpreter: python,
    entry: `x:${behaviour}`,
    cwd: fixtureDirectory,
    env: { PYTHONPATH: fixtureDirectory, PYTHONDONTWRITEBYTECODE: "1" },
    startTimeoutMs: 30_000,
    maxMessageBytes: 64 * 1024 * 1024,
    onLog(record) {
      logs.push(record);
      for (const look of waiting) look();
    },
    ...changes,
  });
  launched.push(worker);
  const logged: FixtureWorker["logged"] = (find) =>
    within(
      10_000,
      "a log record",
      new Promise((resolve) => {
        const look = () => {
          const record = logs.find(find);
          if (record === undefined) return;
          waiting.delete(look);
          resolve(record);
        };
        waiting.add(look);
        look();
      }),
    );
  return Object.assign(worker, { logs, logged, messages: () => logs.map(({ message }) => message) });
}

/** Starts test/fixtures/workers/host.ts; `told` grows by a message for each line it prints. */
export function startHost(end: "wait" | "stop", entries: string[], env: NodeJS.ProcessEnv = process.env) {
  const host = spawn(process.execPath, [join(fixtureDirectory, "host.ts"), end, python, ...entries], {
    stdio: ["ignore", "pipe", "inherit"],
    env,
  });
  const exited = once(host, "close") as Promise<[code: number | null]>;
  hosts.push({ process: host, exited });
  const told: Record<string, unknown>[] = [];
  const lines = createInterface({ input: host.stdout });
  lines.on("line", (line) => told.push(JSON.parse(line) as Record<string, unknown>));
  const until = (enough: (messages: typeof told) => boolean) =>
    new Promise<void>((resolve) => {
      const look = () => {
        if (!enough(told)) return;
        lines.off("line", look);
        resolve();
      };
      lines.on("line", look);
      look();
    });
  return { process: host, exited, told, until };
}

/** The ready message of a worker that must become ready. */
export async function readyOf(worker: Worker): Promise<WorkerReady> {
  const outcome = await within(20_000, "ready", worker.started);
  if (!("ready" in outcome)) throw new Error(`the fixture ended before it was ready: ${JSON.stringify(outcome.exit)}`);
  return outcome.ready;
}

/** The exit of a worker that must end. */
export function exitOf(worker: Worker, deadlineMs = 20_000): Promise<WorkerExit> {
  return within(deadlineMs, "the worker's exit", worker.exited);
}

/** The pid of a worker that must have been spawned. */
export function pidOf(worker: Worker): number {
  expect(worker.pid).toBeTypeOf("number");
  return worker.pid as number;
}

/** The number after "grandchild" in the worker's output. */
export async function grandchildOf(worker: FixtureWorker): Promise<number> {
  const { message } = await worker.logged((record) => record.message.startsWith("grandchild "));
  return Number(message.split(" ")[1]);
}

/** Whether a process lives; a zombie does not. */
export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return statFields(pid)[0] !== "Z";
  } catch {
    return false;
  }
}

/** The promise, or an error that says what did not happen in time. */
export function within<T>(ms: number, what: string, promise: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => reject(new Error(`no ${what} within ${ms} ms`)), ms);
  });
  return Promise.race([promise, late]).finally(() => clearTimeout(timer));
}

/** Clock whose time moves only when the test says so; timers fire in order. */
export function createManualClock() {
  let nowMs = 0;
  let lastHandle = 0;
  const timers = new Map<number, { atMs: number; fn: () => void }>();
  return {
    now: () => nowMs,
    setTimeout(fn: () => void, ms: number): unknown {
      lastHandle += 1;
      timers.set(lastHandle, { atMs: nowMs + ms, fn });
      return lastHandle;
    },
    clearTimeout(handle: unknown): void {
      timers.delete(handle as number);
    },
    advance(ms: number): void {
      nowMs += ms;
      for (const [handle, { atMs, fn }] of [...timers].sort(([, a], [, b]) => a.atMs - b.atMs)) {
        if (atMs <= nowMs && timers.delete(handle)) fn();
      }
    },
    /** How long until the next timer fires; infinite when none runs. */
    nextDelayMs: () => Math.min(...[...timers.values()].map(({ atMs }) => atMs - nowMs)),
    /** How many timers run. */
    get pending() {
      return timers.size;
    },
  };
}
