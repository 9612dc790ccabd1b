/**
 * What all supervisors share: a process that traps exits, a machine that shows what it does, one queue, a policy, and the care for one child.
 * The rules are OTP's; docs/otp.md states them.
 */

import type { EventObject } from "xstate";
import { CallerError, ProcessError } from "../../errors.ts";
import type { Behaviour } from "../process/behaviour.ts";
import { callIn } from "../process/call-message.ts";
import { currentProcess } from "../process/current.ts";
import { reportDeadLetter } from "../process/dead-letter.ts";
import { linkProcesses, unlinkProcesses } from "../process/link.ts";
import { LocalProcess } from "../process/local-process.ts";
import type { Process, Runtime } from "../process/process.ts";
import { defaultRuntime, LocalRuntime } from "../process/runtime.ts";
import { ExitSignal, RuntimeMessage } from "../process/runtime-message.ts";
import { bindActor, mailEvent, processIn } from "../process/target.ts";
import { type BoxedReason, isCleanExit } from "../report/exit-reason.ts";
import { type Clock, realClock } from "../scheduler/clock.ts";
import { createChildActor, passEvent } from "../scheduler/xstate-adapter.ts";
import { checkName, registerAs } from "../start/names.ts";
import type { Child, ChildHost } from "./child.ts";
import { DecidingSupervisor, RetryMessage, reasonOfStart } from "./deciding.ts";
import { failedStart } from "./failed-start.ts";
import { guardHost, type SupervisorHost } from "./host.ts";
import { isToldToMachine, type SupervisorActor, supervisorLogic, tellMachine } from "./machine.ts";
import type { NormalSupervisorSpec } from "./spec.ts";
import { type Started, startIncarnation } from "./starting.ts";
import { stopIncarnation } from "./stopping.ts";
import { offender } from "./telling.ts";

/** Supervisors whose children are being started on the stack now. */
let startsOnStack = 0;

/** The part of a supervisor that does not depend on how its children are kept. */
export abstract class SupervisorCore extends DecidingSupervisor implements Behaviour {
  readonly path: string;
  readonly process: Process;
  readonly actor: SupervisorActor;
  readonly followsParent = true;
  protected readonly clock: Clock;
  protected readonly lent: ChildHost;

  constructor(spec: NormalSupervisorSpec, given: SupervisorHost) {
    const host = guardHost(given);
    super(spec, host);
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
    const { policies } = this;
    this.lent = {
      process: this.process,
      actor: this.actor,
      path: this.path,
      clock: this.clock,
      environment: host.environment,
      control: this.control(),
      rules: policies,
      runSeatsOf: (child) => policies.runSeatsOf(child),
      get forgetsTemporary() {
        return policies.policy === undefined;
      },
      // Handed on as it is: a report goes to its reader past all the supervisors above.
      report: host.onReport ?? ((report) => this.tell(report)),
      pendingStarts: new Set(),
      began: (process) => this.began(process),
      childExited: (child, scopeId, reason, failedStarts, charged) =>
        this.onExit(child, scopeId, reason, failedStarts, charged),
      childStartFailed: (child, scopeId, reason) => this.onStartFailed(child, scopeId, reason),
    };
  }

  /** Starts the first children. Settles when they run. `linked` is told of its end from the beginning, but not of a start that fails. */
  async start(linked?: Process): Promise<void> {
    // One that nests begins on a stack of its own: a tree may be of any depth.
    if (startsOnStack > 0) await undefined;
    if (!this.process.alive) throw this.#endedWhileStarting();
    this.#takeName();
    if (linked !== undefined) linkProcesses(this.process, linked);
    startsOnStack += 1;
    try {
      return this.#startChildren(linked);
    } finally {
      startsOnStack -= 1;
    }
  }

