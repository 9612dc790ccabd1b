/** How a system is, as a value: what a health check of a service answers with. */

import type { AgentHealth } from "./agent/agent-health.ts";
import type { AgentSlot } from "./agent/environment.ts";

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
  const agents = all.map(({ handle }) => handle.health);
  const lacking = all.some((slot, index) => agents[index]?.serving !== true && !slot.stoppedByRequest);
  return { status: running ? (lacking ? "degraded" : "serving") : "stopped", agents };
}
