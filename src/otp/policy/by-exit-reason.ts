/** A policy that goes by what an exit is called. */

import { invalidArgument } from "../../errors.ts";
import { describeAs } from "./description.ts";
import { exitClasses } from "./exit-classes.ts";
import { checkInteger, checkOptions } from "./options.ts";
import { pass } from "./per-child.ts";
import { type AnyRestartPolicy, type PassingPolicy, wantsRestart } from "./restart-policy.ts";
import { runPolicyOf } from "./run-policy.ts";

/**
 * What becomes of an exit.
 * - "leave": the child stays down
 * - "give_up": its supervisor ends, and the one above decides
 * - "pass": the next policy is asked
 * - `{ restartAfterMs }`: it is restarted after that pause, however often
 * - a policy: it is asked
 */
export type ExitRule = "leave" | "give_up" | "pass" | { readonly restartAfterMs: number } | AnyRestartPolicy;

/** The states of the policies that were asked, by the name of their rule. */
export type ByExitReasonState = Readonly<Record<string, unknown>>;

/**
 * Goes by what an exit is called (see `exitClasses`): the rule of the most telling name counts, and without a rule the next policy is asked. Where the
 * child's restart type says that it stays down, it passes, whatever the rule is.
 * @throws CallerError "invalid_argument" naming the field, the value and the rule
 */
export function byExitReason(rules: Readonly<Record<string, ExitRule>>): PassingPolicy<ByExitReasonState> {
  checkOptions(rules, Object.keys(rules ?? {}), "rules");
  const known = new Map(Object.entries(rules));
  for (const [name, rule] of known) checkRule(`rules.${name}`, rule);
  const policy: PassingPolicy<ByExitReasonState> = (state = {}, exit, nowMs) => {
    if (!wantsRestart(exit.restart, exit.reason)) return { decision: pass, state };
    const name = exitClasses(exit).find((one) => known.has(one));
    if (name === undefined) return { decision: pass, state };
    const rule = known.get(name) as ExitRule;
    if (typeof rule !== "function") return { decision: decide(name, rule), state };
    const answer = (rule as PassingPolicy)(Object.hasOwn(state, name) ? state[name] : undefined, exit, nowMs);
    return { decision: answer.decision, state: { ...state, [name]: answer.state } };
  };
  return describeAs(policy, "byExitReason", rules);
}

function decide(name: string, rule: Exclude<ExitRule, AnyRestartPolicy>): ReturnType<PassingPolicy>["decision"] {
  if (rule === "pass") return pass;
  if (rule === "leave") return { type: "leave", because: `the rule for "${name}" says so` };
  if (rule === "give_up") return { type: "give_up", because: `the rule for "${name}" says so` };
  const delayMs = rule.restartAfterMs;
  return { type: "restart", delayMs, because: `the rule for "${name}": after ${delayMs} ms` };
}

function checkRule(field: string, rule: unknown): void {
  if (typeof rule === "function" && runPolicyOf(rule as AnyRestartPolicy) !== undefined) {
    throw invalidArgument(field, rule, "a policy about ends alone: put a budget beside byExitReason, with policies()");
  }
  if (typeof rule === "function" || rule === "leave" || rule === "give_up" || rule === "pass") return;
  if (typeof rule !== "object" || rule === null) {
    throw invalidArgument(field, rule, '"leave", "give_up", "pass", { restartAfterMs } or a policy');
  }
  checkOptions(rule, ["restartAfterMs"], field);
  // At once and for ever is a loop: a restart without a pause needs a policy with a limit.
  checkInteger(`${field}.restartAfterMs`, (rule as { restartAfterMs?: unknown }).restartAfterMs, 1);
}
