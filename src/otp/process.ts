/** A process: a mailbox, a life, and the links and monitors that tell others of its end. Source: the Erlang reference manual, "Processes". */

import type { AnyActorRef } from "xstate";
import type { PendingCall } from "./call.ts";
import { runAs } from "./current.ts";
import { Deque } from "./deque.ts";
import { type ExitReason, exitReasonOf, isCleanExit } from "./exit-reason.ts";
import { type MailboxLimit, mailboxFull } from "./mailbox-limit.ts";
import type { Monitor } from "./monitor.ts";
import type { Runtime } from "./runtime.ts";
import { unwatchUncaught, watchUncaught } from "./uncaught.ts";

/** What runs in a process. */
export interface Behaviour {
  /** The XState actor that represents the process. */
  readonly actor: AnyActorRef;
  /** Whether the process ends when the one that started it ends, although it traps exits (OTP's servers and supervisors do). */
  readonly followsParent: boolean;
  /** Begins. A throw or rejection is a failed start. */
  begin(): void | Promise<void>;
  /** Handles one message. A promise keeps the others waiting. A throw or rejection is a crash. */
  handle(message: unknown): void | Promise<void>;
  /** The hook before an orderly end or after a crash. A throw replaces the reason. */
  terminate(reason: ExitReason): void | Promise<void>;
  /** Releases everything at once. Runs no hook. */
  dispose(reason: ExitReason): void;
  /** What a crash report shows of the state. */
  state(): unknown;
  /** Takes a message that it was handed and has not looked at yet; answers whether there was one. */
  removeMessage?(match: (message: unknown) => boolean): boolean;
}

/**
 * - "starting": its start is under way; messages wait
 * - "running"
 * - "exiting": its terminate hook runs
 * - "dead"
 */
export type ProcessStatus = "starting" | "running" | "exiting" | "dead";

/** An EXIT signal that reached a process which traps exits. */
export interface ExitMessage {
  readonly type: "EXIT";
  readonly from: Process | undefined;
  readonly reason: ExitReason;
}

/** Told of the end of a process. Must not throw. */
export type ExitHook = (reason: ExitReason, process: Process) => void;

/** A process. Others hold it as an opaque reference ("ref", Erlang's pid): one incarnation, never reused. */
export class Process {
  readonly id: number;
  readonly runtime: Runtime;
  /** The process that started it. */
  readonly parent: Process | undefined;
  /** What reports call it: its name, or what it is made of. */
  label: string;
  name: string | undefined;
  trapExit = false;
  status: ProcessStatus = "starting";
  /** Set when it is dead. */
  exitReason: ExitReason | undefined;
  behaviour!: Behaviour;
  links: Set<Process> | undefined;
  /** Monitors that others have on it. */
  watchers: Set<Monitor> | undefined;
  /** Calls that it has not answered. */
  openCalls: Set<PendingCall> | undefined;
  /** Told of its end before links and monitors are: its supervisor, registries, groups. */
  exitHooks: Set<ExitHook> | undefined;
  suspended = false;
  /** Made by XState's own `createActor`: it begins when its actor is started. */
  standalone = false;
  limit: MailboxLimit | undefined;
  handled = 0;
  readonly #mailbox = new Deque<unknown>();
  #queued = false;
  #busy = false;
  #lastMessage: unknown;
  readonly #deliver = (budget: number) => this.#handleSome(budget);

  constructor(runtime: Runtime, parent: Process | undefined, label: string) {
    this.id = runtime.nextId();
    this.runtime = runtime;
    this.parent = parent;
    this.label = label;
    runtime.processCount += 1;
    watchUncaught();
  }

  get alive(): boolean {
    return this.status !== "dead";
  }

  get actor(): AnyActorRef {
    return this.behaviour.actor;
  }

  get queueLength(): number {
    return this.#mailbox.length;
  }

  /** Whether it has a message to handle now; if so it counts as queued. */
  claimTurn(): boolean {
    const wants = this.status === "running" && !this.#busy && !this.suspended && this.#mailbox.length > 0;
    this.#queued = wants;
    return wants;
  }

  toString(): string {
    return this.name === undefined ? `<${this.id}> ${this.label}` : `<${this.id}> "${this.name}"`;
  }

