/** The definition of an agent: an inert value that a system or supervisor starts. */

import type { StandardSchemaV1 } from "@standard-schema/spec";
import { describeAs } from "../otp/policy/description.ts";
import { aboutRuns, runPolicyOf } from "../otp/policy/run-policy.ts";
import { type ChildSpec, type DefinedChildSpec, normalizeChildSpec } from "../otp/supervisor/child-spec.ts";
import type { SupervisorDefinition } from "../otp/supervisor/start.ts";
import type { AgentContract } from "./contract.ts";
import { type AgentSpec, type NormalAgentSpec, normalizeAgentSpec, slotShutdownMs } from "./spec.ts";
import { startAgent } from "./start-agent.ts";

/** An inert agent: put it among the `children` of a system or supervisor. `Output` is what its runs answer with, `Deps` what they take. */
export interface AgentDefinition<Output = unknown, Deps = unknown> extends DefinedChildSpec {
  /** "supervisor" where it has instances. */
  readonly type: "worker" | "supervisor";
  readonly agent: NormalAgentSpec;
  /** Carries the type of the output; never set. */
  readonly outputType?: Output;
  /** Carries the type of the deps; never set. */
  readonly depsType?: Deps;
}

/** How an agent is started, bounded and restarted, of which `synapse typegen` has written a contract: that says where it is, too. */
export interface ContractAgentSpec<Output = unknown, Deps = unknown> extends Omit<AgentSpec<Output>, "entry"> {
  /** Default: the contract's. */
  readonly entry?: string | undefined;
  readonly contract: AgentContract<Output, Deps>;
}

/** The agents among these children and below them. */
export function agentsIn(specs: readonly ChildSpec[]): AgentDefinition[] {
  const left = [...specs];
  const agents: AgentDefinition[] = [];
  // The list grows while it is read: a tree of any depth needs no stack.
  for (const one of left) {
    if ("agent" in one) agents.push(one as AgentDefinition);
    else if ("spec" in one) left.push(...((one as SupervisorDefinition).spec.children ?? []));
  }
  return agents;
}

/** Whether a child specification is an agent, or a supervisor with an agent somewhere below it. */
export function containsAgent(spec: ChildSpec): boolean {
  return agentsIn([spec]).length > 0;
}

/** The longest `startTimeoutMs` of the agents among these children and below them; 0 when there is none. */
export function longestStartMs(specs: readonly ChildSpec[]): number {
  return Math.max(0, ...agentsIn(specs).map(({ agent }) => agent.startTimeoutMs));
}

/** Whether some agent among these children and below them insists on fresh processes. */
export function insistsOnSpawn(specs: readonly ChildSpec[]): boolean {
  return agentsIn(specs).some(({ agent }) => agent.launcher === "spawn");
}

/**
 * Defines an agent. Nothing is started. What its runs answer with is a text where `output` says so, what a schema in `output` makes of it, what `contract` says,
 * and otherwise unknown; a type argument without a schema is the caller's own word. What they take as deps `contract` says.
 * @throws CallerError "invalid_argument" naming the field, the value and the rule
 */
export function defineAgent<Output, Deps>(
  spec: Omit<ContractAgentSpec<unknown, Deps>, "output"> & { readonly output: StandardSchemaV1<unknown, Output> },
): AgentDefinition<Output, Deps>;
export function defineAgent<Output, Deps>(
  spec: ContractAgentSpec<Output, Deps> & { readonly output?: undefined },
): AgentDefinition<Output, Deps>;
export function defineAgent(spec: AgentSpec<string> & { readonly output: "text" }): AgentDefinition<string>;
export function defineAgent<Output = unknown>(spec: AgentSpec<Output>): AgentDefinition<Output>;
export function defineAgent<Output>(spec: AgentSpec<Output> | ContractAgentSpec): AgentDefinition<Output> {
  const agent = normalizeAgentSpec(spec as AgentSpec<Output>);
  const definition: AgentDefinition<Output> = {
    id: agent.id,
    type: agent.instances === undefined ? "worker" : "supervisor",
    restart: agent.restart,
    shutdownMs: slotShutdownMs(agent),
    ...policyOf(agent),
    agent,
    start: (scope) => startAgent(agent, scope),
  };
  normalizeChildSpec(definition);
  return definition;
}

/** Its policy as a child. With instances it is asked about the ends of each of them, and about the runs of the agent as a whole. */
function policyOf({ policy, instances }: NormalAgentSpec): Pick<ChildSpec, "policy"> {
  if (policy === undefined) return {};
  if (instances === undefined) return { policy };
  const runs = runPolicyOf(policy);
  return runs === undefined ? {} : { policy: describeAs(aboutRuns(runs), "aboutRuns", policy) };
}
