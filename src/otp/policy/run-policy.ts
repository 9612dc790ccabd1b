/** Policies about runs: whether one may be handed to a worker now. As those about ends they are pure functions of state, what has happened, and time. */

import type { Usage } from "../../usage.ts";
import { pass } from "./per-child.ts";
import type { AnyRestartPolicy, Pass, PassingPolicy } from "./restart-policy.ts";

/**
 * What has happened to a run of an agent.
 * - "asked": a worker has a place for it; the answer says whether it is handed over
 * - "settled": it was handed over, and nothing of it is left; what it has used, where that is known
 * - "returned": it was handed over and not begun: it will be asked about again
 * - "withdrawn": the agent has no run that a worker has a place for
 */
export type RunHappening =
  | { readonly type: "asked"; readonly agentId: string; readonly runId: string }
  | { readonly type: "settled"; readonly agentId: string; readonly runId: string; readonly usage: Usage | undefined }
  | { readonly type: "returned"; readonly agentId: string; readonly runId: string }
  | { readonly type: "withdrawn"; readonly agentId: string };

/** A run waits: until that time, where time alone can end it, or until another run has ended. `behind`: an agent whose runs go first. */
export interface RunWait {
  readonly type: "wait";
  readonly because: string;
  readonly untilMs?: number;
  readonly behind?: string;
}

/** A run is handed over with another model than its own. */
export interface RunDegrade {
  readonly type: "degrade";
  readonly because: string;
  readonly model: string;
}

/** A run is rejected; it may be asked for again after that time, where time alone can help. */
export interface RunRefusal {
  readonly type: "refuse";
  readonly because: string;
  readonly retryAfterMs?: number;
}

/** What a policy answers about a run that is asked about: it may go ("pass"), or not, or not as it is. To other happenings it passes. */
export type RunDecision = Pass | RunWait | RunDegrade | RunRefusal;

/** A policy about runs. Pure; where a run is not handed over, or not by this policy's answer alone, the state it had is used again. */
export type RunPolicy<State = unknown> = (
  state: State | undefined,
  happened: RunHappening,
  nowMs: number,
) => { readonly decision: RunDecision; readonly state: State };

/** Where a policy carries its part about runs, also one that another copy of this package has made. */
const runPart = Symbol.for("synapse-otp.run-policy");

/** Gives a policy about ends a part about runs; without one it stays as it is. */
export function withRuns<Policy extends AnyRestartPolicy>(policy: Policy, runs: RunPolicy | undefined): Policy {
  return runs === undefined ? policy : Object.defineProperty(policy, runPart, { value: runs });
}

/** The part of a policy that is about runs; undefined: it has none. */
export function runPolicyOf(policy: AnyRestartPolicy | undefined): RunPolicy | undefined {
  return (policy as { [runPart]?: RunPolicy } | undefined)?.[runPart];
}

/** A policy about runs alone: about ends it passes. */
export function aboutRuns(runs: RunPolicy): PassingPolicy<undefined> {
  const policy: PassingPolicy<undefined> = () => ({ decision: pass, state: undefined });
  return withRuns(policy, runs);
}

/**
 * Asks several about one run, in order: it goes when all let it, with the first other model that one of them names; the first wait or refusal counts. Then
 * the others know nothing of it, and that its agent waits elsewhere.
 */
export function askAll<State>(
  members: readonly { readonly policy: RunPolicy<State>; readonly state: State | undefined }[],
  happened: RunHappening,
  nowMs: number,
): { readonly decision: RunDecision; readonly by: number; readonly states: (State | undefined)[] } {
  const states: (State | undefined)[] = [];
  let first: { readonly decision: RunDecision; readonly by: number } = { decision: pass, by: -1 };
  for (const [index, { policy, state }] of members.entries()) {
    const answer = policy(state, happened, nowMs);
    states.push(answer.state);
    const { decision } = answer;
    if (decision.type === "wait" || decision.type === "refuse") {
      const { agentId } = happened;
      const left = members.map((other, at) =>
        at === index ? answer.state : other.policy(other.state, { type: "withdrawn", agentId }, nowMs).state,
      );
      return { decision, by: index, states: left };
    }
    if (decision.type === "degrade" && first.by === -1) first = { decision, by: index };
  }
  return { ...first, states };
}
