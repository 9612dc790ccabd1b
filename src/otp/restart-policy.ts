/** Who is restarted, when, and when a supervisor gives up: pure functions of state, exit and time. */

import { describeExitReason, type ExitReason, isCleanExit } from "./exit-reason.ts";

/** "permanent": always restarted. "transient": only after an abnormal exit. "temporary": never. Source: OTP's child specification. */
export type RestartType = "permanent" | "transient" | "temporary";

/** What a policy is told of an exit. */
export interface ChildExit {
  childId: string;
  restart: RestartType;
  reason: ExitReason;
  /** How often this child has been started before, including the incarnation that ended. */
  incarnation: number;
}

/** What is to be done: `because` is the sentence that reports and logs show. */
export type RestartDecision =
  /** Start the child (and by strategy its siblings) again, `delayMs` from now. */
  | { type: "restart"; delayMs: number; because: string }
  /** Leave the child down. */
  | { type: "leave"; because: string }
  /** Stop all children and end: the parent decides. */
  | { type: "give_up"; because: string };

/**
 * A supervisor's policy. It must be pure: the same code runs live and under a virtual clock. `state` is undefined at first and then
 * what the last call returned; `nowMs` never runs backwards.
 */
export type RestartPolicy<State = unknown> = (
  state: State | undefined,
  exit: ChildExit,
  nowMs: number,
) => { decision: RestartDecision; state: State };

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

/**
 * OTP's policy: restart by restart type, at once, and give up at the restart that would be number `maxRestarts + 1` in the window.
 * The state is the time stamps of the restarts in the window, oldest first.
 */
export function restartIntensity({ maxRestarts, periodMs }: RestartIntensity): RestartPolicy<readonly number[]> {
  return (state = [], exit, nowMs) => {
    if (!wantsRestart(exit.restart, exit.reason)) {
      const because = `a ${exit.restart} child is not restarted after ${describeExitReason(exit.reason)}`;
      return { decision: { type: "leave", because }, state };
    }
    const kept =
      state.length > 0 && (state[0] as number) < nowMs - periodMs ? dropBefore(state, nowMs - periodMs) : state;
    if (kept.length >= maxRestarts) {
      const because = `restart ${kept.length + 1} within ${periodMs} ms exceeds maxRestarts ${maxRestarts}`;
      return { decision: { type: "give_up", because }, state: kept };
    }
    const because = `restart ${kept.length + 1} of ${maxRestarts} allowed within ${periodMs} ms`;
    return { decision: { type: "restart", delayMs: 0, because }, state: [...kept, nowMs] };
  };
}

function dropBefore(stamps: readonly number[], edgeMs: number): readonly number[] {
  const first = stamps.findIndex((stamp) => stamp >= edgeMs);
  return first === -1 ? [] : stamps.slice(first);
}
