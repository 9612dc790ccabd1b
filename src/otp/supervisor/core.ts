/**
 * What all supervisors share: a process that traps exits, a machine that shows what it does, one queue, a policy, and the care for one child.
 * The rules are OTP's; docs/otp.md states them.
 */

import type { AnyActorRef } from "xstate";
import { CallerError, ProcessError } from "../../errors.ts";
import type { Behaviour } from "../process/behaviour.ts";
import { currentProcess } from "../process/current.ts";
import { reportDeadLetter } from "../process/dead-letter.ts";
import { monitorExit } from "../process/exited.ts";
import { linkProcesses, unlinkProcesses } from "../process/link.ts";
import { LocalProcess } from "../process/local-process.ts";
import type { ExitMessage, Process, Runtime } from "../process/process.ts";
import { defaultRuntime, LocalRuntime, type RuntimeOptions } from "../process/runtime.ts";
import { bindActor, hasProcess, type Via } from "../process/target.ts";
import { describeExitReason, type ExitReason, exitReasonOf, isCleanExit } from "../report/exit-reason.ts";
import type { Offender, RestartDecision, SupervisorReport } from "../report/supervisor-report.ts";
import type { TreeNode } from "../report/tree.ts";
import { PendingCall } from "../request/call.ts";
import { type Clock, longestTimerMs, realClock } from "../scheduler/clock.ts";
import { actorState, createChildActor, stopActor } from "../scheduler/xstate-adapter.ts";
import { checkName, registerAs } from "../start/start.ts";
import {
  type Child,
  type ChildHost,
  clearDelay,
  isActive,
  orphan,
  type Started,
  startIncarnation,
  stopIncarnation,
  whenAlone,
} from "./child.ts";
import { type SupervisorActor, supervisorLogic } from "./machine.ts";
import type { ChildExit } from "./restart-policy.ts";
import { SerialQueue } from "./serial-queue.ts";
import type { NormalSupervisorSpec } from "./spec.ts";

/** What a supervisor is started with beside its specification. */
export interface SupervisorHost {
  /** Default: the runtime of the process that starts it; outside any, the default one, or a new one with `clock`, `onReport` and `inspect`. */
  readonly runtime?: Runtime;
  /** Default: the machine's own time. */
  readonly clock?: Clock;
  /** Handed to every child in its scope. */
  readonly environment?: unknown;
  /** Takes reports of supervisors and processes. Must not throw. */
  readonly onReport?: (report: unknown) => void;
  /** Sees every actor of a new runtime. Must not throw. */
  readonly inspect?: NonNullable<RuntimeOptions["inspect"]>;
  /** For a nested supervisor: the actor to live under, and its path. */
  readonly parent?: { readonly actor: AnyActorRef; readonly process: Process; readonly path: string };
  readonly name?: string | Via;
}

/** What `countChildren` answers. */
export interface ChildCounts {
  /** Specifications kept. */
  specs: number;
  /** Children that run now. */
  active: number;
  supervisors: number;
  workers: number;
}

/** The part of a supervisor that does not depend on how its children are kept. */
export abstract class SupervisorCore implements Behaviour {
  readonly path: string;
  readonly process: Process;
  readonly actor: SupervisorActor;
  readonly followsParent = true;
  protected readonly spec: NormalSupervisorSpec;
  protected readonly clock: Clock;
  protected readonly queue = new SerialQueue();
  protected readonly lent: ChildHost;
  readonly #host: SupervisorHost;
  #policyState: unknown;
  #restarts = 0;
  #ending = false;
  #closed = false;
  readonly #onAlone: (() => void)[] = [];
  /** Processes that a start function has told of. */
  readonly #begun = new Set<Process>();

