/**
 * The benchmark: `node test/bench/run.ts [--quick] [--name <name>] [--directory <directory>]`.
 *
 * Prints a table and writes `<directory>/<name>.json` (default: `.bench/full.json` or `.bench/quick.json`). A full run exits with 1 when a
 * bar is missed; a quick one shows that everything works, and its figures decide nothing.
 */

import { checkBars } from "./bars.ts";
import { readOptions, writeResult } from "./command.ts";
import { measureInstances } from "./instances.ts";
import { measureJoining } from "./joining.ts";
import { measureLaunchers } from "./launchers.ts";
import { measureLifecycle } from "./lifecycle.ts";
import { describeMachine } from "./machine.ts";
import { type BenchResult, formatResult } from "./report.ts";
import { measureRuns } from "./runs.ts";
import { type BenchSettings, fullSettings, quickSettings } from "./settings.ts";
import { measureSimulation } from "./simulation.ts";
import { measureStreams, readStream } from "./stream.ts";
import { startTarget } from "./target.ts";
import { measureToolCalls } from "./tool-calls.ts";
import { measureUnary, runAtOnce, runInTurn } from "./unary.ts";

const options = readOptions("full", "quick");
const result = await runBench(options.name, options.quick ? quickSettings : fullSettings);
const path = writeResult(result, options.directory);
console.log(`${formatResult(result)}\nwritten to ${path}`);
if (!options.quick && !result.passed) process.exitCode = 1;

async function runBench(name: string, settings: BenchSettings): Promise<BenchResult> {
  const startedAt = new Date();
  const machine = describeMachine();
  const { worker, ...comparisons } = await compareClients(settings);
  tell("tool calls");
  const toolCalls = await measureToolCalls(settings);
  tell(`${settings.crashes} crashes and plain starts`);
  const lifecycle = await measureLifecycle(settings);
  tell(`${settings.restarts} restarts, ${settings.bursts} bursts and ${settings.crowds} crowds by the launchers`);
  const launchers = await measureLaunchers(settings);
  tell(`two instances, and ${settings.spareCrashes} crashes beside a spare`);
  const instances = await measureInstances(settings);
  tell("runs that are kept");
  const runs = await measureRuns(settings);
  tell("deltas that are joined");
  const joining = await measureJoining(settings);
  tell(`${settings.simulations} simulations of an hour`);
  const simulation = await measureSimulation(settings);
  const measures = { ...comparisons, toolCalls, lifecycle, launchers, instances, runs, joining, simulation };
  const bars = checkBars(measures);
  return {
    name,
    startedAt: startedAt.toISOString(),
    durationMs: Date.now() - startedAt.getTime(),
    machine: { ...machine, worker },
    settings,
    measures,
    bars,
    passed: bars.every(({ passed }) => passed),
  };
}

async function compareClients(settings: BenchSettings) {
  tell("starting the worker");
  const { clients, versions, stop } = await startTarget(settings);
  try {
    tell("warming up");
    for (const client of clients) {
      await runInTurn(client, settings.warmUpCalls);
      await runAtOnce(client, settings.warmUpCalls, settings.concurrency);
      await readStream(client, settings.chunks);
    }
    tell("unary runs");
    const unary = await measureUnary(clients, settings);
    tell("streams");
    const streams = await measureStreams(clients, settings);
    return { worker: versions, ...unary, ...streams };
  } finally {
    await stop();
  }
}

/** Progress, on stderr: the report alone is on stdout. */
function tell(step: string): void {
  process.stderr.write(`bench: ${step}\n`);
}
