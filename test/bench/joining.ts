/** What it saves the host that deltas which wait on their way are joined into one message: many streams at once, with it and without. */

import { defineAgent } from "../../src/index.ts";
import { createAgentClient } from "./clients.ts";
import { inRounds } from "./rounds.ts";
import { type Series, series } from "./series.ts";
import { type BenchSettings, benchEntry } from "./settings.ts";
import { ratioOf } from "./statistics.ts";
import { readStream } from "./stream.ts";
import { startBenchSystem, startMs } from "./target.ts";
import { runAtOnce } from "./unary.ts";

/** Streams at once. */
const streams = 8;
/** A stream here is so many times shorter than one that is read alone. */
const shorter = 5;

/** CPU time of this process for each delta, in microseconds; both taken once a round, in rotating order. */
export interface JoiningMeasures {
  readonly joined: Series;
  /** From a worker that sends each delta as a message of its own. */
  readonly single: Series;
  /** The first of the second; the median of the rounds. */
  readonly ratio: number;
}

/** Measures both. */
export async function measureJoining(settings: BenchSettings): Promise<JoiningMeasures> {
  const { concurrency, warmUpCalls, rounds, chunks } = settings;
  const bounds = { output: "text", maxConcurrency: concurrency, startTimeoutMs: startMs } as const;
  const definitions = [
    defineAgent({ ...bounds, id: "joined", entry: benchEntry }),
    defineAgent({ ...bounds, id: "single", entry: "test/fixtures/agents/bench_unjoined.py:agent" }),
  ];
  const each = Math.ceil(chunks / shorter);
  const system = await startBenchSystem("bench-joining", definitions);
  try {
    const ways = [];
    for (const definition of definitions) {
      const agent = system.agent(definition);
      await agent.whenReady({ timeoutMs: startMs });
      const client = createAgentClient(agent);
      await runAtOnce(client, warmUpCalls, concurrency);
      ways.push({ name: definition.id as "joined" | "single", client });
    }
    const cpu = await inRounds(ways, rounds, async ({ client }) => {
      const before = process.cpuUsage();
      await Promise.all(Array.from({ length: streams }, () => readStream(client, each)));
      const { user, system: kernel } = process.cpuUsage(before);
      return (user + kernel) / (each * streams);
    });
    return { joined: series(cpu.joined), single: series(cpu.single), ratio: ratioOf(cpu.joined, cpu.single) };
  } finally {
    await system.stop({ timeoutMs: 10_000 });
  }
}
