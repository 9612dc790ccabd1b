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
  const held = waiting ? owner.held : undefined;
  const awaited = held === undefined ? "a worker" : "its agent's budget";
  const what = waiting ? `was still waiting for ${awaited} after` : "did not end within";
  const cause = waiting && held === undefined ? owner.startError : undefined;
  const because = held ?? cause?.message;
  const why = because === undefined ? "" : `: ${because}`;
  const message = `run of agent "${owner.agentId}" ${what} ${timeoutMs} ms${why}`;
  const facts: RunErrorFacts = { agentId: owner.agentId, runId, kind: "deadline" };
  return new RunError("deadline_exceeded", message, cause === undefined ? facts : { ...facts, cause });
}
