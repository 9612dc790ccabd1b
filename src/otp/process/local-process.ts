/** A process of this program: a mailbox and a life. */

import { type ExitReason, exitReasonOf } from "../report/exit-reason.ts";
import { callIn } from "./call-message.ts";
import { reportDeadLetter } from "./dead-letter.ts";
import type { MailboxLimit } from "./mailbox-limit.ts";
import type { OpenCall } from "./open-calls.ts";
import type { Process } from "./process.ts";
import { ProcessLife } from "./process-life.ts";
import { ExitSignal, StopRequest } from "./runtime-message.ts";
import { isSystemMessage, openMessage, runSystemRequest, tellTraces } from "./system-message.ts";

/**
 * - "over": no message is being handled
 * - "running": a handler is on the stack
 * - "waiting": a handler has answered a promise that is not settled
 */
type Turn = "over" | "running" | "waiting";

/** A process that lives here. */
export class LocalProcess extends ProcessLife implements Process {
  #queued = false;
  #turn: Turn = "over";
  #stopAsked = false;
  /** Calls to itself that the code which runs has made. */
  #selfCalls: OpenCall[] | undefined;

  set limit(limit: MailboxLimit | undefined) {
    this.mailbox.limit = limit;
  }

  get queueLength(): number {
    return this.mailbox.length + (this.behaviour.unread?.length ?? 0);
  }

  deliver(message: unknown): void {
    if (this.status === "dead") {
      reportDeadLetter(this.runtime, this, message, "noproc");
      return;
    }
    if (this.mailbox.admit(this, message)) this.wake();
  }

  deliverSignal(message: unknown): void {
    if (this.status === "dead") return;
    this.mailbox.push(message);
    this.wake();
  }

  deliverSystem(message: unknown): void {
    if (this.status === "dead") return;
    this.mailbox.pushSystem(message);
    this.wake();
  }

  deliverFirst(message: unknown): void {
    this.mailbox.unshift(message);
    this.wake();
  }

  takeMessage(match: (message: unknown) => boolean): { readonly item: unknown } | undefined {
    return this.behaviour.unread?.take(match) ?? this.mailbox.take(match);
  }

  removeMessage(match: (message: unknown) => boolean): boolean {
    return this.takeMessage(match) !== undefined;
  }

  get isHandling(): boolean {
    return this.#turn !== "over";
  }

  get waitsForItself(): boolean {
    return this.status !== "running" || this.#turn === "waiting" || this.behaviour.waits === true;
  }

  calledItself(call: OpenCall): void {
    if (this.#turn !== "running") return;
    this.#selfCalls ??= [];
    this.#selfCalls.push(call);
  }

  wake(): void {
    if (!this.#queued && this.claimTurn()) this.runtime.queue.add(this);
  }

  /** Whether it has a message to handle now; if so it counts as queued. */
  claimTurn(): boolean {
    this.#queued = this.status === "running" && this.#turn !== "waiting" && this.mailbox.hasWork(this.suspended);
    return this.#queued;
  }

  run(budget: number): number {
    return this.context.runInAsyncScope(this.#handleSome, this, budget);
  }

  /** Its turn threw, which nothing in it may: the process ends, and the others have their turns. */
  broken(error: unknown): void {
    this.runtime.report({ type: "process.late_error", process: this.toString(), error });
    this.finish(exitReasonOf(error));
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
      const message = new ExitSignal(from, reason);
      if (isSystemMessage(this, message)) this.deliverSystem(message);
      else this.deliverSignal(message);
      return;
    }
    if (reason === "normal" && from !== this) return;
    this.finish(reason);
  }

  requestStop(reason: ExitReason): void {
    // The first ends it: a process that is slow to end keeps no other.
    if (this.#stopAsked) return;
    this.#stopAsked = true;
    this.deliverSystem(new StopRequest(reason));
  }

  #handleSome(budget: number): number {
    let count = 0;
    while (count < budget && this.status === "running" && this.#turn !== "waiting") {
      let message: unknown;
      if (this.suspended) {
        const system = this.mailbox.takeSystem(this);
        if (system === undefined) break;
        message = system.item;
      } else {
        if (this.mailbox.length === 0) break;
        message = this.mailbox.shift();
      }
      count += 1;
      if (this.mailbox.isSystem(this, message)) this.#handleSystem(message);
      else this.#handleOne(message);
    }
    return count;
  }

  #handleSystem(message: unknown): void {
    const request = callIn(message);
    if (message instanceof StopRequest) this.end(message.reason);
    else if (request !== undefined) runSystemRequest(this, request);
    else this.#handleOne(message);
  }

  #handleOne(message: unknown): void {
    this.handled += 1;
    this.lastMessage = message;
    if (this.traces !== undefined) tellTraces(this.traces, { type: "message", ...openMessage(message) });
    let pending: void | Promise<void>;
    this.#turn = "running";
    try {
      pending = this.behaviour.handle(message);
    } catch (error) {
      this.#turn = "over";
      this.crash(exitReasonOf(error));
      return;
    }
    if (pending === undefined) {
      this.#turn = "over";
      if (this.#selfCalls !== undefined) this.#selfCalls = undefined;
      this.#handledIt();
      return;
    }
    this.#turn = "waiting";
    if (this.#selfCalls !== undefined) this.#refuseSelfCalls();
    pending.then(
      () => {
        this.#turn = "over";
        this.#handledIt();
        this.wake();
      },
      (error: unknown) => {
        this.#turn = "over";
        this.crash(exitReasonOf(error));
      },
    );
  }

  #refuseSelfCalls(): void {
    const calls = this.#selfCalls ?? [];
    this.#selfCalls = undefined;
    for (const call of calls) {
      this.mailbox.remove(this, call);
      call.deadlocked();
    }
  }

  #handledIt(): void {
    this.lastMessage = undefined;
    if (this.traces !== undefined) tellTraces(this.traces, { type: "state", state: this.behaviour.state() });
  }
}
