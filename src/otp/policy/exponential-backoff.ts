/** Pauses before restarts that grow with every failure in a row, and begin anew after a healthy time. */

import { invalidArgument } from "../../errors.ts";
import { describeAs } from "./description.ts";
import { checkInteger, checkOptions, checkPolicy, longestPauseMs } from "./options.ts";
import { perChild, type SinglePolicy, type StateByChild } from "./per-child.ts";
import type { ChildExit, PassingPolicy } from "./restart-policy.ts";
import { runPolicyOf, withRuns } from "./run-policy.ts";

/** How the pauses grow. */
export interface ExponentialBackoff {
  /** The pause after the first failure, in milliseconds; default 100. */
  readonly firstMs?: number;
  /** The longest pause, in milliseconds; default 30,000. */
  readonly maxMs?: number;
  /** Each pause is this many times the one before; 1 or more, default 2. */
  readonly factor?: number;
  /** The part of each pause that is left to chance, 0 to 1; default 0.5: between half of it and the whole. */
  readonly jitter?: number;
  /** A child that has run so long, in milliseconds, begins with the first pause again; default 60,000. */
  readonly healthyMs?: number;
  /** Where the chance comes from; default 0. Give each host its own, so that they do not all begin at once; the same seed makes the same pauses. */
  readonly seed?: number;
}

/** The row of failures of one child. */
export interface BackoffState {
  readonly failures: number;
  /** An end from then on begins a new row: the child had run for `healthyMs`. */
  readonly healthyAtMs: number;
}

const names = ["firstMs", "maxMs", "factor", "jitter", "healthyMs", "seed"];

/**
 * Restarts a child after a pause that grows with each failure in a row, as long as it takes: it never gives up. For a limit put a policy before it that
 * answers when it is reached, or use {@link withBackoff}. It passes where the child's restart type says that it stays down.
 * @throws CallerError "invalid_argument" naming the field, the value and the rule
 */
export function exponentialBackoff(options: ExponentialBackoff = {}): PassingPolicy<StateByChild<BackoffState>> {
  return describeAs(perChild(backoffOfOne(options, "options")), "exponentialBackoff", options);
}

/** The state of {@link withBackoff}. */
export interface WithBackoffState {
  readonly inner: unknown;
  readonly backoff: StateByChild<BackoffState> | undefined;
}

/**
 * Wraps a policy: where it restarts, the pause is at least the backoff's; what else it answers stands. For example a limit with pauses:
 * `withBackoff(restartIntensity({ maxRestarts: 10, periodMs: 600_000 }))`.
 * @throws CallerError "invalid_argument" naming the field, the value and the rule
 */
export function withBackoff<State>(
  policy: PassingPolicy<State>,
  options: ExponentialBackoff = {},
): PassingPolicy<WithBackoffState> {
  checkPolicy("policy", policy);
  const backoff = exponentialBackoff(options);
  const wrapped: PassingPolicy<WithBackoffState> = (before, exit, nowMs) => {
    const { decision, state: inner } = policy(before?.inner as State | undefined, exit, nowMs);
    if (decision.type !== "restart") return { decision, state: { inner, backoff: before?.backoff } };
    const paused = backoff(before?.backoff, exit, nowMs);
    const state = { inner, backoff: paused.state };
    if (paused.decision.type !== "restart" || paused.decision.delayMs <= decision.delayMs) return { decision, state };
    const { delayMs } = paused.decision;
    return { decision: { type: "restart", delayMs, because: `${decision.because}, in ${delayMs} ms` }, state };
  };
  return withRuns(describeAs(wrapped, "withBackoff", policy, options), runPolicyOf(policy));
}

/**
 * The backoff of a single child.
 * @throws CallerError "invalid_argument" naming the field, the value and the rule
 */
export function backoffOfOne(options: ExponentialBackoff, field: string): SinglePolicy<BackoffState> {
  checkOptions(options, names, field);
  const { firstMs = 100, maxMs = 30_000, factor = 2, jitter = 0.5, healthyMs = 60_000, seed = 0 } = options;
  checkInteger(`${field}.firstMs`, firstMs, 1);
  checkInteger(`${field}.maxMs`, maxMs, 1);
  if (maxMs < firstMs) throw invalidArgument(`${field}.maxMs`, maxMs, `${firstMs} (firstMs) or more`);
  if (!(Number.isFinite(factor) && factor >= 1)) throw invalidArgument(`${field}.factor`, factor, "1 or more");
  if (!(typeof jitter === "number" && jitter >= 0 && jitter <= 1))
    throw invalidArgument(`${field}.jitter`, jitter, "0 to 1");
  checkInteger(`${field}.healthyMs`, healthyMs, 1);
  if (!Number.isSafeInteger(seed)) throw invalidArgument(`${field}.seed`, seed, "an integer");
  return (before, exit, nowMs) => {
    const healthy = before === undefined || nowMs >= before.healthyAtMs;
    const failures = healthy ? 1 : before.failures + 1;
    const wholeMs = Math.min(firstMs * factor ** (failures - 1), maxMs);
    const delayMs = Math.min(Math.round(wholeMs * (1 - jitter * chance(seed, exit))), longestPauseMs);
    const healthyAtMs = nowMs + delayMs + healthyMs;
    const row = failures === 1 ? "1 failure" : `${failures} failures in a row`;
    return {
      decision: { type: "restart", delayMs, because: `${row}; the next start in ${delayMs} ms` },
      state: { failures, healthyAtMs },
      untilMs: healthyAtMs,
    };
  };
}

/** 2^32 divided by the golden ratio, as the nearest odd number: a multiplication by it spreads neighbours apart. Source: Knuth, TAOCP 6.4. */
const oddGoldenRatio = 0x9e37_79b1;

/** A number from 0 up to 1 that depends on the seed, the child and its incarnation, and on nothing else. */
function chance(seed: number, { childId, incarnation, failedStarts = 0 }: ChildExit): number {
  let hash = 0;
  for (const part of [String(seed), childId, String(incarnation), String(failedStarts)]) {
    for (let index = 0; index <= part.length; index += 1) {
      // After the last character one that no text of numbers has: "1" and "12" are not "11" and "2".
      hash = Math.imul(hash ^ (index < part.length ? part.charCodeAt(index) : 0x1_0000), oddGoldenRatio);
      hash ^= hash >>> 15;
    }
  }
  return (hash >>> 0) / 2 ** 32;
}
