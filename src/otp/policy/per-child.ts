/** A policy with a state for each child, made of one that knows of a single child. */

import type { RestartDecision } from "../report/supervisor-report.ts";
import { type ChildExit, type Pass, type PassingPolicy, wantsRestart } from "./restart-policy.ts";

/** "I have no answer": one value for all. */
export const pass: Pass = { type: "pass" };

/** What a policy of a single child answers. */
export interface SingleAnswer<State> {
  readonly decision: RestartDecision | Pass;
  readonly state: State;
  /** From then on the state says no more than none would, and is forgotten. */
  readonly untilMs: number;
}

/** A policy of a single child. It is asked only about an end after which the child's restart type has it come back. */
export type SinglePolicy<State> = (state: State | undefined, exit: ChildExit, nowMs: number) => SingleAnswer<State>;

interface Entry<State> {
  readonly state: State;
  readonly untilMs: number;
}

/** The states of the children, by their ids. */
export type StateByChild<State> = ReadonlyMap<string, Entry<State>>;

/**
 * A state for each child. It passes where the child's restart type says that it stays down, and about an end that is not charged. Children that have had
 * no end for long are forgotten, so that the state does not grow with all that ever were.
 */
export function perChild<State>(single: SinglePolicy<State>): PassingPolicy<StateByChild<State>> {
  return (before = new Map(), exit, nowMs) => {
    if (!wantsRestart(exit.restart, exit.reason) || exit.charged === false) return { decision: pass, state: before };
    const { childId } = exit;
    const own = before.get(childId);
    const known = own !== undefined && own.untilMs > nowMs ? own.state : undefined;
    const { decision, state, untilMs } = single(known, exit, nowMs);
    const after = new Map<string, Entry<State>>();
    for (const [id, entry] of before) if (entry.untilMs > nowMs && id !== childId) after.set(id, entry);
    if (untilMs > nowMs) after.set(childId, { state, untilMs });
    return { decision, state: after };
  };
}
