/** The checks of single fields of an agent's specification: each names the field, the value, the rule and the agent. */

import { invalidArgument } from "../errors.ts";
import { longestTimerMs } from "../otp/scheduler/clock.ts";
import { limitsMemory } from "../worker/memory.ts";

/** @throws CallerError "invalid_argument" */
export function checkPatience(field: string, value: number | "infinity", id: string): void {
  if (value === "infinity" || (Number.isInteger(value) && value >= 1 && value <= longestTimerMs)) return;
  throw invalidArgument(field, value, `an integer from 1 to 2,147,483,647, or "infinity" (agent "${id}")`);
}

/** An idle worker reserves some 140 MiB: much less is a mistake, of the unit perhaps. */
const leastMemoryBytes = 128 * 1024 * 1024;

/** @throws CallerError "invalid_argument" */
export function checkMemoryLimit(field: string, value: number, id: string): void {
  if (!limitsMemory) {
    throw invalidArgument(field, value, `left out on ${process.platform}: only Linux limits it (agent "${id}")`);
  }
  if (Number.isSafeInteger(value) && value >= leastMemoryBytes) return;
  throw invalidArgument(
    field,
    value,
    `an integer from ${leastMemoryBytes.toLocaleString("en")} bytes up (agent "${id}")`,
  );
}

/** @throws CallerError "invalid_argument" */
export function checkLauncher(launcher: unknown, id: string): void {
  if (launcher === "spawn" || launcher === "auto") return;
  if (launcher !== "zygote") {
    throw invalidArgument("spec.launcher", launcher, `"spawn", "zygote" or "auto" (agent "${id}")`);
  }
  if (process.platform !== "linux") {
    throw invalidArgument("spec.launcher", launcher, `"spawn" or "auto": only Linux has zygotes (agent "${id}")`);
  }
}

/** @throws CallerError "invalid_argument" */
export function checkInteger(field: string, value: number, least: number, id: string): void {
  if (Number.isInteger(value) && value >= least && value <= longestTimerMs) return;
  throw invalidArgument(field, value, `an integer from ${least} to 2,147,483,647 (agent "${id}")`);
}
