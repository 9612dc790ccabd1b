/** Stopping a process from outside, and waiting for its end. Source: gen_server:stop and proc_lib:stop. */

import { ProcessError } from "../../errors.ts";
import { currentProcess } from "../process/current.ts";
import type { Process } from "../process/process.ts";
import { describeTarget, resolveTarget, type Target } from "../process/target.ts";
import { type BoxedReason, describeExitReason, type ExitReason, isA } from "../report/exit-reason.ts";
import { type Patience, patienceMs } from "./timeout.ts";

/**
 * Asks a process to end with `reason` (default "normal"): its terminate hook runs. Settles when it has.
 * @returns rejects with ProcessError "noproc", "timeout" (it goes on ending), "calling_self", or "exited" when it ended for another reason
 */
export async function stop(target: Target, reason: ExitReason = "normal", options: Patience = {}): Promise<void> {
  const timeoutMs = patienceMs(options, "infinity");
  const process = resolveTarget(target);
  const who = describeTarget(target);
  const facts = { call: { target, message: { stop: reason }, timeoutMs } };
  if (process === undefined || !process.alive) {
    throw new ProcessError("noproc", `cannot stop ${who}: it is not alive`, { ...facts, reason: "noproc" });
  }
  if (process === currentProcess() && (process.isHandling || process.waitsForItself)) {
    throw new ProcessError("calling_self", `${who} cannot wait for its own end`, { ...facts, reason: "calling_self" });
  }
  const end = await endOf(process, reason, timeoutMs);
  if (end === undefined) {
    const message = `${who} has not ended within ${timeoutMs} ms`;
    throw new ProcessError("timeout", message, { ...facts, reason: "timeout" });
  }
  const { reason: actual } = end;
  if (Object.is(actual, reason)) return;
  throw new ProcessError("exited", `${who} ended with ${describeExitReason(actual)} while it was being stopped`, {
    ...facts,
    reason: actual,
    ...(isA(actual, Error) ? { cause: actual } : {}),
  });
}

/** Asks for the end and waits for it; undefined when it has not come in time: nothing of the wait stays with the process then. */
function endOf(process: Process, reason: ExitReason, timeoutMs: number | "infinity"): Promise<BoxedReason | undefined> {
  const { clock } = process.runtime;
  return new Promise((resolve) => {
    let timer: unknown;
    const ended = (actual: ExitReason): void => {
      if (timer !== undefined) clock.clearTimeout(timer);
      resolve({ reason: actual });
    };
    process.addExitHook(ended);
    if (timeoutMs !== "infinity") {
      timer = clock.setTimeout(() => {
        process.removeExitHook(ended);
        resolve(undefined);
      }, timeoutMs);
    }
    process.requestStop(reason);
  });
}
