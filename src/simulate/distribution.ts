/** How long something takes, or how often it comes: a distribution of milliseconds. */

import { checkKnownFields, invalidArgument } from "../errors.ts";
import { draw, type Quantity } from "./quantity.ts";
import type { Random } from "./random.ts";

/**
 * Milliseconds.
 * - a number: always that
 * - `{ fromMs, toMs }`: anything between, each alike
 * - `{ meanMs }`: exponential: at any moment as likely as at any other, as crashes and visitors come
 * - `{ oneOf }`: one of these, each alike
 */
export type Distribution =
  | number
  | { readonly fromMs: number; readonly toMs: number }
  | { readonly meanMs: number }
  | { readonly oneOf: readonly number[] };

const rule = "milliseconds of 0 or more: a number, { fromMs, toMs }, { meanMs } or { oneOf: [ … ] }";

/** The longest that anything takes: a month. */
const longestMs = 31 * 86_400_000;

/**
 * Checks a distribution.
 * @param leastMs what it must not be below
 * @throws CallerError "invalid_argument"
 */
export function checkDistribution(field: string, value: unknown, leastMs = 0): void {
  const fits = (ms: unknown): ms is number => typeof ms === "number" && ms >= leastMs && ms <= longestMs;
  if (fits(value)) return;
  if (typeof value !== "object" || value === null) throw invalidArgument(field, value, rule);
  const { fromMs, toMs, meanMs, oneOf } = value as Record<string, unknown>;
  if (fits(meanMs) && meanMs > 0) checkKnownFields(field, value, new Set(["meanMs"]));
  else if (fits(fromMs) && fits(toMs) && fromMs <= toMs) checkKnownFields(field, value, new Set(["fromMs", "toMs"]));
  else if (Array.isArray(oneOf) && oneOf.length > 0 && oneOf.every(fits)) {
    checkKnownFields(field, value, new Set(["oneOf"]));
  } else throw invalidArgument(field, value, leastMs === 0 ? rule : `${rule}, and at least ${leastMs}`);
}

/** Draws whole milliseconds. */
export function sample(distribution: Distribution, random: Random): number {
  return Math.min(longestMs, Math.round(draw(quantityOf(distribution), random)));
}

function quantityOf(distribution: Distribution): Quantity {
  if (typeof distribution === "number" || "oneOf" in distribution) return distribution;
  if ("meanMs" in distribution) return { mean: distribution.meanMs };
  return { from: distribution.fromMs, to: distribution.toMs };
}
