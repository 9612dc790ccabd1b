/** Who is restarted, when, and when a supervisor gives up: pure functions of state, exit and time. */

import { checkKnownFields, invalidArgument } from "../../errors.ts";
import { describeExitReason, type ExitReason, isCleanExit } from "../report/exit-reason.ts";
import type { RestartDecision, RestartType } from "../report/supervisor-report.ts";

/** What a policy is told of an exit. */
export interface ChildExit {
  childId: string;
  restart: RestartType;
  reason: ExitReason;
  /** How often this child has been started before, including the incarnation that ended. */
  incarnation: number;
  /** How many starts in a row have failed, this one included, where the next one may succeed. 0, or absent: this end is no failed start. */
  failedStarts?: number;
  /** False: what has caused this end is known and dealt with, so that it says nothing of the child. Default true. */
  charged?: boolean;
}

/**
 * A supervisor's policy. It must be pure: the same code runs live and under a virtual clock. `state` is undefined at first and then
 * what the last call returned; `nowMs` never runs backwards.
 */
export type RestartPolicy<State = unknown> = (
  state: State | undefined,
  exit: ChildExit,
  nowMs: number,
) => { decision: RestartDecision; state: State };

/** The answer of a policy that has none: the next policy is asked. */
export interface Pass {
  type: "pass";
}

/**
 * A policy that may pass: of a list the next one is asked, after a child's own its supervisor's, and after that the restart intensity. Pure, as every
 * policy; one that always answers is one of these too.
 */
export type PassingPolicy<State = unknown> = (
  state: State | undefined,
  exit: ChildExit,
  nowMs: number,
) => { decision: RestartDecision | Pass; state: State };

/** A policy whatever its state is, that may pass: what a supervisor takes. */
export type AnyRestartPolicy = (
  state: never,
  exit: ChildExit,
  nowMs: number,
) => { decision: RestartDecision | Pass; state: unknown };

/** What a policy must be, as errors say it. */
export const policyRule = "a function (state, exit, nowMs) => { decision, state }";

/** Whether a child of this restart type comes back after this exit. */
export function wantsRestart(restart: RestartType, reason: ExitReason): boolean {
  if (restart === "permanent") return true;
  return restart === "transient" && !isCleanExit(reason);
}

/** The window of a supervisor's restarts. */
export interface RestartIntensity {
  /** Restarts allowed within any `periodMs`; one more and the supervisor gives up. */
  maxRestarts: number;
  /** Length of the window in milliseconds. A restart exactly `periodMs` ago still counts. */
  periodMs: number;
}

/** The restarts in the window: `stamps` from `first` up to `end`, oldest first. Later states share the list and never change a part that is seen. */
interface Window {
  readonly stamps: number[];
  readonly first: number;
  readonly end: number;
}

const known: ReadonlySet<string> = new Set(["maxRestarts", "periodMs"] satisfies (keyof RestartIntensity)[]);

/** The pause after the first failed start, and the longest one, in milliseconds. Each is twice the one before. */
const startPause = { firstMs: 100, longestMs: 30_000 } as const;

/**
 * OTP's policy: restart by restart type, at once, and give up at the restart that would be number `maxRestarts + 1` in the window.
 *
 * An exit with `failedStarts` is a start that failed where the next one may succeed. It is tried again after a pause that grows
 * with each failure in a row, and takes no place in the window: a service that is down when a child begins brings no sibling down.
 * Neither does an exit that is not charged.
 * @throws CallerError "invalid_argument" naming the field, the value and the rule
 */
export function restartIntensity(options: RestartIntensity): RestartPolicy {
  checkRestartIntensity("options", options);
  checkKnownFields("options", options, known);
  const { maxRestarts, periodMs } = options;
  const allowed = `of ${maxRestarts} allowed within ${periodMs} ms`;
  return (state, exit, nowMs) => {
    const window = (state as Window | undefined) ?? { stamps: [], first: 0, end: 0 };
    if (!wantsRestart(exit.restart, exit.reason)) {
      const because = `a ${exit.restart} child is not restarted after ${describeExitReason(exit.reason)}`;
      return { decision: { type: "leave", because }, state: window };
    }
    const { failedStarts = 0 } = exit;
    if (failedStarts > 0) {
      const delayMs = Math.min(startPause.firstMs * 2 ** (failedStarts - 1), startPause.longestMs);
      const starts = failedStarts === 1 ? "1 start has failed" : `${failedStarts} starts in a row have failed`;
      return {
        decision: { type: "restart", delayMs, because: `${starts}; the next one in ${delayMs} ms` },
        state: window,
      };
    }
    if (exit.charged === false) {
      const because = "not counted: what has ended it is known and dealt with";
      return { decision: { type: "restart", delayMs: 0, because }, state: window };
    }
    const kept = dropBefore(window, nowMs - periodMs);
    const count = kept.end - kept.first;
    if (count >= maxRestarts) {
      const because = `restart ${count + 1} within ${periodMs} ms exceeds maxRestarts ${maxRestarts}`;
      return { decision: { type: "give_up", because }, state: kept };
    }
    const because = `restart ${count + 1} ${allowed}`;
    return { decision: { type: "restart", delayMs: 0, because }, state: append(kept, nowMs) };
  };
}

/**
 * Checks the window of restarts; a comparison with what is no number would allow every one of them.
 * @throws CallerError "invalid_argument"
 */
export function checkRestartIntensity(field: string, options: RestartIntensity): void {
  if (typeof options !== "object" || options === null) throw invalidArgument(field, options, "an object");
  const { maxRestarts, periodMs } = options;
  if (!Number.isInteger(maxRestarts) || maxRestarts < 0) {
    throw invalidArgument(`${field}.maxRestarts`, maxRestarts, "an integer of 0 or more");
  }
  if (!Number.isInteger(periodMs) || periodMs < 1) {
    throw invalidArgument(`${field}.periodMs`, periodMs, "an integer of 1 or more milliseconds");
  }
}

/** Appending to the newest state extends the shared list; to an older one it copies. */
function append({ stamps, first, end }: Window, stamp: number): Window {
  const own = stamps.length === end && first <= end / 2 + 16 ? stamps : stamps.slice(first, end);
  const start = own === stamps ? first : 0;
  own.push(stamp);
  return { stamps: own, first: start, end: own.length };
}

function dropBefore(window: Window, edgeMs: number): Window {
  let { first } = window;
  while (first < window.end && (window.stamps[first] as number) < edgeMs) first += 1;
  return first === window.first ? window : { ...window, first };
}
