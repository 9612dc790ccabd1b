/** The checks of a policy's options. */

import { isRecord } from "../../describe-value.ts";
import { invalidArgument } from "../../errors.ts";
import { policyRule } from "./restart-policy.ts";

/** The longest pause that a timer can make, in milliseconds. */
export const longestPauseMs = 2_147_483_647;

/** @throws CallerError "invalid_argument" for options that are no record, or have a name that is not known */
export function checkOptions(options: object, known: readonly string[], field = "options"): void {
  if (!isRecord(options)) throw invalidArgument(field, options, "an object of options");
  for (const [key, value] of Object.entries(options)) {
    if (!known.includes(key)) throw invalidArgument(`${field}.${key}`, value, `one of ${known.join(", ")}`);
  }
}

/** @throws CallerError "invalid_argument" for what is no integer from `least` to 2,147,483,647 */
export function checkInteger(field: string, value: unknown, least: number): void {
  if (Number.isInteger(value) && (value as number) >= least && (value as number) <= longestPauseMs) return;
  throw invalidArgument(field, value, `an integer from ${least} to 2,147,483,647`);
}

/** @throws CallerError "invalid_argument" for what is no function */
export function checkPolicy(field: string, policy: unknown): void {
  if (typeof policy === "function") return;
  throw invalidArgument(field, policy, policyRule);
}
