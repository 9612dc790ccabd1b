/** A process: a mailbox, a life, and the links and monitors that tell others of its end. Source: the Erlang reference manual, "Processes". */

import type { AsyncResource } from "node:async_hooks";
import type { AnyActorRef } from "xstate";
import type { Behaviour, ExitHook, ExitMessage, Held, ProcessStatus, Supervision } from "./behaviour.ts";
import type { PendingCall } from "./call.ts";
import { crashReport } from "./crash-report.ts";
import { openContext, runAs } from "./current.ts";
import { reportDeadLetter } from "./dead-letter.ts";
import { Deque } from "./deque.ts";
import { type ExitReason, exitReasonOf, isCleanExit } from "./exit-reason.ts";
import { leave } from "./leave.ts";
import { type MailboxLimit, mailboxAdmits } from "./mailbox-limit.ts";
import type { Monitor } from "./monitor.ts";
import type { ListedCall } from "./open-calls.ts";
import type { Runtime } from "./runtime.ts";
import { isSystemMessage, openMessage, runSystemRequest, type Trace, tellTraces } from "./system-message.ts";
import { unwatchUncaught, watchUncaught } from "./uncaught.ts";

/** A process. Others hold it as an opaque reference ("ref", Erlang's pid): one incarnation, never reused. */
export class Process {
  readonly id: number;
  readonly runtime: Runtime;
  /** The process that started it, alive or dead; forgotten when this one ends. */
  parent: Process | undefined;
  /** When it was made, in milliseconds since its runtime began. */
  readonly startedAfterMs: number;
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
  /** The newest call that it has not answered, and the newest that it waits for: lists of open-calls.ts. */
  openCalls: ListedCall | undefined;
  awaitedCalls: ListedCall | undefined;
  /** Its supervisor's record of it; of a process that is the child of two, the first one's. A field and no hook: a set is 150 bytes. */
  supervision: Supervision | undefined;
  /** Told of its end before links and monitors are: registries, groups, whoever waits for it. */
  exitHooks: Set<ExitHook> | undefined;
  /** What it gives up at its end. */
  held: Set<Held> | undefined;
  /** Who watches its messages, replies and states. */
  traces: Set<Trace> | undefined;
  /** While it is, it handles system messages only. */
  suspended = false;
  /** Made by XState's own `createActor`: it begins when its actor is started. */
  standalone = false;
  limit: MailboxLimit | undefined;
  handled = 0;
  /** Where its code runs: `self()`, and the async context of the one that started it. */
  readonly context: AsyncResource;
  readonly #mailbox = new Deque<unknown>();
  #queued = false;
  #busy = false;
  #lastMessage: unknown;
  #systemWaiting = 0;

  constructor(runtime: Runtime, parent: Process | undefined, label: string) {
    this.id = runtime.nextId();
    this.runtime = runtime;
    this.parent = parent;
    this.label = label;
    this.startedAfterMs = runtime.clock.now() - runtime.startedAtMs;
    this.context = openContext(this);
    runtime.processCount += 1;
    watchUncaught();
  }

  get alive(): boolean {
    return this.status !== "dead";
  }

  get actor(): AnyActorRef {
    return this.behaviour.actor;
  }

  /** Messages that wait. */
  get queueLength(): number {
    return this.#mailbox.length + (this.behaviour.unread?.length ?? 0);
  }

