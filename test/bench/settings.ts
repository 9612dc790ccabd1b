/** How much is measured. */

import { join } from "node:path";

/** The checkout: agents, contract and reports are found from here. */
export const rootDirectory = join(import.meta.dirname, "../..");
/** An agent that does no work, so that what is measured is everything around it. */
export const benchEntry = "python/agents/bench_agent.py:agent";

/** The sizes of one benchmark. */
export interface BenchSettings {
  /** Rounds of every comparison; each client is measured once a round, in rotating order. */
  readonly rounds: number;
  /** Sequential calls of one client in one round. */
  readonly unaryCalls: number;
  /** Calls of one client in one round with `concurrency` in flight. */
  readonly throughputCalls: number;
  readonly concurrency: number;
  /** Text deltas of one stream; one stream a client a round. */
  readonly chunks: number;
  /** Sequential calls of each client before anything counts; as many again at `concurrency`, and one stream. */
  readonly warmUpCalls: number;
  /** How often the worker is killed; each time a plain worker is started beside it. */
  readonly crashes: number;
  /** How often a worker is killed by each of the two launchers, in turn. */
  readonly restarts: number;
  /** How often a worker with a spare beside it is killed: enough for a 99th percentile. */
  readonly spareCrashes: number;
  /** Agents whose workers are killed at once, and how often, by each launcher in turn. */
  readonly burstAgents: number;
  readonly bursts: number;
  /** The same by zygote alone. */
  readonly crowdAgents: number;
  readonly crowds: number;
  /** How often an hour is simulated. */
  readonly simulations: number;
}

/** Three to five minutes on two cores. Rounds are a multiple of three, so that each client is first, second and third equally often. */
export const fullSettings: BenchSettings = {
  rounds: 9,
  unaryCalls: 200,
  throughputCalls: 500,
  concurrency: 64,
  chunks: 10_000,
  warmUpCalls: 400,
  crashes: 20,
  restarts: 20,
  spareCrashes: 200,
  burstAgents: 10,
  bursts: 5,
  crowdAgents: 100,
  crowds: 5,
  simulations: 9,
};

/** Seconds: shows that everything works; its figures mean nothing. */
export const quickSettings: BenchSettings = {
  rounds: 1,
  unaryCalls: 10,
  throughputCalls: 64,
  concurrency: 64,
  chunks: 200,
  warmUpCalls: 5,
  crashes: 1,
  restarts: 1,
  spareCrashes: 2,
  burstAgents: 2,
  bursts: 1,
  crowdAgents: 3,
  crowds: 1,
  simulations: 1,
};
