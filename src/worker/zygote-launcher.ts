/** The launcher that forks every worker from a warm template process: one zygote for each interpreter and environment. Linux. */

import { randomBytes } from "node:crypto";
import { type Clock, createTimer, realClock } from "./clock.ts";
import { ForkedWorker, type GivenUp } from "./forked-worker.ts";
import type { Launcher, Worker, WorkerLogRecord, WorkerSpec } from "./launcher.ts";
import { createSocketDirectory } from "./socket-directory.ts";
import { describeSpawnFailure } from "./spawn-failure.ts";
import { SpawnedWorker } from "./spawned-worker.ts";
import { createStillbornWorker } from "./stillborn-worker.ts";
import type { Fitness, ForkedProcess, LostZygote, Zygote } from "./zygote.ts";
import { ZygotePool, zygoteKey } from "./zygote-pool.ts";

/** How long a zygote may take to be warm at least, however short the starts are that wait for it, before it counts as unfit. */
const bootMs = 10_000;
/** How long one that was unfit is not tried again. */
const unfitMs = 300_000;
/** How many zygotes may end in the middle of a fork, or be killed before they can, until the worker is given up. */
const attempts = 3;

/** Options of {@link createZygoteLauncher}. */
export interface ZygoteLauncherOptions {
  /** Modules that are imported before the first fork; default none. */
  preload?: readonly string[];
  /** Starts the workers of a zygote that is not fit to fork, unless their specification insists on one. Default: nothing does. */
  fallback?: Launcher;
  /** Told when the fallback takes over: why, in a sentence. Must not throw. */
  onUnfit?: (why: string) => void;
  /** Told when a zygote that was ready, or was killed before, has ended without being asked to. Must not throw. */
  onLost?: (lost: LostZygote) => void;
  /** Told of every line that a zygote writes, and which one. Must not throw. Default: nobody is. */
  onLog?: (record: WorkerLogRecord, pid: number | undefined) => void;
  /** Default: the machine's monotonic clock. */
  clock?: Clock;
}

/** A timer of this clock does not keep the event loop alive. */
const patientClock: Clock = { ...realClock, setTimeout: (fn, ms) => setTimeout(fn, ms).unref() };

/**
 * Creates a launcher of forks. A zygote is started at the first launch that needs it, and again when it has ended; one that has had no worker for a
 * minute is ended, and at once when its last worker's agent has one of another zygote.
 */
export function createZygoteLauncher(options: ZygoteLauncherOptions = {}): Launcher {
  const { preload = [], clock = realClock, onLost = () => undefined, onLog = () => undefined } = options;
  const pool = new ZygotePool({ preload, clock, idleClock: options.clock ?? patientClock, onLost, onLog });
  /** Zygotes that could not fork, and until when they are not tried again: who does not insist on one is not held up by the next one. */
  const unfit = new Map<string, { why: string; untilMs: number }>();

  const fallBack = (spec: WorkerSpec, key: string, why: string): Worker | undefined => {
    const { fallback, onUnfit } = options;
    if (fallback === undefined || spec.launcher === "zygote") return undefined;
    if (unfit.get(key)?.why !== why) onUnfit?.(why);
    unfit.set(key, { why, untilMs: clock.now() + unfitMs });
    return fallback.launch(spec);
  };

  const fork = async (spec: WorkerSpec, givenUp: Promise<GivenUp>, left = attempts): Promise<Worker> => {
    const spawnedAtMs = clock.now();
    const stillborn = (failure: Parameters<typeof createStillbornWorker>[3]) =>
      createStillbornWorker(spec, clock, spawnedAtMs, failure);
    const key = zygoteKey(spec);
    const known = unfit.get(key);
    if (known !== undefined && spec.launcher !== "zygote" && options.fallback !== undefined) {
      if (clock.now() < known.untilMs) return options.fallback.launch(spec);
    }
    let entered: ReturnType<typeof pool.enter>;
    try {
      entered = pool.enter(spec, key);
    } catch (error) {
      return stillborn(describeSpawnFailure(spec, error));
    }
    const { zygote, leave } = entered;
    const untilExit = (worker: Worker): Worker => {
      void worker.exited.then(leave);
      return worker;
    };
    const begun = await whenFit(zygote, spec, givenUp, clock);
    if ("over" in begun) {
      const { over } = begun;
      return untilExit(stillborn(over === "late" ? late : { cause: over === "stop" ? "stopped" : "killed" }));
    }
    const { fitness } = begun;
    if (fitness !== undefined) {
      leave();
      if ("error" in fitness) return stillborn(describeSpawnFailure(spec, fitness.error));
      // Whoever was killed may have been fit.
      if ("killed" in fitness) return left > 1 ? fork(spec, givenUp, left - 1) : stillborn(killedEach);
      return fallBack(spec, key, fitness.unfit) ?? stillborn({ detail: fitness.unfit });
    }
    unfit.delete(key);
    const outcome = await zygote.fork(spec);
    if ("forked" in outcome) {
      const { forked } = outcome;
      try {
        return untilExit(adopt(forked, spec, spawnedAtMs, clock));
      } catch (error) {
        discard(forked);
        forked.onExit(() => leave());
        return stillborn(describeSpawnFailure(spec, error));
      }
    }
    leave();
    // A zygote that ends in the middle of a fork is no reason to give the worker up: the next one forks it.
    if (outcome.refused.lost === true && left > 1) return fork(spec, givenUp, left - 1);
    return stillborn(outcome.refused.lost === true ? { ...outcome.refused, cause: "zygote_lost" } : outcome.refused);
  };

  return {
    kind: "zygote",
    launch: (spec) => new ForkedWorker(spec, clock, (givenUp) => fork(spec, givenUp)),
    close: () => pool.close(),
  };
}

const killedEach = {
  cause: "zygote_lost",
  detail: `${attempts} zygotes in a row were killed before they could fork it`,
} as const;
const late = { cause: "start_timeout", detail: "the zygote that was to fork it was not warm yet" } as const;

/** Waits until the zygote can fork, or cannot, or nobody waits for the worker any more: nothing has been begun of it until then. */
async function whenFit(
  zygote: Zygote,
  { startTimeoutMs }: WorkerSpec,
  givenUp: Promise<GivenUp>,
  clock: Clock,
): Promise<{ fitness: Fitness } | { over: GivenUp | "late" }> {
  const timer = createTimer(clock);
  const outcome = await Promise.race([
    zygote.fitness.then((fitness) => ({ fitness })),
    givenUp.then((over) => ({ over })),
    new Promise<{ over: "late" }>((resolve) => timer.set(startTimeoutMs, () => resolve({ over: "late" }))),
  ]);
  timer.clear();
  const ageMs = clock.now() - zygote.startedAtMs;
  if ("over" in outcome && outcome.over === "late" && ageMs >= bootMs) {
    zygote.giveUp(`the zygote was not warm after ${Math.round(ageMs / 1_000)} s`);
  }
  return outcome;
}

function adopt(forked: ForkedProcess, spec: WorkerSpec, spawnedAtMs: number, clock: Clock): Worker {
  const token = randomBytes(32).toString("hex");
  const directory = createSocketDirectory();
  return new SpawnedWorker({ ...forked, lifeline: undefined, directory, token, spawnedAtMs }, spec, clock);
}

function discard({ control, stdout, stderr, signal }: ForkedProcess): void {
  signal("SIGKILL");
  for (const stream of [control, stdout, stderr]) stream.destroy();
}
