/** What has changed from one description of a system to the next: policies, which a running system can be given, or more than that. */

import type { AgentDefinition } from "../agent/define.ts";
import { recordOptionsOf } from "../inspect/record.ts";
import { comparePolicies } from "../otp/policy/description.ts";
import type { AnyRestartPolicy } from "../otp/policy/restart-policy.ts";
import type { ChildSpec } from "../otp/supervisor/child-spec.ts";
import { normalizeChildSpec } from "../otp/supervisor/child-spec.ts";
import type { PolicyState } from "../otp/supervisor/policy-chain.ts";
import type { SystemOptions } from "../system-options.ts";

/** A policy that a running system is to be given. */
export interface PolicyChange {
  /** Path of a supervisor or a child. */
  readonly path: string;
  /** One that passes where the new description has none. */
  readonly policy: AnyRestartPolicy;
  /** "keep" where the code is the same: what it refers to may have changed, what it remembers fits. */
  readonly state: PolicyState;
}

/** What tells two descriptions apart. */
export interface Difference {
  readonly policies: readonly PolicyChange[];
  /** The first field that differs and is no policy; undefined: there is none. */
  readonly other: string | undefined;
}

/**
 * Compares two descriptions. Lists and plain objects are compared by what they hold; recorders by what they were made with; what else there is (a logger, a schema, a logic, a function) only by
 * its identity, because what it refers to cannot be seen.
 */
export function compareSystems(before: SystemOptions, after: SystemOptions): Difference {
  const policies: PolicyChange[] = [];
  const name = before.name ?? "system";
  const other =
    name === (after.name ?? "system")
      ? compareSupervisors({ ...before, name }, { ...after, name }, { path: name, field: "options" }, policies)
      : "options.name";
  return { policies, other };
}

/** Where one of the descriptions is looked at. */
interface Place {
  readonly path: string;
  readonly field: string;
}

interface WithChildren {
  readonly name?: string | undefined;
  readonly children?: readonly ChildSpec[] | undefined;
  readonly policy?: AnyRestartPolicy | undefined;
}

function compareSupervisors(
  before: WithChildren,
  after: WithChildren,
  { path, field }: Place,
  policies: PolicyChange[],
): string | undefined {
  const { children: olds = [], policy: oldPolicy, ...oldFields } = before;
  const { children: news = [], policy: newPolicy, ...newFields } = after;
  const other = differingField(oldFields, newFields, field);
  if (other !== undefined) return other;
  notePolicy(oldPolicy, newPolicy, path, policies);
  if (olds.length !== news.length) return `${field}.children`;
  for (const [index, old] of olds.entries()) {
    const below = { path, field: `${field}.children[${index}]` };
    const differs = compareChildren(old, news[index] as ChildSpec, below, policies);
    if (differs !== undefined) return differs;
  }
  return undefined;
}

function compareChildren(
  before: ChildSpec,
  after: ChildSpec,
  parent: Place,
  policies: PolicyChange[],
): string | undefined {
  const { field } = parent;
  const path = `${parent.path}/${normalizeChildSpec(before).id}`;
  const { policy: oldPolicy, ...oldFields } = withoutMade(before);
  const { policy: newPolicy, ...newFields } = withoutMade(after);
  const { spec: oldSpec, ...oldRest } = oldFields;
  const { spec: newSpec, ...newRest } = newFields;
  const other = differingField(oldRest, newRest, field);
  if (other !== undefined) return other;
  if (oldSpec === undefined || newSpec === undefined) {
    if (oldSpec !== newSpec) return field;
    notePolicy(oldPolicy, newPolicy, path, policies);
    return undefined;
  }
  return compareSupervisors(oldSpec, newSpec, { path, field }, policies);
}

/** The fields of a child; of one that a `define` function has made, without the start function, which is made of the others. */
function withoutMade(child: ChildSpec): Record<string, unknown> & WithChildren & { readonly spec?: WithChildren } {
  const { start, ...fields } = child as ChildSpec & { readonly start?: unknown };
  const { agent } = fields as Partial<AgentDefinition>;
  // One without instances has its policy as a child: it is looked at there.
  const ofChild = agent !== undefined && agent.instances === undefined;
  const told = ofChild ? { ...fields, agent: { ...agent, policy: undefined } } : fields;
  const made = agent !== undefined || "spec" in fields;
  return (made ? told : child) as Record<string, unknown>;
}

function notePolicy(
  before: AnyRestartPolicy | undefined,
  after: AnyRestartPolicy | undefined,
  path: string,
  policies: PolicyChange[],
): void {
  const alike = comparePolicies(before, after);
  if (alike === "same") return;
  policies.push({ path, policy: after ?? passing, state: alike === "same_code" ? "keep" : "reset" });
}

/** Stands where there is no policy any more. */
const passing: AnyRestartPolicy = () => ({ decision: { type: "pass" }, state: undefined });

/** The first place where two values differ; undefined: they are equal. */
function differingField(
  before: unknown,
  after: unknown,
  field: string,
  above: ReadonlySet<unknown> = new Set(),
): string | undefined {
  if (Object.is(before, after)) return undefined;
  const [recorder, other] = [recordOptionsOf(before), recordOptionsOf(after)];
  if (recorder !== undefined && other !== undefined) return differingField(recorder, other, field);
  // A circle is looked at once.
  if (above.has(before)) return undefined;
  const seen = new Set(above).add(before);
  if (!isPlain(before) || !isPlain(after) || Array.isArray(before) !== Array.isArray(after)) return field;
  for (const key of new Set([...Object.keys(before), ...Object.keys(after)])) {
    const name = Array.isArray(before) ? `${field}[${key}]` : `${field}.${key}`;
    const differs = differingField(before[key as never], after[key as never], name, seen);
    if (differs !== undefined) return differs;
  }
  return undefined;
}

function isPlain(value: unknown): value is object {
  if (typeof value !== "object" || value === null) return false;
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === Array.prototype || prototype === null;
}
