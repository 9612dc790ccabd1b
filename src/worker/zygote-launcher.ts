/** The launcher that forks every worker from a warm template process: one zygote for each interpreter and environment. Linux. */

import { randomBytes } from "node:crypto";
import { type Clock, createTimer, realClock } from "./clock.ts";
import type { Launcher, Worker, WorkerExit, WorkerReady, WorkerSpec, WorkerUsage } from "./launcher.ts";
import { createSocketDirectory } from "./socket-directory.ts";
import { describeSpawnFailure } from "./spawn-failure.ts";
import { createStillbornWorker } from "./spawn-launcher.ts";
import { SpawnedWorker } from "./spawned-worker.ts";
import { killProcessAndGroup } from "./terminate.ts";
import { type ForkedProcess, type ForkOutcome, type LostZygote, Zygote } from "./zygote.ts";

/** Options of {@link createZygoteLauncher}. */
export interface ZygoteLauncherOptions {
  /** Modules that are imported before the first fork; default none. */
  preload?: readonly string[];
  /** Told when a zygote that was ready has ended without being asked to. Must not throw. */
  onLost?: (lost: LostZygote) => void;
  /** Default: the machine's monotonic clock. */
  clock?: Clock;
}

/** Creates a launcher of forks. A zygote is started at the first launch that needs it, and again when it has ended. */
export function createZygoteLauncher(options: ZygoteLauncherOptions = {}): Launcher {
  const { preload = [], clock = realClock, onLost = () => undefined } = options;
  const zygotes = new Map<string, Zygote>();
  const zygoteOf = ({ interpreter, env }: WorkerSpec) => {
    const key = JSON.stringify([interpreter, Object.entries(env).sort()]);
    let zygote = zygotes.get(key);
    if (zygote === undefined || zygote.lost) {
      zygote = new Zygote({ interpreter, env, preload, onLost });
      zygotes.set(key, zygote);
    }
    return zygote;
  };
  return {
    kind: "zygote",
    launch: (spec) =>
      new ForkedWorker(
        spec,
        fork(() => zygoteOf(spec), spec, clock),
      ),
    async close() {
      await Promise.all([...zygotes.values()].map((zygote) => zygote.close()));
      zygotes.clear();
    },
  };
}

/** A zygote that ends in the middle of a fork is no reason to give the worker up: the next one forks it. */
async function forkBy(zygoteOf: () => Zygote, spec: WorkerSpec): Promise<ForkOutcome> {
  for (let left = 2; ; left -= 1) {
    const outcome = await zygoteOf().fork(spec);
    if (!("refused" in outcome) || outcome.refused.lost !== true || left === 0) return outcome;
  }
}

async function fork(zygoteOf: () => Zygote, spec: WorkerSpec, clock: Clock): Promise<Worker> {
  const spawnedAtMs = clock.now();
  let forked: ForkedProcess | undefined;
  try {
    const outcome = await inTime(forkBy(zygoteOf, spec), spec.startTimeoutMs, clock);
    if ("refused" in outcome) return createStillbornWorker(spec, clock, spawnedAtMs, outcome.refused);
    forked = outcome.forked;
    const token = randomBytes(32).toString("hex");
    const directory = createSocketDirectory();
    return new SpawnedWorker({ ...forked, lifeline: undefined, directory, token, spawnedAtMs }, spec, clock);
  } catch (error) {
    if (forked !== undefined) discard(forked);
    return createStillbornWorker(spec, clock, spawnedAtMs, describeSpawnFailure(spec, error));
  }
}

/** The outcome of a fork, or a refusal when the zygote does not answer in time; a worker that comes later is ended. */
async function inTime(fork: Promise<ForkOutcome>, timeoutMs: number, clock: Clock): Promise<ForkOutcome> {
  const timer = createTimer(clock);
  const late = new Promise<ForkOutcome>((resolve) => {
    timer.set(timeoutMs, () => {
      resolve({ refused: { detail: `the zygote has not answered within ${timeoutMs} ms`, errno: undefined } });
      void fork.then((outcome) => {
        if ("forked" in outcome) discard(outcome.forked);
      });
    });
  });
  const outcome = await Promise.race([fork, late]);
  timer.clear();
  return outcome;
}

function discard({ pid, control, stdout, stderr }: ForkedProcess): void {
  killProcessAndGroup(pid);
  for (const stream of [control, stdout, stderr]) stream.destroy();
}

/** A worker that may still be on its way: what is asked of it before the fork is asked of it after the fork. */
class ForkedWorker implements Worker {
  readonly incarnation: number;
  readonly started: Promise<{ ready: WorkerReady } | { exit: WorkerExit }>;
  readonly exited: Promise<WorkerExit>;
  readonly #coming: Promise<Worker>;
  #worker: Worker | undefined;

  constructor(spec: WorkerSpec, coming: Promise<Worker>) {
    this.incarnation = spec.incarnation;
    this.#coming = coming.then((worker) => {
      this.#worker = worker;
      return worker;
    });
    this.started = this.#coming.then((worker) => worker.started);
    this.exited = this.#coming.then((worker) => worker.exited);
  }

  get pid(): number | undefined {
    return this.#worker?.pid;
  }

  async importedFiles(): Promise<readonly string[]> {
    return (await this.#worker?.importedFiles?.()) ?? [];
  }

  usage(): WorkerUsage | undefined {
    return this.#worker?.usage();
  }

  dumpStacks(): Promise<readonly string[]> {
    return this.#worker?.dumpStacks() ?? Promise.resolve([]);
  }

  releaseSocket(): void {
    void this.#coming.then((worker) => worker.releaseSocket());
  }

  stop(graceMs: number, drainMs?: number): Promise<WorkerExit> {
    if (this.#worker !== undefined) return this.#worker.stop(graceMs, drainMs);
    return this.#coming.then((worker) => worker.stop(graceMs, drainMs));
  }

  kill(): void {
    if (this.#worker !== undefined) this.#worker.kill();
    else void this.#coming.then((worker) => worker.kill());
  }
}
