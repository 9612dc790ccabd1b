/** The rules by which an agent's instances are restarted: those of the agent's own supervisor, for each instance as if it were alone. */

import type { PassingPolicy, RestartPolicy } from "../otp/policy/restart-policy.ts";
import type { SupervisorRules } from "../otp/supervisor/running-child.ts";

/** Makes them. Policies see the agent's id, for that is what they were written about. */
export function instanceRules(
  agentId: string,
  rules: SupervisorRules,
): { readonly policy: PassingPolicy; readonly intensity: RestartPolicy } {
  const pass: PassingPolicy = (state) => ({ decision: { type: "pass" }, state });
  return {
    policy: forEach(agentId, (state, exit, nowMs) => (rules.policy ?? pass)(state, exit, nowMs)),
    intensity: forEach(agentId, rules.intensity),
  };
}

/** The same policy, with a state for each child. */
function forEach<Answer extends { readonly state: unknown }>(
  agentId: string,
  policy: (state: unknown, exit: Parameters<PassingPolicy>[1], nowMs: number) => Answer,
): (state: unknown, exit: Parameters<PassingPolicy>[1], nowMs: number) => Answer {
  return (before, exit, nowMs) => {
    const states = (before ?? new Map()) as ReadonlyMap<string, unknown>;
    const answer = policy(states.get(exit.childId), { ...exit, childId: agentId }, nowMs);
    return { ...answer, state: new Map(states).set(exit.childId, answer.state) };
  };
}