  constructor(spec: NormalSupervisorSpec, host: SupervisorHost) {
    this.spec = spec;
    this.#host = host;
    const runtime = host.runtime ?? host.parent?.process.runtime ?? currentProcess()?.runtime ?? newRuntime(host);
    this.clock = runtime.clock;
    this.path = host.parent === undefined ? spec.id : host.parent.path;
    this.process = new LocalProcess(runtime, host.parent?.process ?? currentProcess(), "supervisor");
    this.process.trapExit = true;
    this.process.behaviour = this;
    const input = { id: spec.id, strategy: spec.strategy };
    const parent = host.parent?.actor ?? runtime.root;
    this.actor = createChildActor(supervisorLogic, parent, { id: spec.id, input }) as SupervisorActor;
    bindActor(this.actor, this.process);
    this.lent = {
      process: this.process,
      actor: this.actor,
      path: this.path,
      clock: this.clock,
      environment: host.environment,
      control: this.control(),
      forgetsTemporary: !spec.ownPolicy,
      report: (report) => this.#tell(report),
      pendingStarts: new Set(),
      began: (process) => this.#began(process),
      childExited: (child, scopeId, reason) => this.#onExit(child, scopeId, reason),
      childStartFailed: (child, scopeId, reason) => this.#onStartFailed(child, scopeId, reason),
    };
  }

  /** Settles with the exit reason when the supervisor and all its children have ended. Never rejects. */
  get ended(): Promise<ExitReason> {
    return monitorExit(this.process).then(
      (reason) => new Promise<ExitReason>((resolve) => this.whenAlone(() => resolve(reason))),
    );
  }

  /** Whether it takes no more requests. */
  protected get ending(): boolean {
    return this.#ending;
  }

  /** Starts the first children. Settles when they run. `linked` is told of its end from the beginning, but not of a start that fails. */
  async start(linked?: Process): Promise<void> {
    this.#takeName();
    if (linked !== undefined) linkProcesses(this.process, linked);
    return this.queue.call(async () => {
      this.actor.start();
      try {
        const begun = this.startFirst();
        if (begun !== undefined) await begun;
        if (this.#ending) throw this.#endedWhileStarting();
      } catch (error) {
        await this.stopAll();
        this.#ending = true;
        if (linked !== undefined) unlinkProcesses(this.process, linked);
        this.process.finish("shutdown");
        throw error;
      }
      this.actor.send({ type: "supervisor.started", children: this.size });
      this.process.started();
    });
  }

  /** @throws CallerError "invalid_argument" or "already_started" */
  #takeName(): void {
    const { name } = this.#host;
    try {
      checkName(name);
      if (name !== undefined) registerAs(this.process, name);
    } catch (error) {
      this.process.discard();
      throw error;
    }
  }

