/** How a task came out, and the errors of those who waited for it. */

import { ProcessError } from "../../errors.ts";
import { describeExitReason, type ExitReason, isA } from "../report/exit-reason.ts";

/** How a task came out: its result, or how it ended without one. */
export type TaskOutcome<Result> = { readonly ok: Result } | { readonly exit: ExitReason };

/** What was asked of a task, as errors carry it. */
export interface TaskCall {
  readonly target: unknown;
  readonly message: { readonly type: `task.${string}`; readonly timeoutMs?: number | "infinity" };
}

/** The result. @throws ProcessError "exited", "noproc", or "timeout" when there is no outcome */
export function resultOf(outcome: TaskOutcome<unknown> | undefined, call: TaskCall): unknown {
  if (outcome === undefined) throw taskTimeout(call);
  if ("ok" in outcome) return outcome.ok;
  throw taskExited(outcome.exit, call);
}

/** A lost connection is nothing that a task can be said to have ended with. @throws ProcessError "exited" */
export function checkConnected(outcome: TaskOutcome<unknown> | undefined, call: TaskCall): void {
  if (outcome !== undefined && "exit" in outcome && outcome.exit === "noconnection")
    throw taskExited(outcome.exit, call);
}

/** The error of a wait for a task that ended without a result. */
export function taskExited(reason: ExitReason, call: TaskCall): ProcessError {
  const facts = { reason, call, ...(isA(reason, Error) ? { cause: reason } : {}) };
  if (reason === "noproc") {
    return new ProcessError("noproc", `${call.message.type}: the outcome of the task was taken before`, facts);
  }
  return new ProcessError("exited", `${call.message.type}: the task ended with ${describeExitReason(reason)}`, facts);
}

/** The error of a wait that was too long. */
export function taskTimeout(call: TaskCall): ProcessError {
  const message = `${call.message.type}: no result within ${call.message.timeoutMs} ms`;
  return new ProcessError("timeout", message, { reason: "timeout", call });
}
