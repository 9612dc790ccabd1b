/** The start of an agent under its supervisor: the first time, or again after it has stopped. */

import { CallerError } from "../errors.ts";
import type { ChildScope, RunningChild } from "../otp/supervisor/running-child.ts";
import { AgentGroup } from "./agent-group.ts";
import { AgentProcess } from "./agent-process.ts";
import { type AgentSlot, agentEnvironment, type EquippedEnvironment } from "./environment.ts";
import type { NormalAgentSpec } from "./spec.ts";

/**
 * Starts an agent under its supervisor: its first worker is launched, and the agent accepts runs at once.
 * @throws CallerError "already_started" when the system has an agent of this id
 */
export function startAgent(spec: NormalAgentSpec, scope: ChildScope): RunningChild | Promise<RunningChild> {
  const environment = agentEnvironment(scope.environment, spec.id);
  const known = environment.agents.get(spec.id);
  if (known !== undefined && !known.stopped) {
    const where = known.path === undefined ? "" : ` at "${known.path}"`;
    throw new CallerError("already_started", `the system has an agent "${spec.id}"${where}; agent ids are unique`, {
      field: "spec.id",
      value: spec.id,
    });
  }
  const agent = known?.spec === spec ? known : createAgent(spec, environment);
  environment.agents.set(spec.id, agent);
  return agent.start(scope);
}

function createAgent(spec: NormalAgentSpec, environment: EquippedEnvironment): AgentSlot {
  const { instances } = spec;
  return instances === undefined ? new AgentProcess(spec, environment) : new AgentGroup(spec, environment, instances);
}
