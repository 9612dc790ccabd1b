/** A policy for children that end with the error of a run: what the provider of a model says decides. */

import type { RunError } from "../../errors.ts";
import { describeAs } from "./description.ts";
import { runErrorIn } from "./exit-classes.ts";
import { type BackoffState, backoffOfOne, type ExponentialBackoff } from "./exponential-backoff.ts";
import { checkInteger, checkOptions, longestPauseMs } from "./options.ts";
import { pass, perChild, type StateByChild } from "./per-child.ts";
import type { PassingPolicy } from "./restart-policy.ts";

/** The pauses of {@link byRunError}. */
export interface ByRunError {
  /** The pause where a quota is used up and the provider does not say until when, in milliseconds; default 3,600,000 (an hour). */
  readonly quotaPauseMs?: number;
  /** The pauses of an overloaded provider; it may ask for longer ones. */
  readonly backoff?: ExponentialBackoff;
}

/**
 * What the error of a run says of the provider.
 * - "quota": what was paid for is used up; it is back later
 * - "overloaded": there is too much at the moment (a limit of its rate or of concurrent runs, or it is overloaded or unavailable)
 * - "authentication": the key is refused; no restart mends that
 */
export type ProviderTrouble = "quota" | "overloaded" | "authentication";

/**
 * Where an exit carries the error of a run (its reason, or a cause of it): a quota that is used up pauses the child until the provider's time, an
 * overloaded provider makes it back off, by its retry-after where it has one, and a refused key leaves it down. It passes for every other exit.
 * @throws CallerError "invalid_argument" naming the field, the value and the rule
 */
export function byRunError(options: ByRunError = {}): PassingPolicy<StateByChild<BackoffState | undefined>> {
  checkOptions(options, ["quotaPauseMs", "backoff"]);
  const { quotaPauseMs = 3_600_000 } = options;
  checkInteger("options.quotaPauseMs", quotaPauseMs, 1);
  const backoff = backoffOfOne(options.backoff ?? {}, "options.backoff");
  const policy = perChild<BackoffState | undefined>((before, exit, nowMs) => {
    const error = runErrorIn(exit.reason);
    const trouble = error === undefined ? undefined : providerTrouble(error);
    const askedMs = Math.min(Math.max(0, Math.ceil(error?.retryAfterMs || 0)), longestPauseMs);
    switch (trouble) {
      case undefined:
        return { decision: pass, state: before, untilMs: before?.healthyAtMs ?? nowMs };
      case "authentication":
        return {
          decision: { type: "leave", because: "the provider refuses the key" },
          state: undefined,
          untilMs: nowMs,
        };
      case "quota": {
        const delayMs = askedMs || quotaPauseMs;
        const because = `the quota is used up; paused for ${delayMs} ms`;
        return { decision: { type: "restart", delayMs, because }, state: undefined, untilMs: nowMs };
      }
      case "overloaded": {
        const answer = backoff(before, exit, nowMs);
        const ownMs = answer.decision.type === "restart" ? answer.decision.delayMs : 0;
        const delayMs = Math.max(ownMs, askedMs);
        const longerMs = delayMs - ownMs;
        const asked = longerMs > 0 ? ", as it asks" : "";
        return {
          decision: {
            type: "restart",
            delayMs,
            because: `the provider is overloaded; the next start in ${delayMs} ms${asked}`,
          },
          state: { ...answer.state, healthyAtMs: answer.state.healthyAtMs + longerMs },
          untilMs: answer.untilMs + longerMs,
        };
      }
    }
  });
  return describeAs(policy, "byRunError", options);
}

/** What the error of a run says of the provider; undefined: nothing. */
export function providerTrouble({ kind, httpStatus, message }: RunError): ProviderTrouble | undefined {
  switch (kind) {
    case "concurrency_limit":
    case "model_rate_limit":
    case "model_overloaded":
    case "model_unavailable":
      return "overloaded";
    case "model_quota":
      return "quota";
    case "model_authentication":
      return "authentication";
    case "model_http":
      return troubleOf(httpStatus, message);
    default:
      return undefined;
  }
}

/** By the status alone, where pydantic-ai does not know what the provider means. */
function troubleOf(httpStatus: number | undefined, message: string): ProviderTrouble | undefined {
  switch (httpStatus) {
    case 401:
    case 403:
      return "authentication";
    case 402:
      return "quota";
    case 429:
      // Providers answer 429 to both; the words tell them apart.
      return /quota|billing|credit/i.test(message) ? "quota" : "overloaded";
    case 503:
    case 529:
      return "overloaded";
    default:
      return undefined;
  }
}