  /** Whether it has a message to handle now; if so it counts as queued. */
  claimTurn(): boolean {
    const wants =
      this.status === "running" && !this.#busy && (this.suspended ? this.#systemWaiting > 0 : this.#mailbox.length > 0);
    this.#queued = wants;
    return wants;
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

  /** Puts a message into the mailbox. A dead process's mail is a dead letter. */
  deliver(message: unknown): void {
    if (this.status === "dead") {
      reportDeadLetter(this.runtime, this, message, "noproc");
      return;
    }
    if (this.limit !== undefined && !mailboxAdmits(this, this.limit, message)) return;
    this.#mailbox.push(message);
    this.wake();
  }

  /** Puts a message into the mailbox that no limit keeps out: EXIT, DOWN. */
  deliverSignal(message: unknown): void {
    if (this.status === "dead") return;
    this.#mailbox.push(message);
    this.wake();
  }

  /** Puts a message into the mailbox that is handled in its turn, and at once while the process is suspended. No limit keeps it out. */
  deliverSystem(message: unknown): void {
    this.#systemWaiting += 1;
    this.deliverSignal(message);
  }

  /** Puts a message before all others. */
  deliverFirst(message: unknown): void {
    this.#mailbox.unshift(message);
    this.wake();
  }

  /** Takes the first waiting message that matches; in a box. */
  takeMessage(match: (message: unknown) => boolean): { readonly item: unknown } | undefined {
    return this.behaviour.unread?.take(match) ?? this.#mailbox.take(match);
  }

  /** Takes the first waiting message that matches; answers whether there was one. */
  removeMessage(match: (message: unknown) => boolean): boolean {
    return this.takeMessage(match) !== undefined;
  }

  /** Asks for a turn if there is something to do. */
  wake(): void {
    if (!this.#queued && this.claimTurn()) this.runtime.queue.add(this);
  }

  run(budget: number): number {
    return this.context.runInAsyncScope(this.#handleSome, this, budget);
  }

  /** Begins a process that XState made by itself; a failed init ends it. */
  beginStandalone(): void {
    this.standalone = false;
    this.runtime.processCount += 1;
    watchUncaught();
    let begun: void | Promise<void>;
    try {
      begun = runAs(this, () => this.behaviour.begin(), undefined);
    } catch (error) {
      this.fail(exitReasonOf(error));
      return;
    }
    if (begun === undefined) this.started();
    else
      begun.then(
        () => this.started(),
        (error: unknown) => this.fail(exitReasonOf(error)),
      );
  }

  /** Leaves a process uncounted until its actor is started: XState makes actors that never are. */
  park(): void {
    this.standalone = true;
    this.runtime.processCount -= 1;
    unwatchUncaught();
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
    if (this.trapExit) {
      if (this.status === "exiting") return;
      const message = { type: "EXIT", from, reason } satisfies ExitMessage;
      if (from !== undefined && from === this.parent && this.behaviour.followsParent) this.deliverSystem(message);
      else this.deliverSignal(message);
      return;
    }
    if (reason === "normal" && from !== this) return;
    this.finish(reason);
  }

  /** Code of the process threw: its terminate hook runs, then it ends with the error. */
  crash(reason: ExitReason): void {
    if (this.status === "starting") this.fail(reason);
    else this.end(reason);
  }

  /** Ends in an orderly way: the terminate hook, then the end. A hook that throws replaces the reason. */
  end(reason: ExitReason): void {
    if (this.status === "dead" || this.status === "exiting") return;
    this.status = "exiting";
    let hook: void | Promise<void>;
    try {
      hook = runAs(this, (why) => this.behaviour.terminate(why), reason);
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

  /** A request to end, which takes its turn among the messages. */
  requestStop(reason: ExitReason): void {
    this.deliverSystem({ type: "$stop", reason });
  }

  /** Ends now: no hook, the mailbox is dropped. Names are free before links and monitors are told. */
  finish(reason: ExitReason): void {
    if (this.status === "dead") return;
    this.status = "dead";
    this.exitReason = reason;
    this.#lastMessage = undefined;
    this.runtime.signal(() => leave(this, reason, this.#mailbox));
  }

  /** `finish`, told in a crash report when the reason is not a clean one. */
  fail(reason: ExitReason): void {
    if (this.status === "dead") return;
    if (!isCleanExit(reason) && this.runtime.onReport !== undefined) {
      this.runtime.report(crashReport(this, reason, this.#lastMessage));
    }
    this.finish(reason);
  }

  #handleSome(budget: number): number {
    let count = 0;
    while (count < budget && this.status === "running" && !this.#busy) {
      let message: unknown;
      if (this.suspended) {
        const system = this.#mailbox.take((waiting) => isSystemMessage(this, waiting));
        if (system === undefined) break;
        message = system.item;
      } else {
        if (this.#mailbox.length === 0) break;
        message = this.#mailbox.shift();
      }
      count += 1;
      this.#handleOne(message);
    }
    return count;
  }

  #handleOne(message: unknown): void {
    if (this.#systemWaiting > 0 && isSystemMessage(this, message)) {
      this.#systemWaiting -= 1;
      const { type } = message as { type: string };
      if (type === "$stop") {
        this.end((message as { reason: ExitReason }).reason);
        return;
      }
      if (type === "$sys") {
        runSystemRequest(this, message as PendingCall);
        return;
      }
    }
    this.handled += 1;
    this.#lastMessage = message;
    if (this.traces !== undefined) tellTraces(this.traces, { type: "message", ...openMessage(message) });
    let pending: void | Promise<void>;
    try {
      pending = this.behaviour.handle(message);
    } catch (error) {
      this.crash(exitReasonOf(error));
      return;
    }
    if (pending === undefined) {
      this.#lastMessage = undefined;
      if (this.traces !== undefined) tellTraces(this.traces, { type: "state", state: this.behaviour.state() });
      return;
    }
    this.#busy = true;
    pending.then(
      () => {
        this.#busy = false;
        this.#lastMessage = undefined;
        if (this.traces !== undefined) tellTraces(this.traces, { type: "state", state: this.behaviour.state() });
        this.wake();
      },
      (error: unknown) => {
        this.#busy = false;
        this.crash(exitReasonOf(error));
      },
    );
  }
}