  #endedWhileStarting(): ProcessError {
    const reason = this.process.exitReason ?? "killed";
    return new ProcessError("start_failed", `supervisor "${this.path}" was ended while it started`, { reason });
  }

  /** Stops the children and ends with `reason`. Settles when all are gone. Idempotent. */
  stop(reason: ExitReason = "shutdown"): Promise<ExitReason> {
    this.process.started();
    this.process.end(reason);
    return this.ended;
  }

  /** Kills the children and ends with "killed". Settles nothing: wait for `ended`. */
  kill(): void {
    this.#ending = true;
    this.#giveUpStarts();
    for (const child of this.children().reverse()) {
      clearDelay(child, this.clock);
      child.running?.kill();
    }
    void this.stop("killed");
  }

  #giveUpStarts(): void {
    for (const giveUp of this.lent.pendingStarts) giveUp();
  }

  begin(): void {
    // `start` does it: a supervisor is not started by the kernel.
  }

  handle(message: unknown): void | Promise<void> {
    if (message instanceof PendingCall) {
      message.refuse("a supervisor takes no calls of its own: use startChild, whichChildren and their kin");
      return;
    }
    const type = (message as { type?: unknown } | null | undefined)?.type;
    if (type === "$retry") {
      const { child, reason } = message as { child: Child; reason: ExitReason };
      this.queue.add(() => this.#retry(child, reason));
      return;
    }
    if (type === "EXIT") {
      const { from, reason } = message as ExitMessage;
      if (from !== undefined && from === this.process.parent) this.process.end(reason);
      return;
    }
    reportDeadLetter(this.process.runtime, this.process, message, "unhandled");
  }

  terminate(reason: ExitReason): Promise<void> {
    this.#ending = true;
    this.actor.send({ type: "supervisor.stop", reason });
    return this.queue.call(() => this.stopAll());
  }

  dispose(reason: ExitReason): void {
    this.#ending = true;
    const starting = this.lent.pendingStarts.size > 0;
    this.#giveUpStarts();
    // Killed itself, its children go down with it; ended in an orderly way, it has none left.
    for (const child of this.children().reverse()) orphan(child, this.lent, reason);
    for (const process of this.#begun) if (process.status === "starting") process.finish("killed");
    if (starting) this.#closeIfDead();
    else this.#closeWhenAlone(reason);
  }

  #closeIfDead(): void {
    const { exitReason } = this.process;
    // After the turn of the child's own actor, which may end in the middle of an event.
    if (exitReason !== undefined) queueMicrotask(() => this.#closeWhenAlone(exitReason));
  }

  /** The machine ends after the last child, so that no child's end is told to an actor that has ended. */
  #closeWhenAlone(reason: ExitReason): void {
    if (this.#closed || this.#begun.size > 0 || this.children().some(isAboutToEnd)) return;
    this.#closed = true;
    this.actor.send({ type: "supervisor.stop", reason });
    this.actor.send({ type: "supervisor.stopped" });
    this.report({ type: "supervisor.stopped", reason });
    stopActor(this.actor);
    for (const then of this.#onAlone.splice(0)) then();
  }

  /** A start function has told of a process that begins: the supervisor's own end waits for it. */
  #began(process: Process): void {
    this.#begun.add(process);
    process.addExitHook(() =>
      whenAlone(process, () => {
        this.#begun.delete(process);
        this.#closeIfDead();
      }),
    );
  }

  whenAlone(then: () => void): void {
    if (this.#closed) then();
    else this.#onAlone.push(then);
  }

  state(): unknown {
    return this.actor.getSnapshot().context;
  }

  /** How many specifications, running children, supervisors and workers there are. */
  countChildren(): ChildCounts {
    const counts: ChildCounts = { specs: 0, active: 0, supervisors: 0, workers: 0 };
    for (const child of this.children()) {
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
    for (const { spec, path, status, running } of this.children()) {
      if (status === "running" && (spec.id === name || path === name)) return running?.ref;
    }
    for (const { running } of this.children()) {
      const found = running?.ref instanceof SupervisorCore ? running.ref.whereis(name) : undefined;
      if (found !== undefined) return found;
    }
    return undefined;
  }

  /** The subtree as data. */
  tree(): TreeNode {
    const children = this.children().map((child): TreeNode => {
      const { id, type } = child.spec;
      const state = child.running === undefined ? child.status : actorState(child.running.actor);
      const node: TreeNode = { id, path: child.path, type, state, restarts: child.restarts };
      if (child.running?.ref instanceof SupervisorCore) node.children = child.running.ref.tree().children ?? [];
      return Object.assign(node, child.running?.node?.());
    });
    const state = this.process.alive ? actorState(this.actor) : "stopped";
    return { id: this.spec.id, path: this.path, type: "supervisor", state, restarts: 0, children };
  }

  /** The children, oldest first. */
  protected abstract children(): Child[];
  protected abstract get size(): number;
  protected abstract control(): ChildHost["control"];
  /** Starts the children of the specification. */
  protected abstract startFirst(): void | Promise<void>;
  protected abstract stopAll(): Promise<void>;
  /** Starts a child again, with the siblings that its strategy names. */
  protected abstract restartGroup(child: Child): void | Promise<void>;
  /** Whether a restart concerns only the child itself. */
  protected abstract readonly alone: boolean;
  /** A child stays down. */
  protected abstract left(child: Child, byItself: boolean): void;
  /** Whether the record is still one of this supervisor's. */
  protected abstract owns(child: Child): boolean;

  /** Stops everything and ends with "shutdown". */
  protected endWithShutdown(): void {
    this.#ending = true;
    this.process.end("shutdown");
  }

  #onExit(child: Child, scopeId: number, reason: ExitReason): void {
    if (child.scopeId !== scopeId || child.pendingExit !== undefined) return;
    if (child.onEnd !== undefined) {
      child.onEnd(reason);
      this.#closeIfDead();
      return;
    }
    if (child.status === "stopped") return;
    child.pendingExit = reason;
    this.#closeIfDead();
    if (!this.#closed) this.actor.send({ type: "child.exited", childId: child.spec.id, reason });
    this.queue.add(() => this.#handleExit(child));
  }

  #onStartFailed(child: Child, scopeId: number, reason: ExitReason): void {
    if (child.scopeId !== scopeId || child.onEnd !== undefined) return;
    child.pendingExit = reason;
    this.actor.send({ type: "child.start_failed", childId: child.spec.id, reason });
    this.queue.add(() => {
      if (child.pendingExit === undefined || child.status !== "running") return;
      this.report({ type: "child.start_failed", offender: offender(child), reason });
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
    const { spec, incarnation } = child;
    const exit = { childId: spec.id, restart: spec.restart, reason, incarnation };
    const decision = this.#askPolicy(exit);
    child.running?.resident?.decided(decision);
    if (decision.type === "restart") {
      this.#restarts += 1;
      child.restarts += 1;
      child.status = "restarting";
    } else {
      child.status = "stopped";
    }
    this.report({ type: "child.exited", offender: offender(child), reason, decision });
    const { because } = decision;
    const lastExit = { childId: spec.id, reason: describeExitReason(reason), decision: decision.type, because };
    this.actor.send({ type: "child.decided", lastExit, children: this.size, restarts: this.#restarts });
    switch (decision.type) {
      case "leave":
        return this.#leave(child);
      case "give_up":
        this.report({ type: "supervisor.gave_up", offender: offender(child), reason, because });
        this.endWithShutdown();
        return;
      case "restart":
        return this.#restartAfter(child, decision.delayMs);
    }
  }

  /** A policy that throws cannot be trusted with the next child either: the supervisor gives up, and says so. */
  #askPolicy(exit: ChildExit): RestartDecision {
    try {
      const { decision, state } = this.spec.policy(this.#policyState, exit, this.clock.now());
      this.#policyState = state;
      if (decision.type !== "restart") return decision;
      return { ...decision, delayMs: Math.min(Math.max(0, decision.delayMs), longestTimerMs) };
    } catch (error) {
      return { type: "give_up", because: `the policy threw: ${describeExitReason(exitReasonOf(error))}` };
    }
  }

  #leave(child: Child): void | Promise<void> {
    if (child.running?.resident === undefined) return this.left(child, true);
    child.status = "restarting";
    const stopped = stopIncarnation(child, this.clock);
    if (stopped instanceof Promise) return stopped.then(() => this.left(child, true));
    return this.left(child, true);
  }

  #restartAfter(child: Child, delayMs: number): void | Promise<void> {
    if (this.alone && child.running?.resident !== undefined) return this.restartResident(child, delayMs);
    if (delayMs <= 0) return this.restartGroup(child);
    child.timer = this.clock.setTimeout(() => {
      child.timer = undefined;
      this.queue.add(() => this.#retryNow(child));
    }, delayMs);
  }

  #retryNow(child: Child): void | Promise<void> {
    if (child.status !== "restarting" || this.#ending || !this.owns(child)) return;
    return this.restartGroup(child);
  }

  /** Starts a child again. A failure is one more restart for the policy, after everything that waits. */
  protected startAgain(child: Child): "failed" | undefined | Promise<"failed" | undefined> {
    if (child.running?.resident !== undefined) {
      this.restartResident(child, 0);
      return undefined;
    }
    try {
      const started = startIncarnation(child, this.lent);
      if (!(started instanceof Promise)) return this.#startedAgain(child, started);
      return started.then(
        (how) => this.#startedAgain(child, how),
        (error: unknown) => this.#restartFailed(child, error),
      );
    } catch (error) {
      return this.#restartFailed(child, error);
    }
  }

  #startedAgain(child: Child, how: Started): undefined {
    if (how === "ignored") this.left(child, false);
    else this.report({ type: "child.started", offender: offender(child), restarted: true });
  }

  protected restartResident(child: Child, delayMs: number): void {
    child.incarnation += 1;
    child.status = "running";
    child.running?.resident?.restart(delayMs);
    this.report({ type: "child.started", offender: offender(child), restarted: true });
  }

  #restartFailed(child: Child, error: unknown): "failed" {
    const reason = reasonOfStart(error);
    child.status = "restarting";
    child.pendingExit = undefined;
    this.report({ type: "child.start_failed", offender: offender(child), reason });
    // A start that fails is a failure, however clean its reason: a transient child is retried too.
    const failure = isCleanExit(reason) ? new Error("its start failed", { cause: error }) : reason;
    this.process.deliver({ type: "$retry", child, reason: failure });
    return "failed";
  }

  #retry(child: Child, reason: ExitReason): void | Promise<void> {
    if (child.status !== "restarting" || child.timer !== undefined || this.#ending || !this.owns(child)) return;
    return this.#decide(child, reason);
  }

  /**
   * Starts a child by request; `again` when its specification is kept already.
   * @throws ProcessError "start_failed" with the child's error as its cause
   */
  protected startNow(child: Child, again = false): Started | Promise<Started> {
    const failed = (error: unknown): never => {
      this.report({ type: "child.start_failed", offender: offender(child), reason: reasonOfStart(error) });
      throw this.startError(child, error, again);
    };
    const started = (how: Started): Started => {
      if (how === "running") this.report({ type: "child.started", offender: offender(child), restarted: false });
      return how;
    };
    let pending: Started | Promise<Started>;
    try {
      pending = startIncarnation(child, this.lent);
    } catch (error) {
      return failed(error);
    }
    return pending instanceof Promise ? pending.then(started, failed) : started(pending);
  }

  /** The error of a start by request; of a first start its reason names the child. */
  protected startError(child: Child, error: unknown, again: boolean): ProcessError {
    const { id } = child.spec;
    const reason = reasonOfStart(error);
    return new ProcessError("start_failed", `supervisor "${this.path}" could not start child "${id}"`, {
      cause: error,
      reason: again ? reason : { shutdown: { type: "failed_to_start_child", childId: id, reason } },
    });
  }

  /** Stops a child and reports an end that was not asked for. */
  protected stopOne(child: Child, how: "stop" | "halt" = "stop"): void | Promise<void> {
    if (child.status === "stopped" && child.running === undefined) return;
    const stopped = stopIncarnation(child, this.clock, how);
    if (stopped instanceof Promise) return stopped.then((reason) => this.#checkStopped(child, reason));
    this.#checkStopped(child, stopped);
  }

  #checkStopped(child: Child, reason: ExitReason | undefined): void {
    const { shutdownMs, restart } = child.spec;
    const asked = shutdownMs === "brutal_kill" ? "killed" : "shutdown";
    if (reason === undefined || reason === asked) return;
    if (asked === "shutdown" && restart !== "permanent" && isCleanExit(reason)) return;
    this.report({ type: "child.shutdown_error", offender: offender(child), reason });
  }

  protected checkRunning(): void {
    if (this.#ending || !this.process.alive) {
      throw new CallerError("stopped", `supervisor "${this.path}" has been stopped`);
    }
  }

  protected report(report: DistributiveOmit<SupervisorReport, "supervisor" | "atMs">): void {
    this.#tell({ ...report, supervisor: this.path, atMs: this.clock.now() });
  }

  #tell(report: unknown): void {
    const { onReport } = this.#host;
    if (onReport !== undefined) onReport(report);
    else this.process.runtime.report(report as SupervisorReport);
  }
}

type DistributiveOmit<T, K extends PropertyKey> = T extends unknown ? Omit<T, K> : never;

/** The reason inside the error of a start. */
export function reasonOfStart(error: unknown): ExitReason {
  if (error instanceof ProcessError && error.reason !== undefined) return error.reason as ExitReason;
  return exitReasonOf(error);
}

/** The default runtime, where names are known to all, unless the host wants time, reports or inspection of its own. */
function newRuntime(host: SupervisorHost): Runtime {
  if (host.clock === undefined && host.inspect === undefined && host.onReport === undefined) return defaultRuntime;
  return new LocalRuntime({
    clock: host.clock ?? realClock,
    ...(host.inspect === undefined ? {} : { inspect: host.inspect }),
    ...(host.onReport === undefined ? {} : { onReport: host.onReport }),
  });
}

/** Whether the end of a child that was told to end has not been seen. */
function isAboutToEnd(child: Child): boolean {
  return child.running !== undefined && child.pendingExit === undefined && child.status !== "stopped";
}

/** The child of a report. */
export function offender(child: Child): Offender {
  const { id, type, restart, shutdownMs } = child.spec;
  const about: Offender = { childId: id, path: child.path, type, restart, shutdownMs, incarnation: child.incarnation };
  const { lastRef } = child;
  if (lastRef instanceof LocalProcess) about.process = lastRef.toString();
  else if (hasProcess(lastRef)) about.process = lastRef.process.toString();
  return about;
}
