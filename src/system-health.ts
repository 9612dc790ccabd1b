/** How a system is, as a value: what a health check of a service answers with. */

import type { AgentSlot } from "./agent/environment.ts";
import type { AgentState } from "./agent/machine.ts";

/** How one agent is. */
export interface AgentHealth {
  readonly id: string;
  /** Ids from the root, joined by "/". */
  readonly path: string;
  readonly state: AgentState;
  /** Whether it takes a run at once or lets it wait for a worker that serves now. */
  readonly serving: boolean;
  readonly incarnation: number;
  /** Process id of its worker; absent when there is none now. */
  readonly pid?: number;
  /** Runs that wait. */
  readonly queueLength: number;
  /** Runs that work in the worker. */
  readonly inFlight: number;
  /** Its last crash, in one sentence. */
  readonly lastCrash?: string;
}

/**
 * How a system is.
 * - "serving": every agent serves; agents that were stopped by request do not count
 * - "degraded": some agent does not, because it starts, restarts, or was left down after a crash
 * - "stopped": the system has ended, or is about to
 */
export interface SystemHealth {
  readonly status: "serving" | "degraded" | "stopped";
  readonly agents: readonly AgentHealth[];
}

/** Tells how the agents of a system are. */
export function healthOf(slots: Iterable<AgentSlot>, running: boolean): SystemHealth {
  const all = [...slots];
  const agents = all.map(agentHealth);
  const lacking = all.some((slot, index) => agents[index]?.serving !== true && !slot.stoppedByRequest);
  return { status: running ? (lacking ? "degraded" : "serving") : "stopped", agents };
}

/** Tells how one agent is. */
export function agentHealth({ handle, path }: AgentSlot): AgentHealth {
  const { id, state, incarnation, pid, queueLength, inFlight, lastCrash } = handle;
  return {
    id,
    path: path ?? id,
    state,
    serving: state === "ready" || state === "busy",
    incarnation,
    ...(pid === undefined ? {} : { pid }),
    queueLength,
    inFlight,
    ...(lastCrash === undefined ? {} : { lastCrash: lastCrash.describe }),
  };
}
