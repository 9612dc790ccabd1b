/** How a system is, as a value: what a health check of a service answers with. */

import { type AgentHealth, isServing } from "./agent/agent-health.ts";
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
  return { status: statusOf(all, running), agents: all.map(({ handle }) => handle.health) };
}

/** The same in one word, for who looks often: of no worker is asked what it has used. */
export function statusOf(slots: Iterable<AgentSlot>, running: boolean): SystemHealth["status"] {
  if (!running) return "stopped";
  for (const slot of slots) if (!isServing(slot) && !slot.stoppedByRequest) return "degraded";
  return "serving";
}
