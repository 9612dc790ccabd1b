/** One child of a supervisor: the record of its specification and of its running incarnation. */

import type { AnyActorRef } from "xstate";
import type { Process } from "../process/process.ts";
import { processIn } from "../process/target.ts";
import type { BoxedReason, ExitReason } from "../report/exit-reason.ts";
import type { Clock } from "../scheduler/clock.ts";
import type { NormalChildSpec } from "./child-spec.ts";
import type { RunSeat } from "./run-seat.ts";
import type { ChildControl, RunningChild, SupervisorRules } from "./running-child.ts";

/**
 * - "stopped": kept, not running
 * - "starting": its start function is under way
 * - "running": it runs, or is resident and begins again by itself
 * - "restarting": it is to be started again, by a retry in the queue or after a delay
 */
export type ChildStatus = "stopped" | "starting" | "running" | "restarting";

/** The record a supervisor keeps of one child. */
export interface Child {
  spec: NormalChildSpec;
  readonly path: string;
  status: ChildStatus;
  running: RunningChild | undefined;
  /** How often it has been started; resident children count their restarts too. */
  incarnation: number;
  restarts: number;
  /** Tells one incarnation from the next: an exit with another number is stale. */
  scopeId: number;
  /** An exit that has arrived and is not handled yet. */
  pendingExit: PendingExit | undefined;
  /** Set while somebody waits for this child's end: that end is not a crash. */
  onEnd: ((reason: ExitReason) => void) | undefined;
  /** A restart that waits for its delay. */
  timer: unknown;
  /** The ref of the last incarnation that ran. */
  lastRef: unknown;
}

/** An end that is still to be decided about. */
export interface PendingExit extends BoxedReason {
  readonly failedStarts: number;
  /** Absent: it is. */
  readonly charged?: boolean;
}

/** What a supervisor lends to its children. */
export interface ChildHost {
  readonly process: Process;
  readonly actor: AnyActorRef;
  readonly path: string;
  readonly clock: Clock;
  readonly environment: unknown;
  readonly control: ChildControl;
  readonly rules: SupervisorRules;
  /** Who is asked before a run of a child is handed to a worker. */
  runSeatsOf(child: Child): readonly RunSeat[];
  /** Whether a temporary child's start can be forgotten once it runs: never with a policy of the user's, which may restart it. */
  readonly forgetsTemporary: boolean;
  readonly report: (report: unknown) => void;
  /** Starts that are under way; each is given up by its call, when the supervisor is killed. */
  readonly pendingStarts: Set<() => void>;
  /** Kills the process with the supervisor while it begins, and lets the supervisor's actor outlive it. */
  began(process: Process): void;
  childExited(child: Child, scopeId: number, reason: ExitReason, failedStarts?: number, charged?: boolean): void;
  childStartFailed(child: Child, scopeId: number, reason: ExitReason): void;
}

/** A new record; nothing runs. */
export function createChild(spec: NormalChildSpec, path: string): Child {
  return {
    spec,
    path,
    status: "stopped",
    running: undefined,
    incarnation: 0,
    restarts: 0,
    scopeId: 0,
    pendingExit: undefined,
    onEnd: undefined,
    timer: undefined,
    lastRef: undefined,
  };
}

/** Whether the child's process runs now: a resident child that has told its end and waits does not. */
export function isActive(child: Child): boolean {
  if (child.status !== "running" || child.pendingExit !== undefined) return false;
  return processIn(child.running?.ref)?.alive !== false;
}

/** What a child is below itself: its supervisor where it has one to tell of, else its ref. */
export function refBelow({ running }: Child): unknown {
  return running?.supervisor?.() ?? running?.ref;
}

/** Drops a restart that waits for its delay. */
export function clearDelay(child: Child, clock: Clock): void {
  if (child.timer !== undefined) clock.clearTimeout(child.timer);
  child.timer = undefined;
}
