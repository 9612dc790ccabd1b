/** An agent in a simulation: all of a live one (its machine, queue, instances, spare, swaps, policies) over workers that are timers. Runs arrive by themselves. */

import type { EquippedEnvironment } from "../agent/environment.ts";
import type { RunTaker } from "../agent/handle-owner.ts";
import type { AgentState } from "../agent/machine.ts";
import type { NormalAgentSpec } from "../agent/spec.ts";
import { startAgent } from "../agent/start-agent.ts";
import type { ChildScope, RunningChild } from "../otp/supervisor/running-child.ts";
import { oneRequest, type Usage } from "../usage.ts";
import { sample } from "./distribution.ts";
import type { ChildFaults } from "./faults.ts";
import { draw } from "./quantity.ts";
import type { ChildRecord } from "./recorder.ts";
import type { SimulatedSpan } from "./result.ts";
import { SimulatedRun } from "./simulated-run.ts";
import type { World } from "./world.ts";

const spanOf: Readonly<Record<AgentState, SimulatedSpan["state"]>> = {
  starting: "starting",
  ready: "up",
  busy: "up",
  crashed: "down",
  restarting: "down",
  stopping: "down",
  stopped: "stopped",
};

/** One agent. */
export class SimulatedAgent {
  readonly #spec: NormalAgentSpec;
  readonly #world: World;
  readonly #environment: EquippedEnvironment;
  #record: ChildRecord | undefined;
  #runs = 0;

  constructor(spec: NormalAgentSpec, world: World, environment: EquippedEnvironment) {
    // Nothing is read from the disk, so that nothing changes there.
    this.#spec = { ...spec, watch: undefined };
    this.#world = world;
    this.#environment = environment;
  }

  /** Runs that wait. */
  get waiting(): number {
    return this.#taker?.queueLength ?? 0;
  }

  /** Begins under its supervisor: the first time, or again after it has stopped. */
  start(scope: ChildScope): RunningChild | Promise<RunningChild> {
    const first = this.#record === undefined;
    const record = this.#world.recorder.child(this.#spec.id, scope.path, "agent");
    this.#record = record;
    const started = startAgent(this.#spec, scope);
    if (first) this.#expectRuns(record);
    return started;
  }

  /** Writes down how it is now. */
  look(): void {
    const slot = this.#environment.agents.get(this.#spec.id);
    // A temporary agent that has ended is forgotten.
    this.#record?.enter(slot === undefined ? "stopped" : spanOf[slot.state], this.#world.clock.now());
  }

  get #taker(): RunTaker | undefined {
    return this.#environment.agents.get(this.#spec.id)?.runs;
  }

  #expectRuns(record: ChildRecord): void {
    const { runs } = this.#world.faultsOf(this.#spec.id);
    if (runs === undefined) return;
    const { clock } = this.#world;
    const random = this.#world.chance(`runs of ${record.path}`);
    const next = (): void => {
      clock.after(sample(runs.everyMs, random), () => {
        this.#ask(runs, record);
        next();
      });
    };
    next();
  }

  #ask(runs: NonNullable<ChildFaults["runs"]>, record: ChildRecord): void {
    const taker = this.#taker;
    if (taker === undefined) {
      record.rejected += 1;
      return;
    }
    this.#runs += 1;
    const work = this.#world.chance(`work of ${record.path}`);
    const use = this.#world.chance(`usage of ${record.path}`);
    const patience = this.#world.chance(`patience for ${record.path}`);
    const plan = {
      id: `${this.#spec.id}#${this.#runs}`,
      idempotent: runs.idempotent === true,
      takesMs: () => sample(runs.takesMs, work),
      timeoutMs: runs.timeoutMs === undefined ? undefined : sample(runs.timeoutMs, patience),
      cancelAfterMs: runs.cancelAfterMs === undefined ? undefined : sample(runs.cancelAfterMs, patience),
      lingersMs: () => (runs.lingersMs === undefined ? 0 : sample(runs.lingersMs, work)),
      usage: () => {
        const tokens = runs.tokens === undefined ? undefined : Math.round(draw(runs.tokens, use));
        return usageOf(tokens, runs.cost === undefined ? undefined : draw(runs.cost, use));
      },
    };
    try {
      taker.accept(new SimulatedRun(plan, taker, this.#world.clock, record));
    } catch {
      record.rejected += 1; // The queue is full, or the agent has stopped.
    }
  }
}

function usageOf(tokens: number | undefined, cost: number | undefined): Usage | undefined {
  return tokens === undefined && cost === undefined ? undefined : oneRequest(tokens ?? 0, 0, cost?.toFixed(9));
}
