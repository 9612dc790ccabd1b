/** Plays a system through under a clock of its own: the supervisors, the agents' machine and the policies are the real ones, the workers are timers. */

import { defineSystem, rootSpec } from "../define-system.ts";
import { invalidArgument } from "../errors.ts";
import { LocalRuntime } from "../otp/process/runtime.ts";
import { normalizeSupervisorSpec } from "../otp/supervisor/spec.ts";
import { Supervisor } from "../otp/supervisor/supervisor.ts";
import type { Report } from "../report.ts";
import type { SystemOptions } from "../system-options.ts";
import { SimulationClock } from "./clock.ts";
import { defineFaults, type Faults } from "./faults.ts";
import { Recorder } from "./recorder.ts";
import type { SimulationResult } from "./result.ts";
import { SimulatedTree } from "./tree.ts";
import { type Lives, World } from "./world.ts";

/** How a simulation goes. */
export interface SimulateOptions {
  /** Where chance comes from: the same seed makes the same simulation. An integer; default 0. */
  readonly seed?: number;
  /** How long it goes on, in milliseconds of its own time: 1 to 31 days. */
  readonly forMs: number;
}

/** Replacements for parts of a simulation; for tests. */
export interface SimulationParts {
  /** In place of what the faults say of the workers' lives. */
  readonly lives?: Lives;
}

/** How long a simulation goes on at most: 31 days. */
export const longestSimulationMs = 31 * 86_400_000;

/**
 * Simulates a system: what `defineSystem` made, or options as of `startSystem`. Nothing of it is started: of children that are no agents only starts and ends are
 * simulated. The same tree, faults and options make the same result.
 * @returns rejects with CallerError "invalid_argument"
 */
export async function simulate(
  tree: SystemOptions,
  faults: Faults,
  options: SimulateOptions,
  parts: SimulationParts = {},
): Promise<SimulationResult> {
  const definition = defineSystem(tree);
  defineFaults(faults);
  const { seed = 0, forMs } = options ?? {};
  if (!Number.isSafeInteger(seed)) throw invalidArgument("options.seed", seed, "an integer");
  if (!(Number.isSafeInteger(forMs) && forMs >= 1 && forMs <= longestSimulationMs)) {
    throw invalidArgument("options.forMs", forMs, "an integer from 1 to 2,678,400,000 (31 days)");
  }
  const clock = new SimulationClock();
  const recorder = new Recorder();
  const world = new World({ clock, recorder, faults, seed, ...parts });
  const environment = world.createEnvironment();
  const simulated = new SimulatedTree(world, environment);
  const spec = rootSpec(definition);
  const children = (spec.children ?? []).map((child) => simulated.simulated(child));
  for (const id of Object.keys(faults.children ?? {})) {
    if (!simulated.ids.has(id)) throw invalidArgument(`faults.children.${id}`, id, "the id of a child of the tree");
  }
  const normal = normalizeSupervisorSpec({ ...spec, children }, "tree");
  // Its messages are handled within the turn in which they are sent.
  const runtime = new LocalRuntime({ clock, onReport: () => undefined, messageBudget: Number.MAX_SAFE_INTEGER });
  const root = new Supervisor(normal, {
    runtime,
    environment,
    onReport: (report) => recorder.report(report as Report, clock.now()),
  });
  let ended = false;
  void root.ended.then(() => {
    ended = true;
  });
  const agents = [...simulated.agents.values()];
  const look = async () => {
    await calm(clock);
    for (const agent of agents) agent.look();
  };
  await root.start().catch(() => undefined); // Whoever could not start has told it; the root has ended.
  await look();
  let running = !ended;
  while (running) {
    running = clock.step(forMs);
    if (!clock.takeStir()) continue;
    await look();
    running &&= !ended;
  }
  const endedAtMs = clock.now();
  const results = [...recorder.children.values()].map((record) =>
    record.result(endedAtMs, simulated.agents.get(record.id)?.waiting ?? 0),
  );
  root.kill();
  return {
    system: spec.id,
    seed,
    forMs,
    endedAtMs,
    children: results,
    decisions: recorder.decisions,
    gaveUp: recorder.gaveUp,
    limits: recorder.limits,
  };
}

/** What supervision does in one moment is done when the event loop has come round twice, and nobody has been started or has asked for the time. */
async function calm(clock: SimulationClock): Promise<void> {
  do {
    await turn();
    await turn();
  } while (clock.takeStir());
}

function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
