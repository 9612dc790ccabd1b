/** The errors that end a run from the host's side. */

import { RunError, type RunErrorFacts } from "../errors.ts";
import type { RunOwner } from "./pending-run.ts";

/** Its caller has cancelled it. */
export function cancelledRun(owner: RunOwner, runId: string, reason: unknown): RunError {
  const message = `run of agent "${owner.agentId}" was cancelled by its caller`;
  return new RunError("run_cancelled", message, { agentId: owner.agentId, runId, kind: "cancelled", cause: reason });
}

/** Its time is over. `waiting`: no worker has it. */
export function expiredRun(owner: RunOwner, runId: string, timeoutMs: number | undefined, waiting: boolean): RunError {
  const what = waiting ? "was still waiting for a worker after" : "did not end within";
  const cause = waiting ? owner.startError : undefined;
  const why = cause === undefined ? "" : `: ${cause.message}`;
  const message = `run of agent "${owner.agentId}" ${what} ${timeoutMs} ms${why}`;
  const facts: RunErrorFacts = { agentId: owner.agentId, runId, kind: "deadline" };
  return new RunError("deadline_exceeded", message, cause === undefined ? facts : { ...facts, cause });
}
