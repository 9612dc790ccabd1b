/** What more workers of one agent bring: two instances against one, and a spare worker that takes the place of one that crashes. */

import { type Agent, type AgentSpec, defineAgent, type System } from "../../src/index.ts";
import { createAgentClient } from "./clients.ts";
import { crashOnce } from "./crash.ts";
import { within } from "./deadline.ts";
import { inRounds } from "./rounds.ts";
import { type Series, type SeriesWithP99, series, withP99 } from "./series.ts";
import { type BenchSettings, benchEntry } from "./settings.ts";
import { ratioOf } from "./statistics.ts";
import { readStream } from "./stream.ts";
import { startBenchSystem, startMs } from "./target.ts";
import { runAtOnce } from "./unary.ts";

/** One rate by one instance and by two, a second; each taken once a round, in rotating order. */
export interface InstanceSeries {
  readonly one: Series;
  readonly two: Series;
  /** The rate of two over that of one in the same round; the median of the rounds. */
  readonly ratio: number;
}

/** The measures of instances and spares. */
export interface InstanceMeasures {
  /** Runs a second, with as many in flight as two instances take. */
  readonly runs: InstanceSeries;
  /** The same of runs that work in Python themselves. */
  readonly busyRuns: InstanceSeries;
  /** Text deltas a second, in some streams at once. */
  readonly chunks: InstanceSeries;
  /** The same with work in Python on each. */
  readonly busyChunks: InstanceSeries;
  /** kill -9 to the end of the next run that succeeds, with a spare worker that is ready. Milliseconds. */
  readonly spareNextRun: SeriesWithP99;
}

const names = ["one", "two"] as const;
const streams = 4;
/** What an agent does that does something, in microseconds of the processor: for a run some validation and a tool, for a delta its parsing. */
const busyRunUs = 10_000;
const busyChunkUs = 500;
/** A busy round has as many times fewer of them. */
const fewer = 5;

/** Measures both. */
export async function measureInstances(settings: BenchSettings): Promise<InstanceMeasures> {
  const rates = await withAgents(
    [{ id: "one" }, { id: "two", instances: 2 }],
    async (agentOf) => {
      const agents = names.map((name) => ({ name, agent: agentOf(name) }));
      const compared = async (measure: (agent: Agent<string>) => Promise<number>) =>
        compareInstances(await inRounds(agents, settings.rounds, ({ agent }) => measure(agent)));
      const { throughputCalls, chunks } = settings;
      return {
        runs: await compared((agent) => runsPerSecond(agent, settings, throughputCalls)),
        busyRuns: await compared((agent) => runsPerSecond(agent, settings, throughputCalls / fewer, busyRunUs)),
        chunks: await compared((agent) => chunksPerSecond(agent, chunks)),
        busyChunks: await compared((agent) => chunksPerSecond(agent, chunks / fewer, busyChunkUs)),
      };
    },
    settings,
  );
  const spareNextRun = await withAgents(
    [{ id: "spare", spare: true }],
    (agent, system) => crashWithSpare(agent("spare"), system, settings.spareCrashes),
    settings,
  );
  return { ...rates, spareNextRun };
}

async function withAgents<T>(
  agents: readonly Pick<AgentSpec<string>, "id" | "instances" | "spare">[],
  measure: (agent: (id: string) => Agent<string>, system: System) => Promise<T>,
  { concurrency, warmUpCalls }: BenchSettings,
): Promise<T> {
  const bounds = { entry: benchEntry, output: "text", maxConcurrency: concurrency, startTimeoutMs: startMs } as const;
  const children = agents.map((own) => defineAgent({ ...bounds, ...own }));
  const system = await startBenchSystem("bench-instances", children);
  try {
    for (const child of children) {
      const agent = system.agent(child);
      await agent.whenReady({ timeoutMs: startMs });
      await within(startMs, `all instances of "${agent.id}"`, allReady(agent));
      await runAtOnce(createAgentClient(agent), warmUpCalls, concurrency);
    }
    return await measure((id) => system.agent<string>(id), system);
  } finally {
    await system.stop({ timeoutMs: 10_000 });
  }
}

async function allReady(agent: Agent<string>): Promise<void> {
  while (agent.health.instances.some(({ state }) => state !== "ready")) await aMoment();
}

function compareInstances({ one, two }: Record<(typeof names)[number], number[]>): InstanceSeries {
  return { one: series(one), two: series(two), ratio: ratioOf(two, one) };
}

async function runsPerSecond(agent: Agent<string>, { concurrency }: BenchSettings, most: number, workUs = 0) {
  const calls = Math.ceil(most);
  const { elapsedMs } = await runAtOnce(createAgentClient(agent), calls, concurrency, workUs);
  return (calls / elapsedMs) * 1_000;
}

async function chunksPerSecond(agent: Agent<string>, chunks: number, workUs = 0): Promise<number> {
  const client = createAgentClient(agent);
  const each = Math.ceil(chunks / streams);
  const beganAtMs = performance.now();
  await Promise.all(Array.from({ length: streams }, () => readStream(client, each, workUs)));
  return ((each * streams) / (performance.now() - beganAtMs)) * 1_000;
}

async function crashWithSpare(agent: Agent<string>, system: System, restarts: number) {
  const values: number[] = [];
  for (let round = 0; round < restarts; round++) {
    await within(startMs, "a spare worker", spareReady(agent));
    values.push((await crashOnce(agent, system)).nextRunMs);
  }
  return withP99(values);
}

async function spareReady(agent: Agent<string>): Promise<void> {
  while (agent.health.spare?.state !== "ready") await aMoment();
}

function aMoment(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, 5));
}
