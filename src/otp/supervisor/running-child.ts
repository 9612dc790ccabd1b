/** The contract of a running child: what its start is given, what it may answer, and what its supervisor asks of it. */

import type { AnyActorRef } from "xstate";
import type { PassingPolicy, RestartPolicy } from "../policy/restart-policy.ts";
import type { Process } from "../process/process.ts";
import type { HasProcess } from "../process/target.ts";
import type { ExitReason } from "../report/exit-reason.ts";
import type { RestartDecision } from "../report/supervisor-report.ts";
import type { TreeNode } from "../report/tree.ts";
import type { Clock } from "../scheduler/clock.ts";
import type { RunSeat } from "./run-seat.ts";

/** What a start function answers. */
export type StartedChild = StartedRef | StartedWithInfo | undefined;

/** Something that runs: a process, what has one, or a running child of another kind. */
export type StartedRef = RunningChild | Process | HasProcess;

/**
 * A ref with something for the one who has asked for the start, and nobody else: `startChild` and `restartChild` settle with both, and a restart
 * drops the info. Source: OTP's `{ok, Pid, Info}`.
 */
export interface StartedWithInfo<Ref = StartedRef, Info = unknown> {
  readonly ref: Ref;
  readonly info: Info;
}

/** What a child is given by its supervisor. */
export interface ChildScope {
  /** The supervisor's own actor: the parent to create the child's actor under. */
  readonly supervisor: AnyActorRef;
  /** The supervisor's own process: the parent of the child's. */
  readonly process: Process;
  readonly childId: string;
  /** Where the child stands in the tree: "system/sub/child". */
  readonly path: string;
  readonly clock: Clock;
  /** What the host of the tree provides to all children (services of the system); undefined in a bare tree. */
  readonly environment: unknown;
  /** A start function that takes time tells of the process it has made: should the supervisor be killed meanwhile, that process is too. */
  began(process: Process): void;
  /** Passes a report upwards to whoever watches the tree. */
  readonly report: (report: unknown) => void;
  /**
   * The child tells that it has ended. A resident child may end, be restarted, and end again.
   * @param charged whether the end counts for the policy; false where its cause is known and dealt with; default true
   * @param failedStarts how many starts in a row have failed, this one included, where the next one may succeed; default 0: no failed start
   */
  exited(reason: ExitReason, failedStarts?: number, charged?: boolean): void;
  /**
   * A resident child tells that its first start failed in a way that trying again does not mend. As any initial start it is not retried:
   * the child is stopped and its specification kept.
   */
  startFailed(reason: ExitReason): void;
  /** The administration of the child, for a handle that offers it. */
  readonly control: ChildControl;
  /** What its supervisor asks about ends, for a child that is a supervisor of the same rules. */
  readonly rules: SupervisorRules;
  /** Who is asked before a run of the child is handed to a worker: its own policy, its supervisor's, and those above, in this order. */
  runSeats(): readonly RunSeat[];
}

/** What a supervisor asks about the end of a child, beside that child's own policy. */
export interface SupervisorRules {
  /** Its policy as it is now; undefined: the intensity alone. */
  readonly policy: PassingPolicy | undefined;
  /** What answers where policies pass. */
  readonly intensity: RestartPolicy;
}

/** What a child's handle may ask of its supervisor; see `Supervisor`. */
export interface ChildControl {
  terminateChild(id: string): Promise<void>;
  restartChild(id: string): Promise<unknown>;
}

/**
 * A running child as its supervisor sees it. It tells its end through {@link ChildScope.exited}; after `stop` or `kill` it always does.
 * A resident child outlives its own crashes: after it told its end it waits for `restart` (or `stop`, after which it tells its end once more).
 */
export interface RunningChild {
  /** What callers use to reach the child. */
  readonly ref: unknown;
  /** The actor that represents the child in the tree. */
  readonly actor: AnyActorRef;
  /** Asks the child to end. */
  stop(reason: ExitReason): void;
  /** Ends the child now: no hooks, late results ignored. */
  kill(): void;
  readonly resident?: ResidentChild;
  /** The supervisor that it is, where its ref is another thing. */
  supervisor?(): unknown;
  /** What the child adds to its node of the tree: its state, pid, incarnation, children. */
  node?(): Partial<TreeNode>;
}

/** What only a child with a stable identity can do (decision D1: an agent outlives its worker). */
export interface ResidentChild {
  /** Ends what runs inside but keeps the child; it tells its end and waits for `restart`. */
  halt(reason: ExitReason): void;
  /** Begins the next incarnation, `delayMs` from now. */
  restart(delayMs: number): void;
  /** Told what the policy decided about its end, before anything is done. */
  decided(decision: RestartDecision): void;
}
