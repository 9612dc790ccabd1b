/** An agent of a system, by its id or definition. */

import type { AgentEnvironment, AgentSlot } from "./agent/environment.ts";
import { CallerError, invalidArgument } from "./errors.ts";

/** What names an agent: its id, or the definition that it was made of. */
export type AgentName = string | { readonly id: string };

/** @throws CallerError "invalid_argument" */
export function agentIdOf(idOrDefinition: AgentName | undefined): string {
  const id = typeof idOrDefinition === "string" ? idOrDefinition : idOrDefinition?.id;
  if (typeof id !== "string") throw invalidArgument("idOrDefinition", idOrDefinition, "an agent's id or definition");
  return id;
}

/**
 * The agent of a system, whatever its state.
 * @throws CallerError "not_found" with the ids that are known
 */
export function knownAgent({ agents }: AgentEnvironment, system: string, idOrDefinition: AgentName): AgentSlot {
  const id = agentIdOf(idOrDefinition);
  const slot = agents.get(id);
  if (slot !== undefined) return slot;
  const ids = [...agents.keys()].map((known) => `"${known}"`).join(", ");
  const message = `system "${system}" has no agent "${id}"; it has ${ids || "none"}`;
  throw new CallerError("not_found", message, { field: "id", value: id });
}
