/** How one instance of an agent, or its spare worker, is, as a value, and which of several speaks for the agent. */

import type { AgentState } from "./machine.ts";

/** One instance of an agent. */
export interface InstanceInfo {
  /** "chat/1", "chat/2", … of the agent "chat"; of an agent without instances its own. */
  readonly id: string;
  readonly state: AgentState;
  /** Number of its current or last worker; no two workers of an agent have the same. */
  readonly incarnation: number;
  /** Process id of its worker; undefined when there is none now. */
  readonly pid: number | undefined;
  /** Runs that work in its worker. */
  readonly inFlight: number;
  /** How often its supervisor has restarted it. */
  readonly restarts: number;
}

/** How a spare worker is. */
export interface SpareInfo {
  /** "restarting": the last one is gone, and the next one is started after a pause. */
  readonly state: "starting" | "ready" | "restarting";
  /** Number of the current or last spare worker. */
  readonly incarnation: number;
  /** Process id; undefined when there is none now. */
  readonly pid: number | undefined;
  /** How many spare workers in a row have been lost. */
  readonly losses: number;
}

/** From the best to the worst. */
const order: readonly AgentState[] = ["ready", "busy", "starting", "restarting", "crashed", "stopping", "stopped"];

/** The one in the best state, of equals the first; undefined when there is none. */
export function bestOf<Instance extends { readonly state: AgentState }>(
  instances: readonly Instance[],
): Instance | undefined {
  let best: Instance | undefined;
  for (const instance of instances) {
    if (best === undefined || order.indexOf(instance.state) < order.indexOf(best.state)) best = instance;
  }
  return best;
}
