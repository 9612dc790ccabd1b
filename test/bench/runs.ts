/** Runs that belong to the system: what it costs that their events are kept, and how soon one who comes in the middle has the first of them. */

import { type Agent, defineAgent, type RunHandle, type System } from "../../src/index.ts";
import { countDeltasOf, createAgentClient } from "./clients.ts";
import { within } from "./deadline.ts";
import { inRounds } from "./rounds.ts";
import { type Series, type SeriesWithP99, series, withP99 } from "./series.ts";
import { type BenchSettings, benchEntry } from "./settings.ts";
import { ratioOf } from "./statistics.ts";
import { startBenchSystem, startMs } from "./target.ts";
import { runAtOnce } from "./unary.ts";

/** Runs that stream at once while others attach. */
const streams = 8;
/** Attaches of one round. */
const attaches = 20;
/** How long a run may take, in milliseconds. */
const runMs = 120_000;

/** The measures of runs that belong to the system. */
export interface RunMeasures {
  /** Text deltas a second of `agent.stream`, and of `agent.start` with one reader. */
  readonly chunks: { readonly stream: Series; readonly start: Series; readonly ratio: number };
  /** From `attach` in the middle of a run to its first event, beside so many streams. Milliseconds. */
  readonly attachFirst: SeriesWithP99;
  /** The same to the next event that comes. */
  readonly attachNext: SeriesWithP99;
}

/** Measures them. */
export async function measureRuns(settings: BenchSettings): Promise<RunMeasures> {
  const { concurrency, warmUpCalls, rounds, chunks } = settings;
  const bounds = { entry: benchEntry, output: "text", maxConcurrency: concurrency, startTimeoutMs: startMs } as const;
  const definition = defineAgent({ ...bounds, id: "runs" });
  const system = await startBenchSystem("bench-runs", [definition]);
  try {
    const agent = system.agent(definition);
    await agent.whenReady({ timeoutMs: startMs });
    await runAtOnce(createAgentClient(agent), warmUpCalls, concurrency);
    const prompt = `chunks:${chunks}`;
    const ways = [
      { name: "stream", begin: () => agent.stream(prompt) },
      { name: "start", begin: () => agent.start(prompt) },
    ] as const;
    const rates = await inRounds(ways, rounds, async ({ begin }) => {
      const beganAtMs = performance.now();
      const deltas = await within(runMs, "a stream of text deltas", countDeltasOf(begin()));
      if (deltas !== chunks) throw new Error(`a stream of ${chunks} text deltas arrived as ${deltas}`);
      return (chunks / (performance.now() - beganAtMs)) * 1_000;
    });
    const first: number[] = [];
    const next: number[] = [];
    for (let round = 0; round < rounds; round++) await attachUnderLoad(agent, system, chunks, { first, next });
    return {
      chunks: { stream: series(rates.stream), start: series(rates.start), ratio: ratioOf(rates.start, rates.stream) },
      attachFirst: withP99(first),
      attachNext: withP99(next),
    };
  } finally {
    await system.stop({ timeoutMs: 10_000 });
  }
}

/** Attaches to runs that stream, one after the other, and lets them end. */
async function attachUnderLoad(
  agent: Agent<string>,
  system: System,
  chunks: number,
  { first, next }: { first: number[]; next: number[] },
): Promise<void> {
  const runs = Array.from({ length: streams }, () => agent.start(`chunks:${chunks}`));
  await within(runMs, "the beginning of all runs", Promise.all(runs.map(firstDelta)));
  for (let count = 0; count < attaches; count++) {
    const run = runs[count % streams] as RunHandle<string>;
    // A turn of the event loop, so that each attach finds the load as it is.
    await new Promise((resolve) => setImmediate(resolve));
    first.push(await firstEventMs(system, run, 0));
    next.push(await firstEventMs(system, run, system.runs.get(run.runId)?.lastSeq ?? 0));
  }
  for (const run of runs) run.cancel();
  await within(runMs, "the end of all runs", Promise.allSettled(runs.map(({ result }) => result)));
  await within(runMs, "the end of them in the worker", idle(agent));
}

async function firstEventMs(system: System, { runId }: RunHandle<string>, after: number): Promise<number> {
  const beganAtMs = performance.now();
  const reader = system.runs.attach(runId, { after })[Symbol.asyncIterator]();
  await within(runMs, "the first event of a reader", reader.next());
  const elapsedMs = performance.now() - beganAtMs;
  await reader.return?.();
  return elapsedMs;
}

async function firstDelta(run: RunHandle<string>): Promise<void> {
  for await (const event of run) if (event.type === "text.delta") return;
}

async function idle(agent: Agent<string>): Promise<void> {
  while (agent.inFlight > 0) await new Promise((resolve) => setTimeout(resolve, 5));
}
