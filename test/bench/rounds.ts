/** Measures that compare clients: in rounds and in rotating order, because the machine is noisy. */

import { type BenchClient, type ClientName, clientNames } from "./clients.ts";
import { median, rounded } from "./statistics.ts";

/** One measure of all clients. */
export interface Comparison {
  readonly unit: "ms" | "µs" | "1/s";
  /** One value a round, in the order of the rounds. */
  readonly values: Readonly<Record<ClientName, readonly number[]>>;
  readonly medians: Readonly<Record<ClientName, number>>;
  /** The agent's value over another client's of the same round; the median of the rounds. */
  readonly ratios: Readonly<Record<Exclude<ClientName, "agent">, number>>;
}

/** Measures every client once a round; answers its samples in the order of the rounds. */
export async function inRounds<Sample>(
  clients: readonly BenchClient[],
  rounds: number,
  measure: (client: BenchClient) => Promise<Sample>,
): Promise<Record<ClientName, Sample[]>> {
  const samples: Record<ClientName, Sample[]> = { agent: [], connect: [], grpcJs: [] };
  for (let round = 0; round < rounds; round++) {
    const first = round % clients.length;
    for (const client of [...clients.slice(first), ...clients.slice(0, first)]) {
      samples[client.name].push(await measure(client));
    }
  }
  return samples;
}

/** Picks one number of every sample and compares the clients by it. */
export function compare<Sample>(
  unit: Comparison["unit"],
  samples: Record<ClientName, Sample[]>,
  pick: (sample: Sample) => number,
): Comparison {
  const values = mapClients((name) => samples[name].map((sample) => rounded(pick(sample))));
  const ratio = (other: ClientName) =>
    rounded(median(values.agent.map((value, round) => value / (values[other][round] ?? Number.NaN))));
  return {
    unit,
    values,
    medians: mapClients((name) => rounded(median(values[name]))),
    ratios: { connect: ratio("connect"), grpcJs: ratio("grpcJs") },
  };
}

function mapClients<T>(make: (name: ClientName) => T): Record<ClientName, T> {
  return Object.fromEntries(clientNames.map((name) => [name, make(name)])) as Record<ClientName, T>;
}
