/** What supervision costs: how soon a kill is seen, and what a restart adds to the start of a plain worker. */

import { type Agent, startSystem } from "../../src/index.ts";
import { workerEnvironment } from "../../src/python/environment.ts";
import { findInterpreter } from "../../src/python/interpreter.ts";
import { createSpawnLauncher } from "../../src/worker/spawn-launcher.ts";
import { type Crash, crashOnce } from "./crash.ts";
import { type Series, series } from "./series.ts";
import { type BenchSettings, benchEntry, rootDirectory } from "./settings.ts";
import { createTappedLauncher } from "./tapped-launcher.ts";
import { createBenchLogger, defineBenchAgent, startMs } from "./target.ts";

/** The measures of starts and crashes. */
export interface LifecycleMeasures {
  /** A launcher alone: launch to ready. */
  readonly plainStart: Series;
  /** The agent's report of the crash to its report that the next worker serves. */
  readonly restart: Series;
  /** `restart` less the `plainStart` measured beside it. Holds the noise of two Python starts: look at p25 and p75 too. */
  readonly restartAdds: Series;
  /** `restart` less the launch-to-ready of the very worker it started: supervision, connection and health check alone. */
  readonly restartAroundWorker: Series;
  /** kill -9 to the agent's report of the crash. */
  readonly exitSeen: Series;
  /** kill -9 to the end of the next run that succeeds, for a caller who tries again at once. */
  readonly nextRun: Series;
  /** Runs that the dead workers held; each was rejected with a WorkerError, as it has to be. */
  readonly runsRejected: number;
}

/** Starts a system of its own and kills its worker again and again. */
export async function measureLifecycle(settings: BenchSettings): Promise<LifecycleMeasures> {
  const { path: interpreter } = await findInterpreter({ cwd: rootDirectory });
  let workerStartMs = Number.NaN;
  const launcher = createTappedLauncher(({ launchedAtMs, readyAtMs }) => {
    workerStartMs = readyAtMs - launchedAtMs;
  });
  const definition = defineBenchAgent(settings);
  const system = await startSystem(
    {
      name: "lifecycle",
      children: [definition],
      maxRestarts: settings.crashes + 1,
      periodMs: 3_600_000,
      python: { cwd: rootDirectory },
      logger: createBenchLogger(),
    },
    { launcher },
  );
  try {
    const agent: Agent = system.agent(definition);
    await agent.whenReady({ timeoutMs: startMs });
    await agent.run("hello");
    const plain: number[] = [];
    const crashes: (Crash & { aroundWorkerMs: number })[] = [];
    for (let round = 0; round < settings.crashes; round++) {
      if (round % 2 === 0) plain.push(await startPlainWorker(interpreter));
      const crash = await crashOnce(agent, system);
      crashes.push({ ...crash, aroundWorkerMs: crash.restartMs - workerStartMs });
      if (round % 2 === 1) plain.push(await startPlainWorker(interpreter));
    }
    return {
      plainStart: series(plain),
      restart: series(crashes.map(({ restartMs }) => restartMs)),
      restartAdds: series(crashes.map(({ restartMs }, round) => restartMs - (plain[round] ?? Number.NaN))),
      restartAroundWorker: series(crashes.map(({ aroundWorkerMs }) => aroundWorkerMs)),
      exitSeen: series(crashes.map(({ exitSeenMs }) => exitSeenMs)),
      nextRun: series(crashes.map(({ nextRunMs }) => nextRunMs)),
      runsRejected: crashes.reduce((sum, { runsRejected }) => sum + runsRejected, 0),
    };
  } finally {
    await system.stop({ timeoutMs: 10_000 });
  }
}

/** A worker without an agent round it: launch to ready, in milliseconds. */
async function startPlainWorker(interpreter: string): Promise<number> {
  const launchedAtMs = performance.now();
  const worker = createSpawnLauncher().launch({
    agentId: "plain",
    incarnation: 1,
    interpreter,
    entry: benchEntry,
    cwd: rootDirectory,
    env: workerEnvironment(),
    startTimeoutMs: startMs,
    maxMessageBytes: 64 * 1024 * 1024,
    onLog: () => undefined,
  });
  try {
    const outcome = await worker.started;
    if ("exit" in outcome) {
      const { cause, detail, loadFailure } = outcome.exit;
      throw new Error(`a plain worker did not start: ${cause}, ${detail ?? loadFailure?.message ?? "no detail"}`);
    }
    return performance.now() - launchedAtMs;
  } finally {
    worker.kill();
    await worker.exited;
  }
}
