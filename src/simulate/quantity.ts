/** How much of something a run uses: a distribution of numbers. */

import { checkKnownFields, invalidArgument } from "../errors.ts";
import type { Random } from "./random.ts";

/**
 * An amount.
 * - a number: always that
 * - `{ from, to }`: anything between, each alike
 * - `{ mean }`: exponential: many small ones, few large ones
 * - `{ oneOf }`: one of these, each alike
 */
export type Quantity =
  | number
  | { readonly from: number; readonly to: number }
  | { readonly mean: number }
  | { readonly oneOf: readonly number[] };

/** @throws CallerError "invalid_argument" */
export function checkQuantity(field: string, value: unknown, most: number): void {
  const rule = `from 0 to ${most}: a number, { from, to }, { mean } or { oneOf: [ … ] }`;
  const fits = (amount: unknown): amount is number => typeof amount === "number" && amount >= 0 && amount <= most;
  if (fits(value)) return;
  if (typeof value !== "object" || value === null) throw invalidArgument(field, value, rule);
  const { from, to, mean, oneOf } = value as Record<string, unknown>;
  if (fits(mean)) checkKnownFields(field, value, new Set(["mean"]));
  else if (fits(from) && fits(to) && from <= to) checkKnownFields(field, value, new Set(["from", "to"]));
  else if (Array.isArray(oneOf) && oneOf.length > 0 && oneOf.every(fits)) {
    checkKnownFields(field, value, new Set(["oneOf"]));
  } else throw invalidArgument(field, value, rule);
}

/** Draws an amount. */
export function draw(quantity: Quantity, random: Random): number {
  if (typeof quantity === "number") return quantity;
  const chance = random();
  if ("mean" in quantity) return -quantity.mean * Math.log(1 - chance);
  if ("oneOf" in quantity) return quantity.oneOf[Math.floor(chance * quantity.oneOf.length)] ?? 0;
  return quantity.from + chance * (quantity.to - quantity.from);
}
