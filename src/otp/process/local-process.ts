/** A process of this program: a mailbox and a life. */

import type { AsyncResource } from "node:async_hooks";
import type { AnyActorRef } from "xstate";
import { type ExitReason, exitReasonOf, isCleanExit } from "../report/exit-reason.ts";
import { Deque } from "../scheduler/deque.ts";
import type { Behaviour } from "./behaviour.ts";
import { crashReport } from "./crash-report.ts";
import { openContext, runAs } from "./current.ts";
import { reportDeadLetter } from "./dead-letter.ts";
import { leave } from "./leave.ts";
import { type MailboxLimit, mailboxAdmits } from "./mailbox-limit.ts";
import type { OpenCall } from "./open-calls.ts";
import type {
  ExitHook,
  ExitMessage,
  Held,
  Process,
  ProcessStatus,
  Runtime,
  Supervision,
  Trace,
  Watcher,
} from "./process.ts";
import { isSystemMessage, openMessage, runSystemRequest, tellTraces } from "./system-message.ts";
import { unwatchUncaught, watchUncaught } from "./uncaught.ts";

/** A process that lives here. */
export class LocalProcess implements Process {
  readonly id: number;
  readonly runtime: Runtime;
  parent: Process | undefined;
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
  limit: MailboxLimit | undefined;
  handled = 0;
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

  deliver(message: unknown): void {
    if (this.status === "dead") {
      reportDeadLetter(this.runtime, this, message, "noproc");
      return;
    }
    if (this.limit !== undefined && !mailboxAdmits(this, this.limit, message)) return;
    this.#mailbox.push(message);
    this.wake();
  }

  deliverSignal(message: unknown): void {
    if (this.status === "dead") return;
    this.#mailbox.push(message);
    this.wake();
  }

  deliverSystem(message: unknown): void {
    this.#systemWaiting += 1;
    this.deliverSignal(message);
  }

  deliverFirst(message: unknown): void {
    this.#mailbox.unshift(message);
    this.wake();
  }

  takeMessage(match: (message: unknown) => boolean): { readonly item: unknown } | undefined {
    return this.behaviour.unread?.take(match) ?? this.#mailbox.take(match);
  }

  removeMessage(match: (message: unknown) => boolean): boolean {
    return this.takeMessage(match) !== undefined;
  }

  wake(): void {
    if (!this.#queued && this.claimTurn()) this.runtime.queue.add(this);
  }

  run(budget: number): number {
    return this.context.runInAsyncScope(this.#handleSome, this, budget);
  }

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

  discard(): void {
    this.status = "dead";
    this.exitReason = "normal";
    this.runtime.processCount -= 1;
    unwatchUncaught();
  }

  addExitHook(hook: ExitHook): void {
    this.exitHooks ??= new Set();
    this.exitHooks.add(hook);
  }

  removeExitHook(hook: ExitHook): void {
    this.exitHooks?.delete(hook);
    if (this.exitHooks?.size === 0) this.exitHooks = undefined;
  }

  started(): void {
    if (this.status !== "starting") return;
    this.status = "running";
    this.wake();
  }

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

  crash(reason: ExitReason): void {
    if (this.status === "starting") this.fail(reason);
    else this.end(reason);
  }

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

  requestStop(reason: ExitReason): void {
    this.deliverSystem({ type: "$stop", reason });
  }

  finish(reason: ExitReason): void {
    if (this.status === "dead") return;
    this.status = "dead";
    this.exitReason = reason;
    this.#lastMessage = undefined;
    this.runtime.signal(() => leave(this, reason, this.#mailbox));
  }

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
        runSystemRequest(this, message as OpenCall);
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
