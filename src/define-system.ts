/** The description of a system: an inert value that `startSystem` starts, `synapse-otp run` runs and the simulator plays through. */

import type { AgentDefinition } from "./agent/define.ts";
import { invalidArgument } from "./errors.ts";
import type { ChildSpec } from "./otp/supervisor/child-spec.ts";
import { normalizeSupervisorSpec, type SupervisorSpec } from "./otp/supervisor/spec.ts";
import type { SupervisorDefinition } from "./otp/supervisor/start.ts";
import { checkSystemOptions, type SystemOptions } from "./system-options.ts";

/** How a definition is told, also one that another copy of this package has made. */
const mark: unique symbol = Symbol.for("synapse-otp.system-definition") as never;

/** An inert system. Its fields are the options that it was made of. */
export interface SystemDefinition extends SystemOptions {
  /** Says that the options have been checked. */
  readonly [mark]: true;
}

/**
 * Describes a system, its agents, supervisors, policies and options. Everything is checked now, as `startSystem` does before it starts anything; nothing is
 * started.
 * @throws CallerError "invalid_argument" naming the field, the value and the rule
 */
export function defineSystem(options: SystemOptions): SystemDefinition {
  checkSystemOptions(options);
  normalizeSupervisorSpec(rootSpec(options), "options");
  checkAgentIds(options.children ?? []);
  return Object.freeze({ ...options, [mark]: true as const });
}

/** Whether a value was made by `defineSystem`, of whatever copy of this package. */
export function isSystemDefinition(value: unknown): value is SystemDefinition {
  return typeof value === "object" && value !== null && (value as { [mark]?: unknown })[mark] === true;
}

/** The specification of a system's root supervisor. */
export function rootSpec(options: SystemOptions): SupervisorSpec {
  const { name = "system", strategy, maxRestarts, periodMs, children = [], policy } = options;
  return {
    id: name,
    children,
    ...(strategy === undefined ? {} : { strategy }),
    ...(maxRestarts === undefined ? {} : { maxRestarts }),
    ...(periodMs === undefined ? {} : { periodMs }),
    ...(policy === undefined ? {} : { policy }),
  };
}

/** Ids of agents are unique in their system, whichever supervisors they are below. */
function checkAgentIds(children: readonly ChildSpec[]): void {
  const seen = new Set<string>();
  const left: { readonly spec: ChildSpec; readonly field: string }[] = children.map((spec, index) => ({
    spec,
    field: `options.children[${index}]`,
  }));
  // The list grows while it is read: a tree of any depth needs no stack.
  for (const { spec, field } of left) {
    if ("agent" in spec) {
      const { id } = (spec as AgentDefinition).agent;
      if (seen.has(id)) throw invalidArgument(`${field}.id`, id, "unique among the agents of the system");
      seen.add(id);
    }
    if (!("spec" in spec)) continue;
    const below = (spec as SupervisorDefinition).spec.children ?? [];
    left.push(...below.map((child, index) => ({ spec: child, field: `${field}.spec.children[${index}]` })));
  }
}
