/** A number of restarts for each child, and quarantine for the one that has used its up: its siblings live on. */

import { invalidArgument } from "../../errors.ts";
import { describeAs } from "./description.ts";
import { checkInteger, checkOptions } from "./options.ts";
import { pass, perChild, type StateByChild } from "./per-child.ts";
import type { PassingPolicy } from "./restart-policy.ts";

/** What each child may use, and what comes then. */
export interface RestartBudget {
  /** Restarts that each child may have within any `periodMs`; 1 or more. */
  readonly maxRestarts: number;
  /** Length of the window in milliseconds. */
  readonly periodMs: number;
  /** How long a child over its budget stays down, in milliseconds, longer than `periodMs`; then its budget is whole again. Default "infinity": until somebody starts it. */
  readonly quarantineMs?: number | "infinity";
}

/** When one child was restarted, oldest first; those in the window. */
export type BudgetState = readonly number[];

/**
 * Restarts a child at once while it has a budget, and puts it in quarantine when it has none: one child that crashes brings no sibling down, as the
 * restart intensity does. A start that failed takes nothing of the budget: the next policy answers it.
 * @throws CallerError "invalid_argument" naming the field, the value and the rule
 */
export function restartBudget(options: RestartBudget): PassingPolicy<StateByChild<BudgetState>> {
  checkOptions(options, ["maxRestarts", "periodMs", "quarantineMs"]);
  const { maxRestarts, periodMs, quarantineMs = "infinity" } = options;
  checkInteger("options.maxRestarts", maxRestarts, 1);
  checkInteger("options.periodMs", periodMs, 1);
  if (quarantineMs !== "infinity") {
    checkInteger("options.quarantineMs", quarantineMs, 1);
    if (quarantineMs <= periodMs) {
      throw invalidArgument("options.quarantineMs", quarantineMs, `more than ${periodMs} (periodMs), or "infinity"`);
    }
  }
  const policy = perChild<BudgetState>((before = [], exit, nowMs) => {
    const kept = before.filter((atMs) => atMs >= nowMs - periodMs);
    if ((exit.failedStarts ?? 0) > 0) return { decision: pass, state: kept, untilMs: untilMs(kept, periodMs, nowMs) };
    const count = kept.length + 1;
    if (count <= maxRestarts) {
      const because = `restart ${count} of ${maxRestarts} that "${exit.childId}" may have within ${periodMs} ms`;
      const state = [...kept, nowMs];
      return { decision: { type: "restart", delayMs: 0, because }, state, untilMs: untilMs(state, periodMs, nowMs) };
    }
    const over = `restart ${count} of "${exit.childId}" within ${periodMs} ms exceeds its budget of ${maxRestarts}`;
    if (quarantineMs === "infinity") {
      return { decision: { type: "leave", because: `${over}: quarantined` }, state: [], untilMs: nowMs };
    }
    const because = `${over}: quarantined for ${quarantineMs} ms`;
    // The start out of quarantine is a restart as any other.
    const state = [nowMs + quarantineMs];
    return {
      decision: { type: "restart", delayMs: quarantineMs, because },
      state,
      untilMs: untilMs(state, periodMs, nowMs),
    };
  });
  return describeAs(policy, "restartBudget", options);
}

/** From when on none of the restarts is in the window. */
function untilMs(stamps: BudgetState, periodMs: number, nowMs: number): number {
  const last = stamps.at(-1);
  return last === undefined ? nowMs : last + periodMs + 1;
}
