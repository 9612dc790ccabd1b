/** Which of the documented causes an exit has, from what the host had decided and what the operating system then saw. */

import type { WorkerExitCause } from "../crash.ts";

/**
 * What the host had decided about a worker before its exit was seen.
 * - "stop": asked to finish; no signal of ours
 * - "stop_overdue": the grace was over, we sent SIGKILL
 * - "kill": we sent SIGKILL because `kill()` or `stop(0)` was called
 * - "start_timeout": we sent SIGKILL because it was not ready in time
 * - "load_failed", "protocol_mismatch": it said so itself, or its words did
 */
export type Verdict = "stop" | "stop_overdue" | "kill" | "start_timeout" | "load_failed" | "protocol_mismatch";

/**
 * The cause of an exit. An exit that our SIGKILL cannot have made (a code, another signal) is the process's own: nobody survives SIGKILL,
 * so it must have ended before the signal arrived.
 */
export function exitCause(verdict: Verdict | undefined, signal: NodeJS.Signals | null): WorkerExitCause {
  const observed = signal === null ? "exited" : "signaled";
  switch (verdict) {
    case undefined:
      return observed;
    case "load_failed":
    case "protocol_mismatch":
      return verdict;
    case "stop":
      return signal === null ? "stopped" : "signaled";
    case "stop_overdue":
      if (signal === null) return "stopped";
      return signal === "SIGKILL" ? "killed" : "signaled";
    case "kill":
      return signal === "SIGKILL" ? "killed" : observed;
    case "start_timeout":
      return signal === "SIGKILL" ? "start_timeout" : observed;
    default:
      verdict satisfies never;
      return observed;
  }
}

/** The verdict after another one was reached: the first counts, only a stop can still become a kill. */
export function nextVerdict(current: Verdict | undefined, next: Verdict): Verdict {
  if (current === undefined) return next;
  return current === "stop" && (next === "stop_overdue" || next === "kill") ? "stop_overdue" : current;
}
