import { expect, test } from "vitest";
import { byExitReason } from "../../../src/otp/policy/by-exit-reason.ts";
import { byRunError } from "../../../src/otp/policy/by-run-error.ts";
import { circuitBreaker } from "../../../src/otp/policy/circuit-breaker.ts";
import { comparePolicies } from "../../../src/otp/policy/description.ts";
import { exponentialBackoff, withBackoff } from "../../../src/otp/policy/exponential-backoff.ts";
import { forChildren, policies } from "../../../src/otp/policy/policies.ts";
import { restartBudget } from "../../../src/otp/policy/restart-budget.ts";
import type { PassingPolicy } from "../../../src/otp/policy/restart-policy.ts";

const budget = (maxRestarts: number) => restartBudget({ maxRestarts, periodMs: 10 });
const own = (): PassingPolicy => (state) => ({ decision: { type: "pass" }, state });

test.each<[string, (n: number) => unknown]>([
  ["exponentialBackoff", (firstMs) => exponentialBackoff({ firstMs })],
  ["withBackoff", (firstMs) => withBackoff(budget(1), { firstMs })],
  ["withBackoff of another policy", (n) => withBackoff(budget(n))],
  ["restartBudget", budget],
  ["circuitBreaker", (failures) => circuitBreaker({ failures })],
  ["byExitReason", (restartAfterMs) => byExitReason({ hung: { restartAfterMs } })],
  ["byExitReason with a policy", (n) => byExitReason({ hung: budget(n) })],
  ["byRunError", (firstMs) => byRunError({ backoff: { firstMs } })],
  ["policies", (n) => policies(budget(1), budget(n))],
  ["forChildren", (n) => forChildren([`child ${n}`], budget(1))],
])("%s is told by what it was made of", (_name, make) => {
  expect(comparePolicies(make(1), make(1))).toBe("same");
  expect(comparePolicies(make(1), make(2))).toBe("different");
});

test("somebody's own is told by its identity, then by its text, also inside a built-in one", () => {
  const one = own();
  expect(comparePolicies(one, one)).toBe("same");
  expect(comparePolicies(one, own())).toBe("same_code");
  expect(comparePolicies(policies(one), policies(own()))).toBe("same_code");
  expect(comparePolicies(one, budget(1))).toBe("different");
  expect(comparePolicies(one, undefined)).toBe("different");
});
