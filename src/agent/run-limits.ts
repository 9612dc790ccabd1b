/** How much of runs that belong to their system is kept, and how long. */

import { checkKnownFields, invalidArgument } from "../errors.ts";
import { longestTimerMs } from "../otp/scheduler/clock.ts";

/**
 * What a system keeps of the runs that `agent.start` began. Bytes are an estimate of what is kept in memory. A run that runs is always kept; of its events the
 * oldest leave where there are too many.
 */
export interface KeepOptions {
  /** Events and outcomes of all runs together, in bytes; default 64 MiB. Above it leave, in this order: events of ended runs, ended runs, events of runs that run. */
  readonly maxBytes?: number | undefined;
  /** Events of one run, in bytes; default 8 MiB. */
  readonly maxBytesPerRun?: number | undefined;
  /** How long a run is kept after its end, in milliseconds; default 15 minutes. */
  readonly keepMs?: number | undefined;
  /** How many runs that have ended are kept; default 10,000. */
  readonly maxRuns?: number | undefined;
}

/** The same with its defaults. */
export type RunLimits = { readonly [Field in keyof KeepOptions]-?: NonNullable<KeepOptions[Field]> };

/** What holds where nothing is said. */
export const defaultRunLimits: RunLimits = {
  maxBytes: 64 * 1024 * 1024,
  maxBytesPerRun: 8 * 1024 * 1024,
  keepMs: 15 * 60_000,
  maxRuns: 10_000,
};

const ranges: { readonly [Field in keyof RunLimits]: readonly [least: number, most: number, unit: string] } = {
  maxBytes: [1_024, Number.MAX_SAFE_INTEGER, " bytes"],
  maxBytesPerRun: [1_024, Number.MAX_SAFE_INTEGER, " bytes"],
  keepMs: [1, longestTimerMs, " milliseconds"],
  maxRuns: [1, 10_000_000, ""],
};
const known: ReadonlySet<string> = new Set(Object.keys(ranges));

/** @throws CallerError "invalid_argument" naming the field, the value and the rule */
export function normalizeRunLimits(field: string, options: KeepOptions | undefined): RunLimits {
  if (options === undefined) return defaultRunLimits;
  if (typeof options !== "object" || options === null) throw invalidArgument(field, options, "an object");
  checkKnownFields(field, options, known);
  const limits: Record<keyof RunLimits, number> = { ...defaultRunLimits };
  for (const name of Object.keys(ranges) as (keyof RunLimits)[]) {
    const value = options[name];
    if (value === undefined) continue;
    const [least, most, unit] = ranges[name];
    if (!Number.isInteger(value) || value < least || value > most) {
      const rule = `an integer from ${least.toLocaleString("en")} to ${most.toLocaleString("en")}${unit}`;
      throw invalidArgument(`${field}.${name}`, value, rule);
    }
    limits[name] = value;
  }
  return limits;
}