  #startChildren(linked: Process | undefined): Promise<void> {
    return this.queue.call(async () => {
      this.shown = true;
      this.actor.start();
      try {
        const begun = this.startFirst();
        if (begun !== undefined) await begun;
        if (this.ending) throw this.#endedWhileStarting();
      } catch (error) {
        await this.stopAll();
        this.ending = true;
        if (linked !== undefined) unlinkProcesses(this.process, linked);
        this.process.finish("shutdown");
        throw error;
      }
      tellMachine(this.actor, { type: "supervisor.started", children: this.size });
      this.process.started();
    });
  }

  /** @throws CallerError "invalid_argument" or "already_started" */
  #takeName(): void {
    const { name } = this.host;
    try {
      checkName(name);
      if (name !== undefined) registerAs(this.process, name);
    } catch (error) {
      this.process.finish("shutdown");
      throw error;
    }
  }

  #endedWhileStarting(): ProcessError {
    const reason = this.process.alive ? "killed" : this.process.exitReason;
    return new ProcessError("start_failed", `supervisor "${this.path}" was ended while it started`, { reason });
  }

  begin(): void {
    // `start` does it: a supervisor is not started by the kernel.
  }

  /** The machine shows what the supervisor does: nobody else moves it. */
  sentToActor(event: EventObject): void {
    if (isToldToMachine(event)) passEvent(this.actor, event);
    else mailEvent(this.process, event);
  }

  handle(message: unknown): void | Promise<void> {
    const call = callIn(message);
    if (call !== undefined) {
      call.refuse("a supervisor takes no calls of its own: use startChild, whichChildren and their kin");
    } else if (RuntimeMessage.is(message) && message instanceof RetryMessage) {
      const { child, reason } = message;
      this.queue.add(() => this.retry(child, reason));
    } else if (RuntimeMessage.is(message) && message instanceof ExitSignal) {
      if (message.isOfParent(this.process)) this.process.end(message.reason);
    } else {
      reportDeadLetter(this.process.runtime, this.process, message, "unhandled");
    }
  }

  /**
   * Starts a child: with the supervisor itself, or by request, `again` when its specification is kept already.
   * @throws ProcessError "start_failed" with the child's error as its cause; by request also CallerError "already_started" (a name is taken)
   */
  protected startNow(child: Child, why: "first" | "request" | "again"): Started | Promise<Started> {
    const failed = (error: unknown): never => {
      this.report({ type: "child.start_failed", offender: offender(child), reason: reasonOfStart(error) });
      throw why !== "first" && isTakenName(error) ? error : this.startError(child, error, why === "again");
    };
    const started = (how: Started): Started => {
      if (how !== "ignored") this.report({ type: "child.started", offender: offender(child), restarted: false });
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
      reason: again ? reason : failedStart(id, reason),
    });
  }

  /** Stops a child and reports an end that was not asked for. */
  protected stopOne(child: Child, how: "stop" | "halt" = "stop"): void | Promise<void> {
    if (child.status === "stopped" && child.running === undefined) return;
    const stopped = stopIncarnation(child, this.clock, how);
    if (stopped instanceof Promise) return stopped.then((how) => this.#checkStopped(child, how));
    this.#checkStopped(child, stopped);
  }

  #checkStopped(child: Child, stopped: BoxedReason | undefined): void {
    if (stopped === undefined) return;
    const { reason } = stopped;
    const { shutdownMs, restart } = child.spec;
    const asked = shutdownMs === "brutal_kill" ? "killed" : "shutdown";
    if (reason === asked) return;
    if (asked === "shutdown" && restart !== "permanent" && isCleanExit(reason)) return;
    this.report({ type: "child.shutdown_error", offender: offender(child), reason });
  }

  protected abstract control(): ChildHost["control"];
  /** Starts the children of the specification. */
  protected abstract startFirst(): void | Promise<void>;
}

/** Whether a start failed because a process holds the name already: the one who has asked wants that process, not the failure. Source: OTP's start_child. */
function isTakenName(error: unknown): boolean {
  if (!(error instanceof CallerError) || error.code !== "already_started") return false;
  return processIn(error.value) !== undefined;
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
