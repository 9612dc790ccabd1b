/** Waiting for an agent's worker, with an end. */

import { checkKnownFields, invalidArgument, RunError } from "../errors.ts";
import { checkObject } from "../otp/process/argument.ts";
import { onAbort } from "../otp/scheduler/abort.ts";
import { longestTimerMs } from "../otp/scheduler/clock.ts";
import type { HandleOwner, WaitOptions } from "./handle-owner.ts";

const known: ReadonlySet<string> = new Set(["signal", "timeoutMs"] satisfies (keyof WaitOptions)[]);

/** @throws CallerError "invalid_argument" */
export function checkWaitOptions(options: WaitOptions): void {
  checkObject("options", options, "an object");
  checkKnownFields("options", options, known);
  const { signal, timeoutMs } = options;
  if (signal !== undefined && !(signal instanceof AbortSignal)) {
    throw invalidArgument("options.signal", signal, "an AbortSignal");
  }
  if (timeoutMs !== undefined && !(Number.isInteger(timeoutMs) && timeoutMs >= 1 && timeoutMs <= longestTimerMs)) {
    throw invalidArgument("options.timeoutMs", timeoutMs, "an integer from 1 to 2,147,483,647 milliseconds");
  }
}

/** See `Agent.whenReady`. */
export async function workerReady(agent: HandleOwner, options: WaitOptions): Promise<void> {
  const { agentId, runs } = agent;
  checkWaitOptions(options);
  const { signal, timeoutMs } = options;
  if (agent.serving !== undefined) return;
  const refused = runs.refusal();
  if (refused !== undefined) throw refused;
  agent.wake();
  if (signal === undefined && timeoutMs === undefined) return agent.ready;
  const { promise, reject } = Promise.withResolvers<never>();
  const abort = () =>
    reject(
      new RunError("run_cancelled", `waiting for agent "${agentId}" was cancelled`, {
        agentId,
        kind: "cancelled",
        cause: signal?.reason,
      }),
    );
  const { clock } = runs;
  const expire = () => {
    const { startError: cause } = runs;
    const why = cause === undefined ? "" : `: ${cause.message}`;
    const message = `agent "${agentId}" is ${agent.state}, not ready, after ${timeoutMs} ms${why}`;
    reject(new RunError("deadline_exceeded", message, { agentId, kind: "deadline", ...(cause && { cause }) }));
  };
  const timer = timeoutMs === undefined ? undefined : clock.setTimeout(expire, timeoutMs);
  if (signal?.aborted === true) abort();
  const forget = signal === undefined ? undefined : onAbort(signal, abort);
  try {
    await Promise.race([agent.ready, promise]);
  } finally {
    if (timer !== undefined) clock.clearTimeout(timer);
    forget?.();
  }
}
