/** Measures that compare: clients, launchers or agents, in rounds and in rotating order, because the machine is noisy. */

import { type ClientName, clientNames } from "./clients.ts";
import { median, ratioOf, rounded } from "./statistics.ts";

/** One measure of all clients. */
export interface Comparison {
  readonly unit: "ms" | "µs" | "1/s";
  /** One value a round, in the order of the rounds. */
  readonly values: Readonly<Record<ClientName, readonly number[]>>;
  readonly medians: Readonly<Record<ClientName, number>>;
  /** The agent's value over another client's of the same round; the median of the rounds. */
  readonly ratios: Readonly<Record<Exclude<ClientName, "agent">, number>>;
}

/** Measures every subject once a round; answers its samples, by its name, in the order of the rounds. */
export async function inRounds<Name extends string, Subject, Sample>(
  subjects: readonly (Subject & { readonly name: Name })[],
  rounds: number,
  measure: (subject: Subject) => Promise<Sample>,
): Promise<Record<Name, Sample[]>> {
  const none = subjects.map(({ name }): [Name, Sample[]] => [name, []]);
  const samples = Object.fromEntries(none) as Record<Name, Sample[]>;
  for (let round = 0; round < rounds; round++) {
    const first = round % subjects.length;
    for (const subject of [...subjects.slice(first), ...subjects.slice(0, first)]) {
      samples[subject.name].push(await measure(subject));
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
  return {
    unit,
    values,
    medians: mapClients((name) => rounded(median(values[name]))),
    ratios: { connect: ratioOf(values.agent, values.connect), grpcJs: ratioOf(values.agent, values.grpcJs) },
  };
}

function mapClients<T>(make: (name: ClientName) => T): Record<ClientName, T> {
  return Object.fromEntries(clientNames.map((name) => [name, make(name)])) as Record<ClientName, T>;
}
