/** Options that are numbers. */

import { invalidArgument } from "../errors.ts";
import { longestTimerMs } from "../otp/scheduler/clock.ts";
import { textOf, type Words } from "./command.ts";

/**
 * The integer of an option, from 1 on.
 * @param most default: 2,147,483,647
 * @throws CallerError "invalid_argument"
 */
export function optionalInteger(words: Words, name: string, otherwise: number, most = longestTimerMs): number {
  const text = textOf(words, name);
  if (text === undefined) return otherwise;
  const value = /^\d+$/.test(text) ? Number(text) : Number.NaN;
  if (value >= 1 && value <= most) return value;
  throw invalidArgument(`--${name}`, text, `an integer from 1 to ${most.toLocaleString("en")}`);
}
