/** What a user lets be shown, where the summary alone would show too much. */

import { invalidArgument } from "../errors.ts";

/** A change of what is shown, before it is summarised: what it answers takes the value's place. "arguments" are those of a tool's call that people are asked about. */
export type Sanitise = (value: unknown, what: "definition" | "context" | "event" | "arguments") => unknown;

/** @throws CallerError "invalid_argument" */
export function checkSanitise(sanitise: unknown): void {
  if (sanitise === undefined || typeof sanitise === "function") return;
  throw invalidArgument("options.sanitise", sanitise, "a function");
}

/** A value as it may be summarised. It says what may be shown: where it throws, nothing is. */
export function sanitised(sanitise: Sanitise | undefined, value: unknown, what: Parameters<Sanitise>[1]): unknown {
  if (sanitise === undefined) return value;
  try {
    return sanitise(value, what);
  } catch {
    return "(the sanitiser threw)";
  }
}
