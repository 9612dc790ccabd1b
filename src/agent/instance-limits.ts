/** How many instances an agent has: always as many, or as many as its queue asks for. */

import { isRecord } from "../describe-value.ts";
import { invalidArgument, unquotedArgument } from "../errors.ts";
import { longestTimerMs } from "../otp/scheduler/clock.ts";

/** Bounds for the number of an agent's instances, and when it changes. */
export interface InstanceOptions {
  /** Default 1. 0: the first one is started when a run comes, and retired as any other. */
  readonly min?: number | undefined;
  /** 1 to 1,000, at least `min`; default: `min`, or 1. */
  readonly max?: number | undefined;
  /** One more is started when the run that has waited longest has done so for so long, in milliseconds; default 1,000. */
  readonly scaleUpAfterMs?: number | undefined;
  /** One beyond `min` that has held no run for so long is retired, in milliseconds; default 60,000. */
  readonly idleMs?: number | undefined;
}

/** The same with every default filled in. */
export interface InstanceLimits {
  readonly min: number;
  readonly max: number;
  readonly scaleUpAfterMs: number;
  readonly idleMs: number;
}

const known: readonly string[] = ["min", "max", "scaleUpAfterMs", "idleMs"] satisfies (keyof InstanceOptions)[];
const mostInstances = 1_000;

/** @throws CallerError "invalid_argument" naming the field, the value and the rule */
export function checkInstances(instances: number | InstanceOptions, agentId: string): InstanceLimits {
  const about = `(agent "${agentId}")`;
  const check = (field: string, value: number, least: number, most: number) => {
    if (Number.isInteger(value) && value >= least && value <= most) return;
    throw invalidArgument(field, value, `an integer from ${least} to ${most.toLocaleString("en")} ${about}`);
  };
  if (typeof instances === "number") {
    check("spec.instances", instances, 1, mostInstances);
    return { min: instances, max: instances, scaleUpAfterMs: 0, idleMs: longestTimerMs };
  }
  if (!isRecord(instances)) {
    throw invalidArgument("spec.instances", instances, `a number, or an object of ${known.join(", ")} ${about}`);
  }
  for (const [key, value] of Object.entries(instances)) {
    if (!known.includes(key)) {
      throw unquotedArgument(`spec.instances.${key}`, value, `one of ${known.join(", ")} ${about}`);
    }
  }
  const { min = 1, scaleUpAfterMs = 1_000, idleMs = 60_000 } = instances;
  check("spec.instances.min", min, 0, mostInstances);
  const { max = Math.max(1, min) } = instances;
  check("spec.instances.max", max, Math.max(1, min), mostInstances);
  check("spec.instances.scaleUpAfterMs", scaleUpAfterMs, 0, longestTimerMs);
  check("spec.instances.idleMs", idleMs, 1, longestTimerMs);
  return { min, max, scaleUpAfterMs, idleMs };
}
