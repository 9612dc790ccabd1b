/** kill -9 of an agent's worker, and what follows until runs succeed again. */

import type { Agent, System } from "../../src/index.ts";
import { WorkerError } from "../../src/index.ts";
import { within } from "./deadline.ts";
import { startMs } from "./target.ts";

/** What one crash took, in milliseconds. */
export interface Crash {
  /** kill -9 to the agent's report of the crash. */
  readonly exitSeenMs: number;
  /** That report to the agent's report that the next worker serves. */
  readonly restartMs: number;
  /** kill -9 to the end of the next run that succeeds, for a caller who tries again at once. */
  readonly nextRunMs: number;
  /** Runs that the dead worker held; each was rejected with a WorkerError, as it has to be. */
  readonly runsRejected: number;
}

/** Kills the worker of an agent that is ready, and waits until runs succeed again. */
export async function crashOnce(agent: Agent, system: System): Promise<Crash> {
  const crashed = Promise.withResolvers<number>();
  const ready = Promise.withResolvers<number>();
  const unsubscribe = system.onReport(({ type }) => {
    if (type === "agent.crashed") crashed.resolve(performance.now());
    if (type === "agent.ready") ready.resolve(performance.now());
  });
  try {
    const killedAtMs = performance.now();
    killWorker(agent);
    const served = runUntilServed(agent);
    const everything = Promise.all([crashed.promise, ready.promise, served]);
    const [crashedAtMs, readyAtMs, { servedAtMs, runsRejected }] = await within(startMs, "a restart", everything);
    return {
      exitSeenMs: crashedAtMs - killedAtMs,
      restartMs: readyAtMs - crashedAtMs,
      nextRunMs: servedAtMs - killedAtMs,
      runsRejected,
    };
  } finally {
    unsubscribe();
  }
}

/** Kills the workers of all agents of a system at once; answers the milliseconds until all are ready again. */
export async function crashAll(agents: readonly Agent[], system: System): Promise<number> {
  const allReady = Promise.withResolvers<number>();
  let left = agents.length;
  const unsubscribe = system.onReport(({ type }) => {
    if (type === "agent.ready" && --left === 0) allReady.resolve(performance.now());
  });
  try {
    const killedAtMs = performance.now();
    for (const agent of agents) killWorker(agent);
    const readyAtMs = await within(startMs, `${agents.length} restarts`, allReady.promise);
    return readyAtMs - killedAtMs;
  } finally {
    unsubscribe();
  }
}

function killWorker({ id, pid }: Agent): void {
  if (pid === undefined) throw new Error(`agent "${id}" has no worker to kill`);
  process.kill(pid, "SIGKILL");
}

async function runUntilServed(agent: Agent): Promise<{ servedAtMs: number; runsRejected: number }> {
  for (let runsRejected = 0; ; runsRejected++) {
    try {
      await agent.run("hello");
      return { servedAtMs: performance.now(), runsRejected };
    } catch (error) {
      if (!(error instanceof WorkerError) || error.code === "restart_intensity_exceeded") throw error;
    }
  }
}
