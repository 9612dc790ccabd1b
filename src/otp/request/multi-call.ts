/** One call to many: who answered, and who did not. Source: OTP's gen_server:multi_call. */

import { invalidArgument, type SynapseError } from "../../errors.ts";
import { resolveTarget, type Target } from "../process/target.ts";
import { type CallOptions, callProcess, defaultCallTimeoutMs } from "./call.ts";
import { patienceMs } from "./timeout.ts";

/** What came of a call to many; both lists follow the order of the targets. */
export interface MultiCallResult<T, Reply> {
  readonly replies: readonly { readonly target: T; readonly reply: Reply }[];
  /** Those that are dead or unknown, ended, or did not answer in time. */
  readonly bad: readonly { readonly target: T; readonly error: SynapseError }[];
}

/**
 * Calls all targets at once and waits until each has answered or failed; a late reply is dropped. The time (default 5,000 ms) and the signal hold for all.
 * @returns rejects with CallerError "invalid_argument" only
 */
export async function multiCall<T extends Target, Reply = unknown>(
  targets: readonly T[],
  message: unknown,
  options: CallOptions = {},
): Promise<MultiCallResult<T, Reply>> {
  if (!Array.isArray(targets)) throw invalidArgument("targets", targets, "a list of targets");
  const timeoutMs = patienceMs(options, defaultCallTimeoutMs);
  // Before any call begins: one that nobody waited for would fail on its own.
  for (const target of targets) resolveTarget(target);
  const calls = targets.map((target) => callProcess(target, message, timeoutMs, options.signal));
  const results = await Promise.allSettled(calls);
  const replies: { target: T; reply: Reply }[] = [];
  const bad: { target: T; error: SynapseError }[] = [];
  for (const [index, result] of results.entries()) {
    const target = targets[index] as T;
    if (result.status === "fulfilled") replies.push({ target, reply: result.value as Reply });
    else bad.push({ target, error: result.reason as SynapseError });
  }
  return { replies, bad };
}