  /** Puts a message into the mailbox. A dead process's mail is a dead letter. */
  deliver(message: unknown): void {
    if (this.status === "dead") {
      this.runtime.report({ type: "dead_letter", to: this.toString(), message, why: "noproc" });
      return;
    }
    if (this.limit !== undefined && this.#mailbox.length >= this.limit.maxMessages) {
      if (!mailboxFull(this, this.limit, this.#mailbox, message)) return;
    }
    this.#mailbox.push(message);
    this.wake();
  }

  /** Puts a message before all others. */
  deliverFirst(message: unknown): void {
    this.#mailbox.unshift(message);
    this.wake();
  }

  /** Takes the first waiting message that matches out of the mailbox; answers whether there was one. */
  removeMessage(match: (message: unknown) => boolean): boolean {
    return this.#mailbox.take(match) !== undefined || this.behaviour.removeMessage?.(match) === true;
  }

  /** Asks for a turn if there is something to do. */
  wake(): void {
    if (!this.#queued && this.claimTurn()) this.runtime.queue.add(this);
  }

  run(budget: number): number {
    return runAs(this, this.#deliver, budget);
  }

  /** Begins a process that XState made by itself; a failed init ends it. */
  beginStandalone(): void {
    this.standalone = false;
    let begun: void | Promise<void>;
    try {
      begun = runAs(this, () => this.behaviour.begin(), undefined);
    } catch (error) {
      this.finish(exitReasonOf(error));
      return;
    }
    if (begun === undefined) this.started();
    else
      begun.then(
        () => this.started(),
        (error: unknown) => this.finish(exitReasonOf(error)),
      );
  }

  /** Takes back a process that never began. */
  discard(): void {
    this.status = "dead";
    this.exitReason = "normal";
    this.runtime.processCount -= 1;
    unwatchUncaught();
  }

  /** Calls `hook` at the end, before links and monitors are told. */
  addExitHook(hook: ExitHook): void {
    this.exitHooks ??= new Set();
    this.exitHooks.add(hook);
  }

  /** Takes a hook back. */
  removeExitHook(hook: ExitHook): void {
    this.exitHooks?.delete(hook);
    if (this.exitHooks?.size === 0) this.exitHooks = undefined;
  }

  /** The process has begun: messages are handled from now on. */
  started(): void {
    if (this.status !== "starting") return;
    this.status = "running";
    this.wake();
  }

  /** An exit signal arrives. `how` tells a link's from `exit(ref, reason)`. */
  signal(from: Process | undefined, reason: ExitReason, how: "link" | "exit"): void {
    if (this.status === "dead") return;
    if (how === "exit" && reason === "kill") {
      this.finish("killed");
      return;
    }
    if (this.trapExit && this.status !== "exiting") {
      this.deliver({ type: "EXIT", from, reason } satisfies ExitMessage);
      return;
    }
    if (this.status === "exiting") return;
    if (reason === "normal" && from !== this) return;
    this.finish(reason);
  }

  /** Code of the process threw: its terminate hook runs, then it ends with the error. */
  crash(reason: ExitReason): void {
    if (this.status === "dead" || this.status === "exiting") return;
    this.end(reason);
  }

  /** Ends in an orderly way: the terminate hook, then the end. A hook that throws replaces the reason. */
  end(reason: ExitReason): void {
    if (this.status === "dead" || this.status === "exiting") return;
    this.status = "exiting";
    let hook: void | Promise<void>;
    try {
      hook = runAs(this, (why) => this.behaviour.terminate(why), reason);
    } catch (error) {
      this.#reportAndFinish(exitReasonOf(error));
      return;
    }
    if (hook === undefined) {
      this.#reportAndFinish(reason);
      return;
    }
    hook.then(
      () => this.#reportAndFinish(reason),
      (error: unknown) => this.#reportAndFinish(exitReasonOf(error)),
    );
  }

  /** A request to end, which takes its turn among the messages. */
  requestStop(reason: ExitReason): void {
    this.deliver({ type: "$stop", reason });
  }

  /** Ends now: no hook, the mailbox is dropped. Names are free before links and monitors are told. */
  finish(reason: ExitReason): void {
    if (this.status === "dead") return;
    this.status = "dead";
    this.exitReason = reason;
    this.runtime.signal(() => this.#leave(reason));
  }

  #reportAndFinish(reason: ExitReason): void {
    if (this.status === "dead") return;
    if (!isCleanExit(reason)) {
      const state = this.behaviour.state();
      const lastMessage = this.#lastMessage;
      this.runtime.report({ type: "process.crashed", process: this.toString(), reason, lastMessage, state });
    }
    this.finish(reason);
  }

  #leave(reason: ExitReason): void {
    const { runtime, links, watchers, exitHooks, openCalls } = this;
    if (this.name !== undefined && runtime.names.get(this.name) === this) runtime.names.delete(this.name);
    this.links = undefined;
    this.watchers = undefined;
    this.exitHooks = undefined;
    this.openCalls = undefined;
    runtime.processCount -= 1;
    unwatchUncaught();
    this.behaviour.dispose(reason);
    if (openCalls !== undefined) for (const call of openCalls) call.processEnded(reason);
    if (this.#mailbox.length > 0) this.#dropMail();
    if (exitHooks !== undefined) for (const hook of exitHooks) hook(reason, this);
    if (links !== undefined) {
      for (const other of links) {
        // An exit hook may have taken the link away.
        if (other.links?.delete(this) === true) other.signal(this, reason, "link");
      }
    }
    if (watchers !== undefined) for (const monitor of watchers) monitor.fire(reason);
  }

  #dropMail(): void {
    const mail = this.#mailbox.values();
    this.#mailbox.clear();
    if (this.runtime.onReport === undefined) return;
    for (const message of mail) {
      const type = (message as { type?: unknown } | null | undefined)?.type;
      if (type === "$call" || type === "EXIT" || type === "DOWN") continue;
      this.runtime.report({ type: "dead_letter", to: this.toString(), message, why: "noproc" });
    }
  }

  #handleSome(budget: number): number {
    let count = 0;
    while (count < budget && this.status === "running" && !this.#busy && !this.suspended) {
      if (this.#mailbox.length === 0) break;
      const message = this.#mailbox.shift();
      count += 1;
      this.#handleOne(message);
    }
    this.handled += count;
    return count;
  }

  #handleOne(message: unknown): void {
    const type = (message as { type?: unknown } | null | undefined)?.type;
    if (type === "$stop") {
      this.end((message as { reason: ExitReason }).reason);
      return;
    }
    this.#lastMessage = message;
    let pending: void | Promise<void>;
    try {
      pending = this.behaviour.handle(message);
    } catch (error) {
      this.crash(exitReasonOf(error));
      return;
    }
    if (pending === undefined) return;
    this.#busy = true;
    pending.then(
      () => {
        this.#busy = false;
        this.wake();
      },
      (error: unknown) => {
        this.#busy = false;
        this.crash(exitReasonOf(error));
      },
    );
  }
}
