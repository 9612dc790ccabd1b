/** What is known of one call while it runs: who, until when, and how the caller may end it. */

import { invalidArgument, RunError, type RunErrorFacts } from "../errors.ts";
import type { CallOptions } from "./agent-client.ts";
import type { UnsafeNumbers } from "./exact-json.ts";

/** Node's timers, and with them a local deadline, end here: 24.8 days. */
const MAX_TIMEOUT_MS = 2_147_483_647;

/** One call. */
export interface Call {
  /** The subject of error messages: `run "r1" of agent "a1"`. */
  readonly what: string;
  readonly agentId: string;
  readonly runId?: string;
  readonly signal?: AbortSignal;
  /** Whole milliseconds, at least 1. */
  readonly timeoutMs?: number;
  /** By performance.now(). */
  readonly startedAtMs: number;
  /** For numbers in the answer that JavaScript's JSON does not hold; default "string". */
  readonly unsafeNumbers?: UnsafeNumbers;
  /** The messages that the run was given, as they were sent. */
  readonly historyJson?: Uint8Array;
}

/**
 * Begins a call. Throws CallerError "invalid_argument" (timeoutMs is no number up to 2,147,483,647), RunError "run_cancelled"
 * (the signal is aborted already) or "deadline_exceeded" (timeoutMs is 0 or less).
 */
export function beginCall(
  what: string,
  known: { agentId: string; runId?: string },
  options: CallOptions,
  unsafeNumbers?: UnsafeNumbers,
): Call {
  const call: { -readonly [Key in keyof Call]: Call[Key] } = {
    what,
    agentId: known.agentId,
    startedAtMs: performance.now(),
  };
  if (known.runId !== undefined) call.runId = known.runId;
  if (unsafeNumbers !== undefined) call.unsafeNumbers = unsafeNumbers;
  const { signal, timeoutMs } = options;
  if (signal !== undefined) {
    call.signal = signal;
    if (signal.aborted) throw cancelledError(call);
  }
  if (timeoutMs !== undefined) {
    if (typeof timeoutMs !== "number" || !(timeoutMs <= MAX_TIMEOUT_MS)) {
      throw invalidArgument("options.timeoutMs", timeoutMs, `a number of milliseconds up to ${MAX_TIMEOUT_MS}`);
    }
    call.timeoutMs = Math.ceil(timeoutMs);
    if (timeoutMs <= 0) throw deadlineError(call);
  }
  return call;
}

/** The call's ids as facts of an error. */
export function factsOf(call: Call): RunErrorFacts {
  return call.runId === undefined ? { agentId: call.agentId } : { agentId: call.agentId, runId: call.runId };
}

/** The caller's signal ended the call; its reason is the cause. */
export function cancelledError(call: Call): RunError {
  const afterMs = Math.round(performance.now() - call.startedAtMs);
  const facts: RunErrorFacts = { ...factsOf(call), kind: "cancelled", cause: call.signal?.reason };
  return new RunError("run_cancelled", `${call.what} was cancelled by its caller after ${afterMs} ms`, facts);
}

/** The call's time is over. */
export function deadlineError(call: Call, cause?: unknown): RunError {
  const limit = call.timeoutMs === undefined ? "its deadline" : `${call.timeoutMs} ms`;
  const facts: RunErrorFacts = { ...factsOf(call), kind: "deadline" };
  if (cause !== undefined) facts.cause = cause;
  const message = `${call.what} did not end within ${limit}; allow more time or look at what the agent waits for`;
  return new RunError("deadline_exceeded", message, facts);
}
