/** The tree of a description, with simulated children in the place of its own; supervisors and policies are the real ones. */

import type { AgentDefinition } from "../agent/define.ts";
import type { EquippedEnvironment } from "../agent/environment.ts";
import type { ChildSpec, StartChildSpec } from "../otp/supervisor/child-spec.ts";
import { normalizeChildSpec } from "../otp/supervisor/child-spec.ts";
import { defineSupervisor, type SupervisorDefinition } from "../otp/supervisor/start.ts";
import { SimulatedAgent } from "./simulated-agent.ts";
import { startSimulatedChild } from "./simulated-child.ts";
import type { World } from "./world.ts";

/** Puts simulated children in the place of others. */
export class SimulatedTree {
  /** The agents, by their ids. */
  readonly agents = new Map<string, SimulatedAgent>();
  /** The ids of all that can be given faults. */
  readonly ids = new Set<string>();
  readonly #world: World;
  readonly #environment: EquippedEnvironment;

  constructor(world: World, environment: EquippedEnvironment) {
    this.#world = world;
    this.#environment = environment;
  }

  /** The specification of the same child, simulated. */
  simulated(child: ChildSpec): ChildSpec {
    const { agent, spec } = child as Partial<AgentDefinition> & Partial<SupervisorDefinition>;
    if (agent !== undefined) {
      const own = new SimulatedAgent(agent, this.#world, this.#environment);
      this.agents.set(agent.id, own);
      this.ids.add(agent.id);
      return { ...child, start: (scope) => own.start(scope) } as StartChildSpec;
    }
    if (spec !== undefined) {
      const children = (spec.children ?? []).map((below) => this.simulated(below));
      return { ...defineSupervisor({ ...spec, children }), ...policyOf(child) };
    }
    const { id, restart, shutdownMs, type, significant } = normalizeChildSpec(child);
    this.ids.add(id);
    let incarnation = 0;
    return {
      id,
      restart,
      shutdownMs,
      type,
      significant,
      ...policyOf(child),
      start: (scope) => {
        incarnation += 1;
        return startSimulatedChild(scope, incarnation, this.#world);
      },
    };
  }
}

function policyOf({ policy }: { readonly policy?: ChildSpec["policy"] | undefined }): Pick<ChildSpec, "policy"> {
  return policy === undefined ? {} : { policy };
}
