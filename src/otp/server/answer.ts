/** What a callback has answered: the timeout in it, and the errors of one that may not answer that. */

import { ProcessError } from "../../errors.ts";
import { longestTimerMs } from "../scheduler/clock.ts";
import type { Then } from "./definition.ts";
import type { TimeoutAsked } from "./messages.ts";

/** The timeout that an answer asks for: its own, or `before`. @throws ProcessError for one that is none */
export function timeoutIn(
  { timeoutMs, timeoutMessage }: Then,
  before: TimeoutAsked | undefined,
): TimeoutAsked | undefined {
  if (timeoutMs === undefined) return before;
  if (timeoutMs === "infinity") return undefined;
  if (typeof timeoutMs !== "number" || !(timeoutMs >= 0 && timeoutMs <= longestTimerMs))
    throw badReturn("timeoutMs", timeoutMs);
  return { timeoutMs, message: timeoutMessage ?? { type: "timeout" } };
}

/** What is wrong with a promise as a reply. */
export const promisedReply = "a promise as the reply: await it, or answer noreply and reply later";

/** The crash of a server that gets a message for which it has no callback. */
export function missing(callback: string, message: unknown): ProcessError {
  return new ProcessError("exited", `the server has no ${callback}`, { reason: { type: "undef", callback, message } });
}

/** The crash of a server whose callback answers what it may not. */
export function badReturn(callback: string, value: unknown, what = "what it may not answer"): ProcessError {
  const reason = { type: "bad_return_value", callback, value };
  return new ProcessError("exited", `${callback} answered ${what}`, { reason });
}
