/** Unary runs: latency of one at a time, throughput and CPU of many at once. */

import type { BenchClient } from "./clients.ts";
import { within } from "./deadline.ts";
import { type Comparison, compare, inRounds } from "./rounds.ts";
import type { BenchSettings } from "./settings.ts";
import { percentile } from "./statistics.ts";

/** How long the calls of one client in one round may take, in milliseconds. */
const roundMs = 120_000;

/** The measures of unary runs. */
export interface UnaryMeasures {
  readonly unaryP50: Comparison;
  readonly unaryP99: Comparison;
  /** Runs a second with `concurrency` in flight. */
  readonly throughput: Comparison;
  /** CPU time of this process for each of those runs. */
  readonly nodeCpuPerRun: Comparison;
}

/** Measures both; the clients must be warm. */
export async function measureUnary(clients: readonly BenchClient[], settings: BenchSettings): Promise<UnaryMeasures> {
  const { rounds, unaryCalls, throughputCalls, concurrency } = settings;
  const latencies = await inRounds(clients, rounds, (client) => runInTurn(client, unaryCalls));
  const crowds = await inRounds(clients, rounds, (client) => runAtOnce(client, throughputCalls, concurrency));
  return {
    unaryP50: compare("ms", latencies, (ms) => percentile(ms, 0.5)),
    unaryP99: compare("ms", latencies, (ms) => percentile(ms, 0.99)),
    throughput: compare("1/s", crowds, ({ elapsedMs }) => (throughputCalls / elapsedMs) * 1_000),
    nodeCpuPerRun: compare("µs", crowds, ({ cpuUs }) => cpuUs / throughputCalls),
  };
}

/** One call after the other; answers each one's milliseconds. */
export function runInTurn(client: BenchClient, calls: number): Promise<number[]> {
  const inTurn = async () => {
    const ms: number[] = [];
    for (let call = 0; call < calls; call++) {
      const beganAtMs = performance.now();
      await runOnce(client);
      ms.push(performance.now() - beganAtMs);
    }
    return ms;
  };
  return within(roundMs, `${calls} runs of client "${client.name}" in turn`, inTurn());
}

/** `calls` calls, `concurrency` of them in flight until none is left to begin; each works for `workUs` of the processor's time in Python. */
export async function runAtOnce(client: BenchClient, calls: number, concurrency: number, workUs = 0) {
  let left = calls;
  const prompt = workUs === 0 ? "hello" : `work:${workUs}`;
  const lane = async () => {
    while (left-- > 0) await runOnce(client, prompt);
  };
  const cpu = process.cpuUsage();
  const beganAtMs = performance.now();
  const lanes = Promise.all(Array.from({ length: concurrency }, lane));
  await within(roundMs, `${calls} runs of client "${client.name}" at once`, lanes);
  const elapsedMs = performance.now() - beganAtMs;
  const { user, system } = process.cpuUsage(cpu);
  return { elapsedMs, cpuUs: user + system };
}

async function runOnce(client: BenchClient, prompt = "hello"): Promise<void> {
  const answer = await client.run(prompt);
  if (answer !== "ok") throw new Error(`client "${client.name}" was answered ${JSON.stringify(answer)}, not "ok"`);
}
