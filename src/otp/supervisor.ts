/** The supervisor: it owns its children, and does one thing at a time in the order it arrived. The rules are OTP's; docs/otp.md states them. */

import type { AnyActorRef, InspectionEvent, Observer } from "xstate";
import { createActor } from "xstate";
import { CallerError, ProcessError } from "../errors.ts";
import {
  type Child,
  type ChildHost,
  clearDelay,
  createChild,
  isActive,
  startIncarnation,
  stopIncarnation,
} from "./child.ts";
import type { ChildSpec, NormalChildSpec } from "./child-spec.ts";
import { normalizeChildSpec } from "./child-spec.ts";
import { type Clock, realClock } from "./clock.ts";
import { describeExitReason, type ExitReason, exitReasonOf, isShutdown } from "./exit-reason.ts";
import type { Offender, SupervisorReport } from "./report.ts";
import { SerialQueue } from "./serial-queue.ts";
import { type SupervisorActor, supervisorMachine } from "./supervisor-machine.ts";
import type { NormalSupervisorSpec } from "./supervisor-spec.ts";
import type { TreeNode } from "./tree.ts";
import { actorState, createChildActor, readActorEnd, stopActor } from "./xstate-adapter.ts";

/** What a supervisor is started with beside its specification. */
export interface SupervisorHost {
  /** Default: the machine's own time. */
  readonly clock?: Clock;
  /** Handed to every child in its scope. */
  readonly environment?: unknown;
  /** Must not throw. */
  readonly onReport?: (report: unknown) => void;
  /** For a root: sees every actor of the tree. Must not throw. */
  readonly inspect?: Observer<InspectionEvent> | ((event: InspectionEvent) => void);
  /** For a nested supervisor: the actor to live under, and its path. */
  readonly parent?: { actor: AnyActorRef; path: string };
}

/** An entry of `whichChildren`. */
export interface ChildInfo {
  id: string;
  /** The running child; undefined when it does not run. */
  ref: unknown;
  status: "running" | "stopped" | "restarting";
  type: "worker" | "supervisor";
}

/** What `countChildren` answers. */
export interface ChildCounts {
  specs: number;
  active: number;
  supervisors: number;
  workers: number;
}

/** A running supervisor. Make one with `startSupervisor`. */
export class Supervisor {
  readonly path: string;
  readonly actor: SupervisorActor;
  /** Settles with the exit reason when the supervisor and all its children have ended. Never rejects. */
  readonly ended: Promise<ExitReason>;
  readonly #spec: NormalSupervisorSpec;
  readonly #host: SupervisorHost;
  readonly #clock: Clock;
  readonly #children = new Map<string, Child>();
  readonly #queue = new SerialQueue();
  readonly #lent: ChildHost;
  readonly #endedWith: (reason: ExitReason) => void;
  #policyState: unknown;
  #restarts = 0;
  #ending = false;

