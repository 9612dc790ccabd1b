/** The parts of a system that touch the world, and their checks. */

import { checkKnownFields, invalidArgument } from "./errors.ts";
import { checkFunction, checkMethods } from "./otp/process/argument.ts";
import { checkClock } from "./otp/process/runtime.ts";
import type { Clock } from "./otp/scheduler/clock.ts";
import type { Report } from "./report.ts";
import type { Launcher } from "./worker/launcher.ts";

/** Replacements for the parts of a system that touch the world; for tests and benchmarks. */
export interface SystemParts {
  readonly launcher?: Launcher;
  /** Given to the launcher as it is: with a launcher that needs no Python, none is looked for. */
  readonly interpreter?: string;
  readonly clock?: Clock;
  /** Told of every report from the first on, also of those before `startSystem` has settled. */
  readonly onReport?: (report: Report) => void;
}

const known: ReadonlySet<string> = new Set([
  "launcher",
  "interpreter",
  "clock",
  "onReport",
] satisfies (keyof SystemParts)[]);

/** @throws CallerError "invalid_argument" naming the field, the value and the rule */
export function checkSystemParts(parts: SystemParts): void {
  checkKnownFields("parts", parts, known);
  const { launcher, interpreter, clock, onReport } = parts;
  if (launcher !== undefined) {
    checkMethods("parts.launcher", launcher, ["launch", "close"] satisfies (keyof Launcher)[], "a launcher");
  }
  if (interpreter !== undefined && (typeof interpreter !== "string" || interpreter === "")) {
    throw invalidArgument("parts.interpreter", interpreter, "a non-empty string");
  }
  if (clock !== undefined) checkClock("parts.clock", clock);
  if (onReport !== undefined) checkFunction("parts.onReport", onReport);
}
