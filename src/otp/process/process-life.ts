/** The life of a process that lives here: what it is, how it ends, and who is told. */

import type { AsyncResource } from "node:async_hooks";
import type { AnyActorRef } from "xstate";
import { type ExitReason, exitReasonOf, isCleanExit } from "../report/exit-reason.ts";
import type { Behaviour } from "./behaviour.ts";
import { crashReport } from "./crash-report.ts";
import { currentProcess, openContext, runAs } from "./current.ts";
import { leave } from "./leave.ts";
import { Mailbox } from "./mailbox.ts";
import type { OpenCall } from "./open-calls.ts";
import type { ExitHook, Held, Process, ProcessStatus, Runtime, Supervision, Trace, Watcher } from "./process.ts";
import { unwatchUncaught, watchUncaught } from "./uncaught.ts";

/** How long the terminate hook of a process that has crashed may take, in milliseconds: nobody else would end it. */
const crashTerminateMs = 5_000;

/** A process, as far as its life goes. */
export abstract class ProcessLife implements Process {
  readonly id: number;
  readonly runtime: Runtime;
  parent: Process | undefined;
  older: Process | undefined;
  newer: Process | undefined;
  readonly startedAfterMs: number;
  label: string;
  name: string | undefined;
  trapExit = false;
  status: ProcessStatus = "starting";
  exitReason: ExitReason | undefined;
  behaviour!: Behaviour;
  links: Set<Process> | undefined;
  watchers: Set<Watcher> | undefined;
  openCalls: OpenCall | undefined;
  awaitedCalls: OpenCall | undefined;
  supervision: Supervision | undefined;
  exitHooks: Set<ExitHook> | undefined;
  held: Set<Held> | undefined;
  traces: Set<Trace> | undefined;
  suspended = false;
  standalone = false;
  handled = 0;
  readonly context: AsyncResource;
  /** What waits when it ends is dropped. */
  protected readonly mailbox = new Mailbox();
  /** The message that is being handled. */
  protected lastMessage: unknown;

  constructor(runtime: Runtime, parent: Process | undefined, label: string) {
    this.id = runtime.nextId();
    this.runtime = runtime;
    this.parent = parent;
    this.label = label;
    this.startedAfterMs = Math.round(runtime.clock.monotonicMs() - runtime.startedMonotonicMs);
    this.context = openContext(this);
    this.count();
  }

  get alive(): boolean {
    return this.status !== "dead";
  }

  get actor(): AnyActorRef {
    return this.behaviour.actor;
  }

  /** Counts it among the live processes. */
  count(): void {
    const { runtime } = this;
    runtime.processCount += 1;
    const { newest } = runtime;
    this.older = newest;
    if (newest !== undefined) newest.newer = this;
    runtime.newest = this;
    watchUncaught();
  }

  /** Takes it from the live processes. */
  uncount(): void {
    const { runtime, older, newer } = this;
    runtime.processCount -= 1;
    if (newer === undefined) runtime.newest = older;
    else newer.older = older;
    if (older !== undefined) older.newer = newer;
    this.older = undefined;
    this.newer = undefined;
    unwatchUncaught();
  }

  discard(): void {
    this.status = "dead";
    this.exitReason = "normal";
    this.uncount();
  }

  toString(): string {
    return this.name === undefined ? `<${this.id}> ${this.label}` : `<${this.id}> "${this.name}"`;
  }

  toJSON(): string {
    return this.toString();
  }

  [Symbol.for("nodejs.util.inspect.custom")](): string {
    return this.toString();
  }

  addExitHook(hook: ExitHook): void {
    this.exitHooks ??= new Set();
    this.exitHooks.add(hook);
  }

  removeExitHook(hook: ExitHook): void {
    this.exitHooks?.delete(hook);
    if (this.exitHooks?.size === 0) this.exitHooks = undefined;
  }

  crash(reason: ExitReason): void {
    if (this.status === "starting") {
      this.fail(reason);
      return;
    }
    this.end(reason);
    if (this.status !== "exiting") return;
    const { clock } = this.runtime;
    const timer = clock.setTimeout(() => this.fail(reason), crashTerminateMs);
    this.addExitHook(() => clock.clearTimeout(timer));
  }

  end(reason: ExitReason): void {
    if (this.status === "dead" || this.status === "exiting") return;
    this.status = "exiting";
    let hook: void | Promise<void>;
    try {
      // Its own code ends it more often than not: it is in its context already.
      hook =
        currentProcess() === this
          ? this.behaviour.terminate(reason)
          : runAs(this, (why) => this.behaviour.terminate(why), reason);
    } catch (error) {
      this.fail(exitReasonOf(error));
      return;
    }
    if (hook === undefined) {
      this.fail(reason);
      return;
    }
    hook.then(
      () => this.fail(reason),
      (error: unknown) => this.fail(exitReasonOf(error)),
    );
  }

  finish(reason: ExitReason): void {
    if (this.status === "dead") return;
    this.status = "dead";
    this.exitReason = reason;
    this.lastMessage = undefined;
    this.runtime.signal(() => leave(this, reason, this.mailbox));
  }

  fail(reason: ExitReason): void {
    if (this.status === "dead") return;
    if (!isCleanExit(reason) && this.runtime.tellsCrashes) {
      this.runtime.report(runAs(this, (why) => crashReport(this, why, this.lastMessage), reason));
    }
    this.finish(reason);
  }

  abstract readonly queueLength: number;
  abstract readonly isHandling: boolean;
  abstract readonly waitsForItself: boolean;
  abstract deliver(message: unknown): void;
  abstract deliverSignal(message: unknown): void;
  abstract deliverSystem(message: unknown): void;
  abstract deliverFirst(message: unknown): void;
  abstract takeMessage(match: (message: unknown) => boolean): { readonly item: unknown } | undefined;
  abstract removeMessage(match: (message: unknown) => boolean): boolean;
  abstract calledItself(call: OpenCall): void;
  abstract wake(): void;
  abstract started(): void;
  abstract signal(from: Process | undefined, reason: ExitReason, how: "link" | "exit"): void;
  abstract requestStop(reason: ExitReason): void;
}
