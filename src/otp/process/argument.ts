/** Checks of arguments that TypeScript forbids and JavaScript lets through. */

import { invalidArgument } from "../../errors.ts";

/** @throws CallerError "invalid_argument" for what is no object: options, say */
export function checkObject(field: string, value: unknown, rule = "an object of options"): void {
  if (typeof value !== "object" || value === null) throw invalidArgument(field, value, rule);
}

/** @throws CallerError "invalid_argument" for what is no function */
export function checkFunction(field: string, value: unknown): void {
  if (typeof value !== "function") throw invalidArgument(field, value, "a function");
}

/** @throws CallerError "invalid_argument" for what is no object with all of these functions: a clock, say */
export function checkMethods(field: string, value: unknown, names: readonly string[], rule: string): void {
  checkObject(field, value, rule);
  for (const name of names) checkFunction(`${field}.${name}`, (value as Readonly<Record<string, unknown>>)[name]);
}
