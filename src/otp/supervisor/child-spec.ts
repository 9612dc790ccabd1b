/** How a supervisor starts, restarts and stops one child: OTP's child specification, and the contract of a running child. */

import type { AnyActorLogic, AnyActorRef } from "xstate";
import { invalidArgument } from "../../errors.ts";
import type { MailboxLimit } from "../process/mailbox-limit.ts";
import type { Process } from "../process/process.ts";
import type { HasProcess, Via } from "../process/target.ts";
import type { ExitReason } from "../report/exit-reason.ts";
import type { RestartDecision, RestartType, Shutdown } from "../report/supervisor-report.ts";
import type { TreeNode } from "../report/tree.ts";
import { type Clock, longestTimerMs } from "../scheduler/clock.ts";

/** What every child specification says. */
export interface ChildSpecBase {
  /** Unique among the children of one supervisor. */
  readonly id: string;
  /** Default "permanent". */
  readonly restart?: RestartType;
  /** Default 5,000 ms for a worker and "infinity" for a supervisor. */
  readonly shutdownMs?: Shutdown;
  /** Default "worker". */
  readonly type?: "worker" | "supervisor";
  /** Whether its own end counts for the supervisor's `autoShutdown`; not for a permanent child. Default false. */
  readonly significant?: boolean;
}

/** A child made of any XState logic (machine, fromPromise, fromCallback, fromTransition, fromObservable); it needs to know nothing of supervision. */
export interface LogicChildSpec extends ChildSpecBase {
  readonly logic: AnyActorLogic;
  readonly input?: unknown;
  /** A name for the process, taken again by every incarnation. */
  readonly name?: string | Via;
  /** Bounds its mailbox; default: no bound. */
  readonly mailbox?: MailboxLimit;
  /** Whether exit signals, the supervisor's "shutdown" among them, become messages. Default: as the logic says, else false. */
  readonly trapExit?: boolean;
}

/** A child with its own start function. */
export interface StartChildSpec extends ChildSpecBase {
  /**
   * Starts one incarnation: a process, something that has one, or a running child of another kind. A throw or rejection is a failed start.
   * Undefined: it chose not to start, and that is no error.
   */
  readonly start: (scope: ChildScope) => StartedChild | Promise<StartedChild>;
}

/** What a start function answers. */
export type StartedChild = RunningChild | Process | HasProcess | undefined;

/** A child specification. It is inert: nothing begins before a supervisor starts it. */
export type ChildSpec = LogicChildSpec | StartChildSpec;

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
  /** The child tells that it has ended. A resident child may end, be restarted, and end again. */
  exited(reason: ExitReason): void;
  /**
   * A resident child tells that its first start failed in a way that trying again does not mend. As any initial start it is not retried:
   * the child is stopped and its specification kept.
   */
  startFailed(reason: ExitReason): void;
  /** The administration of the child, for a handle that offers it. */
  readonly control: ChildControl;
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

/** A child specification with every default filled in. */
export interface NormalChildSpec {
  readonly id: string;
  readonly restart: RestartType;
  readonly shutdownMs: Shutdown;
  readonly type: "worker" | "supervisor";
  readonly significant: boolean;
  /** What it was made of. Undefined for a temporary child that runs: it is never started again, so that its input is not kept. */
  readonly spec: ChildSpec | undefined;
}

const restartTypes = ["permanent", "transient", "temporary"];

/**
 * Checks a child specification and fills in its defaults.
 * @throws CallerError "invalid_argument" naming the field, the value and the rule
 */
export function normalizeChildSpec(spec: ChildSpec, field = "spec"): NormalChildSpec {
  if (typeof spec !== "object" || spec === null) throw invalidArgument(field, spec, "a child spec");
  if (typeof spec.id !== "string" || spec.id === "")
    throw invalidArgument(`${field}.id`, spec.id, "a non-empty string");
  const startable = "start" in spec ? typeof spec.start === "function" : "logic" in spec && isLogic(spec.logic);
  if (!startable) {
    const given = "start" in spec ? spec.start : "logic" in spec ? spec.logic : undefined;
    throw invalidArgument(`${field}.start`, given, `a start function or XState logic (child "${spec.id}")`);
  }
  const { id, restart = "permanent", type = "worker", significant = false } = spec;
  if (!restartTypes.includes(restart)) {
    throw invalidArgument(`${field}.restart`, restart, `"permanent", "transient" or "temporary" (child "${id}")`);
  }
  if (type !== "worker" && type !== "supervisor") {
    throw invalidArgument(`${field}.type`, type, `"worker" or "supervisor" (child "${id}")`);
  }
  const shutdownMs = spec.shutdownMs ?? (type === "supervisor" ? "infinity" : 5_000);
  checkShutdown(`${field}.shutdownMs`, shutdownMs, id);
  if (typeof significant !== "boolean") {
    throw invalidArgument(`${field}.significant`, significant, `true or false (child "${id}")`);
  }
  return { id, restart, type, shutdownMs, significant, spec };
}

function checkShutdown(field: string, value: Shutdown, id: string): void {
  if (value === "infinity" || value === "brutal_kill") return;
  if (!Number.isInteger(value) || value < 0 || value > longestTimerMs) {
    throw invalidArgument(field, value, `0 to 2,147,483,647 ms, "infinity" or "brutal_kill" (child "${id}")`);
  }
}

function isLogic(value: unknown): boolean {
  return typeof value === "object" && value !== null && "transition" in value && "getInitialSnapshot" in value;
}

/**
 * Checks a list of child specifications: each one, and that no id stands twice.
 * @throws CallerError "invalid_argument"
 */
export function normalizeChildSpecs(specs: readonly ChildSpec[], field = "children"): NormalChildSpec[] {
  if (!Array.isArray(specs)) throw invalidArgument(field, specs, "a list of child specs");
  const seen = new Set<string>();
  return specs.map((spec, index) => {
    const normal = normalizeChildSpec(spec, `${field}[${index}]`);
    if (seen.has(normal.id)) throw invalidArgument(`${field}[${index}].id`, normal.id, "unique among its siblings");
    seen.add(normal.id);
    return normal;
  });
}
