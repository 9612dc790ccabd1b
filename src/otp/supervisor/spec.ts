/** What a supervisor is told: strategy, intensity, children; checked in full before anything starts. */

import { invalidArgument } from "../../errors.ts";
import {
  type AnyRestartPolicy,
  checkRestartIntensity,
  type PassingPolicy,
  policyRule,
  type RestartPolicy,
  restartIntensity,
} from "../policy/restart-policy.ts";
import type { Via } from "../process/target.ts";
import type { RestartType, Shutdown } from "../report/supervisor-report.ts";
import { type ChildSpec, type NormalChildSpec, normalizeChildSpecs } from "./child-spec.ts";

/**
 * Which siblings share a restart.
 * - "one_for_one": none
 * - "rest_for_one": those started after the child that ended
 * - "one_for_all": all
 */
export type Strategy = "one_for_one" | "one_for_all" | "rest_for_one";

/**
 * Whether the supervisor ends (with "shutdown") when significant children end by themselves and stay down.
 * - "never"
 * - "any_significant": at the first
 * - "all_significant": at the last
 */
export type AutoShutdown = "never" | "any_significant" | "all_significant";

/** The flags and children of a supervisor. */
export interface SupervisorSpec {
  /** Default "supervisor" for a root. */
  readonly id: string;
  /** Default "one_for_one". */
  readonly strategy?: Strategy;
  /** Restarts allowed within `periodMs`; default 3 (Elixir's). 0: give up at the first. */
  readonly maxRestarts?: number;
  /** Default 5,000 ms. */
  readonly periodMs?: number;
  /** Default "never". */
  readonly autoShutdown?: AutoShutdown;
  /** Started in this order, stopped in reverse. */
  readonly children?: readonly ChildSpec[];
  /** Asked before restart types and intensity: they answer where it passes. */
  readonly policy?: AnyRestartPolicy;
  /** As a child of another supervisor: default "permanent". */
  readonly restart?: RestartType;
  /** As a child of another supervisor: default "infinity". */
  readonly shutdownMs?: Shutdown;
  /** As a child of another supervisor: default false. */
  readonly significant?: boolean;
  /** A name for its process; of a root, that of the start's options comes first. */
  readonly name?: string | Via;
}

/** A supervisor specification with every default filled in. */
export interface NormalSupervisorSpec {
  readonly id: string;
  readonly strategy: Strategy;
  /** The user's own; undefined: `intensity` alone. */
  readonly policy: PassingPolicy | undefined;
  /** What answers where other policies pass or fail. */
  readonly intensity: RestartPolicy;
  readonly autoShutdown: AutoShutdown;
  readonly children: readonly NormalChildSpec[];
}

const strategies = ["one_for_one", "one_for_all", "rest_for_one"];

/**
 * Checks a supervisor specification, then its children, and fills in the defaults.
 * @throws CallerError "invalid_argument" naming the field, the value and the rule
 */
export function normalizeSupervisorSpec(spec: SupervisorSpec, field = "spec"): NormalSupervisorSpec {
  if (!isRecord(spec)) throw invalidArgument(field, spec, "a supervisor spec");
  const { id, strategy = "one_for_one", maxRestarts = 3, periodMs = 5_000 } = spec;
  if (typeof id !== "string" || id === "") throw invalidArgument(`${field}.id`, id, "a non-empty string");
  if (!strategies.includes(strategy)) {
    throw invalidArgument(`${field}.strategy`, strategy, '"one_for_one", "one_for_all" or "rest_for_one"');
  }
  checkRestartIntensity(field, { maxRestarts, periodMs });
  if (spec.policy !== undefined && typeof spec.policy !== "function") {
    throw invalidArgument(`${field}.policy`, spec.policy, policyRule);
  }
  const intensity = restartIntensity({ maxRestarts, periodMs });
  const policy = spec.policy as PassingPolicy | undefined;
  const { autoShutdown = "never" } = spec;
  if (!["never", "any_significant", "all_significant"].includes(autoShutdown)) {
    throw invalidArgument(`${field}.autoShutdown`, autoShutdown, '"never", "any_significant" or "all_significant"');
  }
  const children = normalizeChildSpecs(spec.children === undefined ? [] : spec.children, `${field}.children`);
  for (const [index, child] of children.entries()) checkSignificant(child, autoShutdown, `${field}.children[${index}]`);
  return { id, strategy, policy, intensity, autoShutdown, children };
}

/**
 * Checks that a significant child can matter; `autoShutdown` undefined: not known yet.
 * @throws CallerError "invalid_argument"
 */
export function checkSignificant(child: NormalChildSpec, autoShutdown: AutoShutdown | undefined, field: string): void {
  if (!child.significant) return;
  if (autoShutdown === "never") {
    throw invalidArgument(`${field}.significant`, true, `false under autoShutdown "never" (child "${child.id}")`);
  }
  if (child.restart === "permanent") {
    throw invalidArgument(`${field}.significant`, true, `false for a permanent child (child "${child.id}")`);
  }
}

/** Whether a value is an object with fields, no list. */
export function isRecord(value: unknown): value is object {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