  constructor(spec: NormalSupervisorSpec, host: SupervisorHost) {
    this.#spec = spec;
    this.#host = host;
    this.#clock = host.clock ?? realClock;
    this.path = host.parent === undefined ? spec.id : host.parent.path;
    const { promise, resolve } = Promise.withResolvers<ExitReason>();
    this.ended = promise;
    this.#endedWith = resolve;
    const logic = supervisorMachine.provide({
      actions: {
        handleExit: ({ event }) => {
          if (event.type === "child.exited") this.#onExit(event.childId, event.scopeId, event.reason);
        },
        handleStartFailed: ({ event }) => {
          if (event.type === "child.start_failed") this.#onStartFailed(event.childId, event.scopeId, event.reason);
        },
        handleActorEnd: ({ event }) => this.#onActorEnd(event),
        stopChildren: () => this.#queue.add(() => this.#stopAll()),
      },
    });
    const input = { id: spec.id, strategy: spec.strategy };
    this.actor =
      host.parent === undefined
        ? createActor(logic, {
            id: spec.id,
            input,
            ...(host.inspect === undefined ? {} : { inspect: host.inspect }),
          })
        : (createChildActor(logic, host.parent.actor, { id: spec.id, input }) as SupervisorActor);
    this.#lent = {
      actor: this.actor,
      path: this.path,
      clock: this.#clock,
      environment: host.environment,
      report: (report) => host.onReport?.(report),
      control: this,
    };
  }

  /**
   * Starts the children in order. The initial start is all or nothing and is not retried.
   * @throws ProcessError "start_failed" with the child's error as its cause; those that ran are stopped in reverse order
   */
  async start(): Promise<void> {
    this.actor.start();
    await this.#queue
      .call(async () => {
        for (const spec of this.#spec.children) {
          const child = createChild(spec, this.#lent);
          this.#children.set(spec.id, child);
          try {
            const pending = startIncarnation(child, this.#lent);
            if (pending !== undefined) await pending;
          } catch (error) {
            this.#report({ type: "child.start_failed", offender: offender(child), reason: exitReasonOf(error) });
            this.#ending = true;
            this.actor.send({ type: "supervisor.stop", reason: "shutdown" });
            throw new ProcessError("start_failed", `supervisor "${this.path}" could not start child "${spec.id}"`, {
              cause: error,
            });
          }
          this.#report({ type: "child.started", offender: offender(child), restarted: false });
          if (this.#ending) return;
        }
        this.actor.send({ type: "supervisor.started", children: this.#children.size });
      })
      .catch(async (error: unknown) => {
        await this.ended;
        throw error;
      });
  }

  /** Stops the children in reverse start order and ends with `reason`. Settles when all are gone. Idempotent. */
  stop(reason: ExitReason = "shutdown"): Promise<ExitReason> {
    if (!this.#ending) {
      this.#ending = true;
      this.actor.send({ type: "supervisor.stop", reason });
    }
    return this.ended;
  }

  /** Kills the children in reverse start order, without their hooks, and ends with "killed". */
  kill(): void {
    for (const child of [...this.#children.values()].reverse()) {
      clearDelay(child, this.#clock);
      child.running?.kill();
    }
    void this.stop("killed");
  }

  /**
   * Adds a child and starts it; settles when it has started.
   * @throws CallerError "invalid_argument", "already_started", "already_present" or "stopped"; ProcessError "start_failed" (nothing is kept)
   */
  async startChild(spec: ChildSpec): Promise<unknown> {
    const normal = normalizeChildSpec(spec);
    this.#checkRunning();
    return this.#queue.call(async () => {
      this.#checkRunning();
      const present = this.#children.get(normal.id);
      if (present !== undefined) throw this.#presentError(present);
      const child = createChild(normal, this.#lent);
      this.#children.set(normal.id, child);
      try {
        await this.#startNow(child);
      } catch (error) {
        this.#children.delete(normal.id);
        throw error;
      }
      return child.running?.ref;
    });
  }

  /**
   * Stops a child as its `shutdownMs` says and keeps its specification (a temporary child's is dropped). A stopped child is fine.
   * @throws CallerError "not_found" or "stopped"
   */
  async terminateChild(id: string): Promise<void> {
    this.#checkRunning();
    await this.#queue.call(async () => {
      const child = this.#get(id);
      await this.#stopOne(child);
      if (child.spec.restart === "temporary") this.#children.delete(id);
    });
  }

  /**
   * Starts a child that does not run. Does not count as a restart of the policy.
   * @throws CallerError "not_found", "already_started" or "stopped"; ProcessError "start_failed" (the specification is kept)
   */
  async restartChild(id: string): Promise<unknown> {
    this.#checkRunning();
    return this.#queue.call(async () => {
      const child = this.#get(id);
      if (child.status !== "stopped") throw this.#presentError(child);
      await this.#startNow(child);
      return child.running?.ref;
    });
  }

  /**
   * Forgets a child that does not run.
   * @throws CallerError "not_found", "already_started" or "stopped"
   */
  async deleteChild(id: string): Promise<void> {
    this.#checkRunning();
    await this.#queue.call(() => {
      const child = this.#get(id);
      if (child.status !== "stopped") throw this.#presentError(child);
      this.#children.delete(id);
    });
  }

  /** The children, newest first. */
  whichChildren(): ChildInfo[] {
    const children = [...this.#children.values()].reverse();
    return children.map(({ spec, status, running }) => ({
      id: spec.id,
      ref: status === "running" ? running?.ref : undefined,
      status: status === "starting" ? "restarting" : status,
      type: spec.type,
    }));
  }

  /** How many specifications, running children, supervisors and workers there are. */
  countChildren(): ChildCounts {
    const counts: ChildCounts = { specs: 0, active: 0, supervisors: 0, workers: 0 };
    for (const child of this.#children.values()) {
      counts.specs += 1;
      if (isActive(child)) counts.active += 1;
      if (child.spec.type === "supervisor") counts.supervisors += 1;
      else counts.workers += 1;
    }
    return counts;
  }

  /** The ref of a running child, by id or by path, anywhere below; undefined when there is none. The nearest comes first. */
  whereis(name: string): unknown {
    if (name === this.path) return this;
    for (const { spec, path, status, running } of this.#children.values()) {
      if (status === "running" && (spec.id === name || path === name)) return running?.ref;
    }
    for (const { running } of this.#children.values()) {
      const found = running?.ref instanceof Supervisor ? running.ref.whereis(name) : undefined;
      if (found !== undefined) return found;
    }
    return undefined;
  }

  /** The subtree as data. */
  tree(): TreeNode {
    const children = [...this.#children.values()].map((child): TreeNode => {
      const { id, type } = child.spec;
      const state = child.running === undefined ? child.status : actorState(child.running.actor);
      const node: TreeNode = { id, path: child.path, type, state, restarts: child.restarts };
      return Object.assign(node, child.running?.node?.());
    });
    return {
      id: this.#spec.id,
      path: this.path,
      type: "supervisor",
      state: actorState(this.actor),
      restarts: 0,
      children,
    };
  }

  #onActorEnd(event: unknown): void {
    const end = readActorEnd(event);
    const child = end === undefined ? undefined : this.#children.get(end.actorId);
    if (end === undefined || child === undefined) return;
    const plain = "logic" in child.spec.spec;
    if (!plain && !end.failed) return;
    this.#onExit(end.actorId, child.scopeId, end.failed ? exitReasonOf(end.error) : "normal");
  }

  #onExit(childId: string, scopeId: number, reason: ExitReason): void {
    const child = this.#children.get(childId);
    if (child === undefined || child.scopeId !== scopeId || child.pendingExit !== undefined) return;
    if (child.onEnd !== undefined) {
      child.onEnd(reason);
      return;
    }
    if (child.status === "stopped") return;
    child.pendingExit = reason;
    this.#queue.add(() => this.#handleExit(child));
  }

  #onStartFailed(childId: string, scopeId: number, reason: ExitReason): void {
    const child = this.#children.get(childId);
    if (child === undefined || child.scopeId !== scopeId || child.onEnd !== undefined) return;
    child.pendingExit = reason;
    this.#queue.add(() => {
      if (child.pendingExit === undefined || child.status !== "running") return;
      this.#report({ type: "child.start_failed", offender: offender(child), reason });
      return this.#leave(child);
    });
  }

  #handleExit(child: Child): void | Promise<void> {
    const reason = child.pendingExit;
    if (reason === undefined || child.status !== "running") return;
    child.pendingExit = undefined;
    if (child.running?.resident === undefined) child.running = undefined;
    if (this.#ending) {
      child.status = "stopped";
      return;
    }
    return this.#decide(child, reason);
  }

  /** Asks the policy what to do about an end or a failed restart, tells it, and does it. */
  #decide(child: Child, reason: ExitReason): void | Promise<void> {
    const exit = {
      childId: child.spec.id,
      restart: child.spec.restart,
      reason,
      incarnation: child.incarnation,
    };
    const { decision, state } = this.#spec.policy(this.#policyState, exit, this.#clock.now());
    this.#policyState = state;
    child.running?.resident?.decided(decision);
    if (decision.type === "restart") {
      this.#restarts += 1;
      child.restarts += 1;
      child.status = "restarting";
    } else {
      child.status = "stopped";
    }
    this.#report({ type: "child.exited", offender: offender(child), reason, decision });
    this.actor.send({
      type: "child.decided",
      lastExit: {
        childId: child.spec.id,
        reason: describeExitReason(reason),
        decision: decision.type,
        because: decision.because,
      },
      children: this.#children.size,
      restarts: this.#restarts,
    });
    switch (decision.type) {
      case "leave":
        return this.#leave(child);
      case "give_up":
        this.#report({ type: "supervisor.gave_up", offender: offender(child), reason, because: decision.because });
        this.#ending = true;
        this.actor.send({ type: "supervisor.stop", reason: "shutdown" });
        return;
      case "restart":
        return this.#restartAfter(child, decision.delayMs);
    }
  }

  #leave(child: Child): void | Promise<void> {
    const forget = () => {
      if (child.spec.restart === "temporary") this.#children.delete(child.spec.id);
    };
    if (child.running?.resident === undefined) return forget();
    child.status = "restarting";
    const stopped = stopIncarnation(child, this.#clock);
    if (stopped instanceof Promise) return stopped.then(forget);
    return forget();
  }

  #restartAfter(child: Child, delayMs: number): void | Promise<void> {
    const alone = this.#spec.strategy === "one_for_one";
    if (alone && child.running?.resident !== undefined) {
      return this.#restartResident(child, delayMs);
    }
    if (delayMs <= 0) return this.#restartGroup(child);
    child.timer = this.#clock.setTimeout(() => {
      child.timer = undefined;
      this.#retry(child);
    }, delayMs);
  }

  /** Puts a restart at the end of the queue; it is dropped if the child is no longer to be restarted then. */
  #retry(child: Child): void {
    this.#queue.add(() => {
      if (child.status !== "restarting" || this.#ending) return;
      return this.#restartGroup(child);
    });
  }

  #restartGroup(child: Child): void | Promise<void> {
    if (this.#spec.strategy === "one_for_one") return this.#startAgain(child) as void | Promise<void>;
    return this.#restartSiblings(child);
  }

  /** rest_for_one and one_for_all: stops the affected siblings in reverse order, then starts every kept specification in order. */
  async #restartSiblings(child: Child): Promise<void> {
    const all = [...this.#children.values()];
    const affected = this.#spec.strategy === "one_for_all" ? all : all.slice(all.indexOf(child));
    for (const sibling of affected.toReversed()) {
      if (sibling === child && child.status === "restarting") continue;
      await this.#stopOne(sibling, "halt");
      if (sibling.spec.restart === "temporary" && sibling !== child) this.#children.delete(sibling.spec.id);
    }
    for (const sibling of affected) {
      if (!this.#children.has(sibling.spec.id)) continue;
      const failed = await this.#startAgain(sibling);
      if (failed === "failed") return;
    }
  }

  #startAgain(child: Child): void | Promise<StartOutcome> {
    if (child.running?.resident !== undefined) return this.#restartResident(child, 0);
    const started = (): undefined => {
      this.#report({ type: "child.started", offender: offender(child), restarted: true });
    };
    const failed = (error: unknown): Promise<"failed"> => this.#restartFailed(child, error);
    try {
      const pending = startIncarnation(child, this.#lent);
      if (pending !== undefined) return pending.then(started, failed);
    } catch (error) {
      return failed(error);
    }
    started();
  }

  #restartResident(child: Child, delayMs: number): void {
    child.incarnation += 1;
    child.status = "running";
    child.running?.resident?.restart(delayMs);
    this.#report({ type: "child.started", offender: offender(child), restarted: true });
  }

  /** A failed restart is one more restart: the policy decides it as such, and a retry goes to the end of the queue. */
  async #restartFailed(child: Child, error: unknown): Promise<"failed"> {
    const reason = exitReasonOf(error);
    child.status = "restarting";
    this.#report({ type: "child.start_failed", offender: offender(child), reason });
    this.#queue.add(() => {
      if (child.status !== "restarting" || this.#ending) return;
      return this.#decide(child, reason);
    });
    return "failed";
  }

  async #startNow(child: Child): Promise<void> {
    try {
      await startIncarnation(child, this.#lent);
    } catch (error) {
      this.#report({ type: "child.start_failed", offender: offender(child), reason: exitReasonOf(error) });
      throw new ProcessError("start_failed", `supervisor "${this.path}" could not start child "${child.spec.id}"`, {
        cause: error,
      });
    }
    this.#report({ type: "child.started", offender: offender(child), restarted: false });
  }

  #stopOne(child: Child, how: "stop" | "halt" = "stop"): void | Promise<void> {
    const stopped = stopIncarnation(child, this.#clock, how);
    if (stopped instanceof Promise) return stopped.then((reason) => this.#checkStopped(child, reason));
    this.#checkStopped(child, stopped);
  }

  #checkStopped(child: Child, reason: ExitReason): void {
    const { shutdownMs } = child.spec;
    const asAsked = shutdownMs === "brutal_kill" ? reason === "killed" : isShutdown(reason) || reason === "normal";
    if (asAsked) return;
    this.#report({ type: "child.shutdown_error", offender: offender(child), reason });
  }

  async #stopAll(): Promise<void> {
    for (const child of [...this.#children.values()].reverse()) {
      const stopping = this.#stopOne(child);
      if (stopping !== undefined) await stopping;
    }
    this.#finish();
  }

  #finish(): void {
    const reason = this.actor.getSnapshot().context.reason ?? "normal";
    this.actor.send({ type: "supervisor.stopped" });
    this.#report({ type: "supervisor.stopped", reason });
    stopActor(this.actor);
    this.#endedWith(reason);
  }

  #get(id: string): Child {
    const child = this.#children.get(id);
    if (child !== undefined) return child;
    throw new CallerError("not_found", `supervisor "${this.path}" has no child "${id}"`, { field: "id", value: id });
  }

  #presentError(child: Child): CallerError {
    const id = child.spec.id;
    if (child.status === "running") {
      return new CallerError("already_started", `child "${id}" of supervisor "${this.path}" is running`, { value: id });
    }
    const what = child.status === "stopped" ? "is kept but does not run: restart or delete it" : "is restarting";
    return new CallerError("already_present", `child "${id}" of supervisor "${this.path}" ${what}`, { value: id });
  }

  #checkRunning(): void {
    if (this.#ending) throw new CallerError("stopped", `supervisor "${this.path}" has been stopped`);
  }

  #report(report: DistributiveOmit<SupervisorReport, "supervisor" | "atMs">): void {
    this.#host.onReport?.({ ...report, supervisor: this.path, atMs: this.#clock.now() });
  }
}

/** Whether a start in a group failed, so that those after it wait. */
type StartOutcome = "failed" | undefined;

type DistributiveOmit<T, K extends PropertyKey> = T extends unknown ? Omit<T, K> : never;

function offender(child: Child): Offender {
  const { id, restart, shutdownMs }: NormalChildSpec = child.spec;
  return { childId: id, path: child.path, restart, shutdownMs, incarnation: child.incarnation };
}
