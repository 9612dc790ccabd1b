/** Policies of policies: the first of a list that answers, and one for some children alone. */

import { invalidArgument } from "../../errors.ts";
import { describeAs } from "./description.ts";
import { checkPolicy } from "./options.ts";
import { pass } from "./per-child.ts";
import type { AnyRestartPolicy, PassingPolicy, RestartPolicy } from "./restart-policy.ts";
import { askAll, type RunPolicy, runPolicyOf, withRuns } from "./run-policy.ts";

/** The states of a list's policies, in its order. */
export type PoliciesState = readonly unknown[];

/**
 * Asks policies in order: the first answer counts, and those behind it are not asked. It passes when all of them do.
 * @throws CallerError "invalid_argument" for what is no policy
 */
export function policies(...list: [...AnyRestartPolicy[], RestartPolicy]): RestartPolicy<PoliciesState>;
export function policies(...list: AnyRestartPolicy[]): PassingPolicy<PoliciesState>;
export function policies(...list: AnyRestartPolicy[]): PassingPolicy<PoliciesState> {
  for (const [index, policy] of list.entries()) checkPolicy(`list[${index}]`, policy);
  const all: PassingPolicy<PoliciesState> = (before = [], exit, nowMs) => {
    const state = [...before];
    for (const [index, policy] of list.entries()) {
      const answer = (policy as PassingPolicy)(before[index], exit, nowMs);
      state[index] = answer.state;
      if (answer.decision.type !== "pass") return { decision: answer.decision, state };
    }
    return { decision: pass, state };
  };
  return withRuns(describeAs(all, "policies", list), together(list));
}

/** The parts about runs: one that waits or is refused is asked about by none of the others. */
function together(list: readonly AnyRestartPolicy[]): RunPolicy | undefined {
  const parts = list.flatMap((policy) => runPolicyOf(policy) ?? []);
  if (parts.length === 0) return undefined;
  return (before, happened, nowMs) => {
    const known: PoliciesState = Array.isArray(before) ? before : [];
    const members = parts.map((policy, index) => ({ policy, state: known[index] }));
    const { decision, states } = askAll(members, happened, nowMs);
    return { decision, state: states };
  };
}

/**
 * A policy for the children with these ids alone; it passes for the others.
 * @throws CallerError "invalid_argument" naming the field, the value and the rule
 */
export function forChildren<State>(
  ids: readonly string[],
  policy: PassingPolicy<State>,
): PassingPolicy<State | undefined> {
  if (!Array.isArray(ids) || ids.some((id) => typeof id !== "string" || id === "")) {
    throw invalidArgument("ids", ids, "a list of children's ids");
  }
  checkPolicy("policy", policy);
  const meant = new Set<string>(ids);
  const some: PassingPolicy<State | undefined> = (state, exit, nowMs) =>
    meant.has(exit.childId) ? policy(state, exit, nowMs) : { decision: pass, state };
  return withRuns(describeAs(some, "forChildren", ids, policy), forAgents(meant, runPolicyOf(policy)));
}

function forAgents(ids: ReadonlySet<string>, runs: RunPolicy | undefined): RunPolicy | undefined {
  if (runs === undefined) return undefined;
  return (state, happened, nowMs) =>
    ids.has(happened.agentId) ? runs(state, happened, nowMs) : { decision: pass, state };
}
