/** The worker of a process that never was: everything can still be asked of it, and its exit says why. */

import type { WorkerExitCause } from "../crash.ts";
import type { Clock } from "./clock.ts";
import type { Worker, WorkerExit, WorkerSpec } from "./launcher.ts";
import type { SpawnFailure } from "./spawn-failure.ts";

/** What there is to tell of it. */
export interface Stillbirth extends Partial<SpawnFailure> {
  /** Default: "spawn_failed". */
  cause?: WorkerExitCause;
}

/**
 * Creates it.
 * @param spawnedAtMs when it was asked for, by the clock
 */
export function createStillbornWorker(
  spec: WorkerSpec,
  clock: Clock,
  spawnedAtMs: number,
  stillbirth: Stillbirth | Promise<Stillbirth>,
): Worker {
  const exited = Promise.resolve(stillbirth).then(
    ({ cause = "spawn_failed", detail, errno }): WorkerExit => ({
      cause,
      pid: undefined,
      incarnation: spec.incarnation,
      exitCode: undefined,
      signal: undefined,
      loadFailure: undefined,
      detail,
      errno,
      stderrTail: [],
      wasReady: false,
      uptimeMs: Math.round(clock.now() - spawnedAtMs),
    }),
  );
  const nothing = () => undefined;
  return {
    incarnation: spec.incarnation,
    pid: undefined,
    started: exited.then((exit) => ({ exit })),
    exited,
    releaseSocket: nothing,
    stop: () => exited,
    kill: nothing,
    usage: nothing,
    dumpStacks: () => Promise.resolve([]),
  };
}
