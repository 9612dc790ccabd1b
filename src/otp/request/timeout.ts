/** How long something is waited for: so many milliseconds, or until a moment. */

import { invalidArgument } from "../../errors.ts";
import { checkObject } from "../process/argument.ts";
import { contextRuntime } from "../process/target.ts";
import { longestTimerMs } from "../scheduler/clock.ts";

/** How long to wait. Of both, the one that is over sooner holds. */
export interface Patience {
  /** Milliseconds; "infinity" waits for the end. */
  readonly timeoutMs?: number | "infinity";
  /** A moment, in milliseconds since the Unix epoch by the runtime's clock; one that has passed is now. For what several waits share. */
  readonly deadlineAtMs?: number;
}

/**
 * The milliseconds that are left now.
 * @param otherwise when neither is given
 * @throws CallerError "invalid_argument"
 */
export function patienceMs(options: Patience, otherwise: number | "infinity"): number | "infinity" {
  checkObject("options", options);
  const { timeoutMs, deadlineAtMs } = options;
  if (timeoutMs !== undefined) checkTimeout("options.timeoutMs", timeoutMs);
  if (deadlineAtMs === undefined) return timeoutMs ?? otherwise;
  if (!Number.isFinite(deadlineAtMs)) {
    throw invalidArgument("options.deadlineAtMs", deadlineAtMs, "milliseconds since the Unix epoch");
  }
  const leftMs = Math.max(0, Math.ceil(deadlineAtMs - contextRuntime().clock.now()));
  return Math.min(leftMs, typeof timeoutMs === "number" ? timeoutMs : longestTimerMs);
}

/** @throws CallerError "invalid_argument" */
export function checkTimeout(field: string, value: number | "infinity"): void {
  if (value === "infinity") return;
  if (Number.isInteger(value) && value >= 0 && value <= longestTimerMs) return;
  throw invalidArgument(field, value, '0 to 2,147,483,647 ms or "infinity"');
}
