/** Streamed runs: how many small text deltas arrive in a second. */

import type { BenchClient } from "./clients.ts";
import { within } from "./deadline.ts";
import { type Comparison, compare, inRounds } from "./rounds.ts";
import type { BenchSettings } from "./settings.ts";

/** How long one stream may take, in milliseconds. */
const streamMs = 120_000;

/** The measures of streamed runs. */
export interface StreamMeasures {
  /** Text deltas a second in one stream. */
  readonly streamedChunks: Comparison;
  /** CPU time of this process for each of them. */
  readonly nodeCpuPerChunk: Comparison;
}

/** Measures one stream a client a round; the clients must be warm. */
export async function measureStreams(
  clients: readonly BenchClient[],
  { rounds, chunks }: BenchSettings,
): Promise<StreamMeasures> {
  const streams = await inRounds(clients, rounds, (client) => readStream(client, chunks));
  return {
    streamedChunks: compare("1/s", streams, ({ elapsedMs }) => (chunks / elapsedMs) * 1_000),
    nodeCpuPerChunk: compare("µs", streams, ({ cpuUs }) => cpuUs / chunks),
  };
}

/** Reads a stream of `chunks` text deltas to its end, and counts them; Python works for `workUs` of the processor's time on each. */
export async function readStream(client: BenchClient, chunks: number, workUs = 0) {
  const what = `a stream of ${chunks} text deltas to client "${client.name}"`;
  const cpu = process.cpuUsage();
  const beganAtMs = performance.now();
  const deltas = await within(streamMs, what, client.countDeltas(`chunks:${chunks}:${workUs}`));
  const elapsedMs = performance.now() - beganAtMs;
  const { user, system } = process.cpuUsage(cpu);
  if (deltas !== chunks) throw new Error(`${what} arrived as ${deltas}`);
  return { elapsedMs, cpuUs: user + system };
}
