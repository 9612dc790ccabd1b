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
  /** Starts the workers of a zygote that is not fit to fork, unless their specification insists on one. Default: nothing does. */
  fallback?: Launcher;
  /** Told when the fallback takes over: why, in a sentence. Must not throw. */
  onUnfit?: (why: string) => void;
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
    const key = keyOf({ interpreter, env });
    let zygote = zygotes.get(key);
    if (zygote === undefined || zygote.lost) {
      zygote = new Zygote({ interpreter, env, preload, onLost });
      zygotes.set(key, zygote);
    }
    return zygote;
  };
  /** Zygotes that could not fork: who does not insist on one is not held up by the next one. */
  const unfit = new Set<string>();
  const fork = async (spec: WorkerSpec): Promise<Worker> => {
    const { fallback, onUnfit } = options;
    const mayFallBack = fallback !== undefined && spec.launcher !== "zygote";
    if (mayFallBack && unfit.has(keyOf(spec))) return fallback.launch(spec);
    const outcome = await forkInTime(() => zygoteOf(spec), spec, clock);
    if (!mayFallBack || !("refused" in outcome) || outcome.refused.unfit !== true)
      return workerOf(outcome, spec, clock);
    if (!unfit.has(keyOf(spec))) onUnfit?.(outcome.refused.detail);
    unfit.add(keyOf(spec));
    return fallback.launch(spec);
  };
  return {
    kind: "zygote",
    launch: (spec) => new ForkedWorker(spec, fork(spec)),
    async close() {
      await Promise.all([...zygotes.values()].map((zygote) => zygote.close()));
      zygotes.clear();
    },
  };
}

/** The outcome of a fork, and when it was asked for. */
type Timed = ForkOutcome & { spawnedAtMs: number };

/** A zygote that ends in the middle of a fork is no reason to give the worker up: the next one forks it. */
async function forkBy(zygoteOf: () => Zygote, spec: WorkerSpec): Promise<ForkOutcome> {
  for (let left = 2; ; left -= 1) {
    const outcome = await zygoteOf().fork(spec);
    if (!("refused" in outcome) || outcome.refused.lost !== true || left === 0) return outcome;
  }
}

async function forkInTime(zygoteOf: () => Zygote, spec: WorkerSpec, clock: Clock): Promise<Timed> {
  const spawnedAtMs = clock.now();
  try {
    return { ...(await inTime(forkBy(zygoteOf, spec), spec.startTimeoutMs, clock)), spawnedAtMs };
  } catch (error) {
    return { refused: describeSpawnFailure(spec, error), spawnedAtMs };
  }
}

function workerOf(outcome: Timed, spec: WorkerSpec, clock: Clock): Worker {
  const { spawnedAtMs } = outcome;
  if ("refused" in outcome) return createStillbornWorker(spec, clock, spawnedAtMs, outcome.refused);
  const { forked } = outcome;
  try {
    const token = randomBytes(32).toString("hex");
    const directory = createSocketDirectory();
    return new SpawnedWorker({ ...forked, lifeline: undefined, directory, token, spawnedAtMs }, spec, clock);
  } catch (error) {
    discard(forked);
    return createStillbornWorker(spec, clock, spawnedAtMs, describeSpawnFailure(spec, error));
  }
}

function keyOf({ interpreter, env }: Pick<WorkerSpec, "interpreter" | "env">): string {
  return JSON.stringify([interpreter, Object.entries(env).sort()]);
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
