/** An hour of a system with 20 agents, in which their workers crash some 1,000 times, played through by the simulator. */

import { defineAgent, defineSystem, exponentialBackoff } from "../../src/index.ts";
import { defineFaults, simulate } from "../../src/simulate/index.ts";
import { type Series, series } from "./series.ts";
import type { BenchSettings } from "./settings.ts";

/** What the simulations took. */
export interface SimulationMeasures {
  /** Wall time of one, in milliseconds. */
  readonly hour: Series;
  /** Crashes in it. */
  readonly crashes: number;
}

const hourMs = 3_600_000;
const agents = 20;

/** Plays the same hour again and again, with another seed each time; the first one is not counted. */
export async function measureSimulation({ simulations }: BenchSettings): Promise<SimulationMeasures> {
  const children = Array.from({ length: agents }, (_, index) =>
    defineAgent({ id: `agent-${index}`, entry: "agent.py:agent", policy: exponentialBackoff({ maxMs: 1_000 }) }),
  );
  const faults = defineFaults({ others: { crashAfterMs: { meanMs: 70_000 } } });
  const tookMs: number[] = [];
  let crashes = 0;
  for (let seed = 0; seed <= simulations; seed += 1) {
    const startedAtMs = performance.now();
    const result = await simulate(defineSystem({ children }), faults, { seed, forMs: hourMs });
    if (seed > 0) tookMs.push(performance.now() - startedAtMs);
    crashes = result.children.reduce((sum, child) => sum + child.crashes, 0);
  }
  return { hour: series(tookMs), crashes };
}
