/** A launcher that tells of its workers' starts before whoever asked for them hears of it. */

import type { Launcher, WorkerReady, WorkerSpec } from "../../src/worker/launcher.ts";
import { createSpawnLauncher } from "../../src/worker/spawn-launcher.ts";

/** A worker that is ready. Times are by performance.now(). */
export interface WorkerStart {
  readonly spec: WorkerSpec;
  readonly ready: WorkerReady;
  readonly launchedAtMs: number;
  readonly readyAtMs: number;
}

/** Wraps the spawn launcher. `onReady` is called while the worker's socket can still be reached by its path. */
export function createTappedLauncher(onReady: (start: WorkerStart) => void): Launcher {
  const launcher = createSpawnLauncher();
  return {
    kind: launcher.kind,
    close: () => launcher.close(),
    launch(spec) {
      const launchedAtMs = performance.now();
      const worker = launcher.launch(spec);
      const started = worker.started.then((outcome) => {
        if ("ready" in outcome) {
          onReady({ spec, ready: outcome.ready, launchedAtMs, readyAtMs: performance.now() });
        }
        return outcome;
      });
      return {
        incarnation: worker.incarnation,
        pid: worker.pid,
        started,
        exited: worker.exited,
        releaseSocket: () => worker.releaseSocket(),
        stop: (graceMs) => worker.stop(graceMs),
        kill: () => worker.kill(),
        usage: () => worker.usage(),
        dumpStacks: () => worker.dumpStacks(),
      };
    },
  };
}
