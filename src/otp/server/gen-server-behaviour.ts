/** One server at work: what a process that is a server does with its messages. */

import type { AnyActorRef, EventObject } from "xstate";
import type { Behaviour, Shown } from "../process/behaviour.ts";
import { CallMessage } from "../process/call-message.ts";
import type { LocalProcess } from "../process/local-process.ts";
import { CastMessage, ExitSignal, InfoMessage, RuntimeMessage } from "../process/runtime-message.ts";
import { mailEvent } from "../process/target.ts";
import { describeExitReason, type ExitReason, exitReasonOf } from "../report/exit-reason.ts";
import type { From } from "../request/call.ts";
import { isThenable } from "../scheduler/thenable.ts";
import { passEvent } from "../scheduler/xstate-adapter.ts";
import { beginStandalone } from "../start/spawning.ts";
import { StartRefused } from "../start/start-refused.ts";
import { badReturn, missing, promisedReply, timeoutIn } from "./answer.ts";
import type { AnyServerDefinition, InitResult, Stop, Then } from "./definition.ts";
import { ContinueMessage, EndEvent, isEndOf, shown, type TimeoutAsked, TimeoutMessage } from "./messages.ts";

/** The behaviour of a server's process. */
export class ServerBehaviour implements Behaviour {
  readonly actor: AnyActorRef;
  readonly followsParent = true;
  process!: LocalProcess;
  /** The event that the process hands to its own actor: everything else comes from XState's side. */
  delivering: EventObject | undefined;
  readonly #callbacks: AnyServerDefinition;
  #input: unknown;
  #state: unknown;
  #timeout: TimeoutMessage | undefined;
  #pending: void | Promise<void> = undefined;
  /** What a handler threw inside the actor's transition. */
  #failure: { error: unknown } | undefined;
  #replyAfterEnd: { to: CallMessage; value: unknown } | undefined;

  constructor(callbacks: AnyServerDefinition, input: unknown, actor: AnyActorRef) {
    this.#callbacks = callbacks;
    this.#input = input;
    this.actor = actor;
  }

  begin(): void | Promise<void> {
    const result = this.#callbacks.init(this.#input);
    this.#input = undefined;
    if (isThenable(result)) return Promise.resolve(result).then((settled) => this.#begun(settled));
    this.#begun(result);
  }

  /** A server made by `createActor` alone begins with its actor. */
  actorStarted(): void {
    beginStandalone(this.process);
  }

  /** XState has stopped the actor: to the server that is its parent's wish. */
  stoppedByActor(): void {
    if (this.process.trapExit) this.process.end("shutdown");
    else this.process.finish("shutdown");
  }

  handle(message: unknown): void | Promise<void> {
    // XState reads an event's type again and again: that of a message may be anything, and change.
    const event = RuntimeMessage.is(message) ? message : new InfoMessage(message);
    this.delivering = event;
    this.#pending = undefined;
    this.actor.send(event);
    const failure = this.#failure;
    if (failure !== undefined) {
      this.#failure = undefined;
      throw failure.error;
    }
    return this.#pending;
  }

  sentToActor(event: EventObject): void {
    const own = (event === this.delivering && event !== undefined) || event === shown || isEndOf(this, event);
    if (own) passEvent(this.actor, event);
    else mailEvent(this.process, event);
  }

  /** Handles an event inside the actor's transition. Answers whether the state may have changed. */
  react(event: EventObject): boolean {
    try {
      this.#pending = this.#dispatch(event);
    } catch (error) {
      // XState would end the actor here; the process does it, after its terminate hook.
      this.#failure = { error };
      return false;
    }
    return this.#pending === undefined;
  }

  terminate(reason: ExitReason): void | Promise<void> {
    this.#clearTimeout();
    const after = (): void => {
      const late = this.#replyAfterEnd;
      this.#replyAfterEnd = undefined;
      late?.to.answer(late.value);
    };
    let hook: void | PromiseLike<void>;
    try {
      hook = this.#callbacks.terminate?.(reason, this.#state);
    } catch (error) {
      after();
      throw error;
    }
    if (!isThenable(hook)) return after();
    return Promise.resolve(hook).finally(after);
  }

  dispose(reason: ExitReason): void {
    this.#clearTimeout();
    if (this.actor.getSnapshot().status === "active") this.actor.send(new EndEvent(this, reason));
  }

  state(): unknown {
    if (this.#callbacks.formatStatus === undefined || this.#state === undefined) return this.#state;
    try {
      return this.redact({ state: this.#state }).state;
    } catch (error) {
      return `formatStatus threw: ${describeExitReason(exitReasonOf(error))}`;
    }
  }

  rawState(): unknown {
    return this.#state;
  }

  replaceState(state: unknown): void {
    this.#state = state;
    this.actor.send(shown);
  }

  redact(shown: Shown): Shown {
    const all = { ...shown, state: this.#state };
    const formatted = this.#callbacks.formatStatus?.(all);
    if (!isThenable(formatted)) return { ...all, ...formatted };
    // What it would have left out must not be shown; its own failure is nobody's.
    Promise.resolve(formatted).catch(() => undefined);
    throw badReturn("formatStatus", formatted, "a promise: it is asked at once");
  }

  #begun(result: InitResult<unknown>): void {
    if (this.process.status !== "starting") return;
    if (isObject(result)) {
      if ("state" in result) {
        this.#state = result.state;
        this.actor.send(shown);
        this.#then(result as Then);
        return;
      }
      if ("ignore" in result) throw new StartRefused("ignore", "normal");
      if ("error" in result) throw new StartRefused("error", result.error);
      if ("stop" in result) throw new StartRefused("stop", result.stop);
    }
    throw badReturn("init", result);
  }

  #dispatch(event: EventObject): void | Promise<void> {
    if (event instanceof TimeoutMessage) {
      // One that a message came before is not valid any more.
      if (event !== this.#timeout) return;
      this.#timeout = undefined;
      return this.#info(event.message);
    }
    this.#clearTimeout();
    if (event instanceof CallMessage) return this.#call(event);
    if (event instanceof CastMessage) return this.#cast(event.message);
    if (event instanceof InfoMessage) return this.#info(event.message);
    if (event instanceof ContinueMessage) return this.#continue(event);
    if (event instanceof ExitSignal && event.isOfParent(this.process)) return this.process.end(event.reason);
    return this.#info(event);
  }

  #call(event: CallMessage): void | Promise<void> {
    const callbacks = this.#callbacks;
    if (callbacks.handleCall === undefined) throw missing("handleCall", event.message);
    const result = callbacks.handleCall(event.message, this.#state, event as unknown as From);
    if (!isThenable(result)) return this.#afterCall(result, event);
    return Promise.resolve(result).then((settled) => this.#later(() => this.#afterCall(settled, event)));
  }

  #cast(message: unknown): void | Promise<void> {
    const callbacks = this.#callbacks;
    if (callbacks.handleCast === undefined) throw missing("handleCast", message);
    return this.#after("handleCast", callbacks.handleCast(message, this.#state));
  }

  #continue({ argument, timeout }: ContinueMessage): void | Promise<void> {
    const callbacks = this.#callbacks;
    if (callbacks.handleContinue === undefined) throw missing("handleContinue", argument);
    return this.#after("handleContinue", callbacks.handleContinue(argument, this.#state), timeout);
  }

  #info(message: unknown): void | Promise<void> {
    const callbacks = this.#callbacks;
    if (callbacks.handleInfo !== undefined)
      return this.#after("handleInfo", callbacks.handleInfo(message, this.#state));
    const { runtime } = this.process;
    runtime.report({ type: "dead_letter", to: this.process.toString(), message, why: "unhandled" });
  }

  #after(callback: string, result: unknown, timeout?: TimeoutAsked): void | Promise<void> {
    if (!isThenable(result)) {
      this.#settle(callback, result, timeout);
      return;
    }
    return Promise.resolve(result).then((settled) => this.#later(() => this.#settle(callback, settled, timeout)));
  }

  /** What an asynchronous handler has answered; of a server that has ended meanwhile it is dropped. */
  #later(settle: () => void): void {
    if (this.process.status !== "running") return;
    settle();
    if (this.process.alive) this.actor.send(shown);
  }

  #afterCall(result: unknown, from: CallMessage): void {
    if (isObject(result)) {
      if ("reply" in result && isThenable(result.reply)) throw badReturn("handleCall", result, promisedReply);
      if ("stop" in result) {
        if ("reply" in result) this.#replyAfterEnd = { to: from, value: result.reply };
        this.#stop(result as unknown as Stop<unknown>);
        return;
      }
      if ("reply" in result || "noreply" in result) {
        if ("state" in result) this.#state = result.state;
        if ("reply" in result) from.answer(result.reply);
        this.#then(result as Then);
        return;
      }
    }
    throw badReturn("handleCall", result);
  }

  #settle(callback: string, result: unknown, timeout?: TimeoutAsked): void {
    if (isObject(result)) {
      if ("stop" in result) {
        this.#stop(result as unknown as Stop<unknown>);
        return;
      }
      if ("state" in result || "noreply" in result) {
        if ("state" in result) this.#state = result.state;
        this.#then(result as Then, timeout);
        return;
      }
    }
    throw badReturn(callback, result);
  }

  #stop(result: Stop<unknown>): void {
    if ("state" in result) this.#state = result.state;
    this.process.end(result.stop);
  }

  /** `before` is the timeout that was set beside the `continue` that has been handled. */
  #then(result: Then, before?: TimeoutAsked): void {
    const asked = timeoutIn(result, before);
    if ("continue" in result) this.process.deliverFirst(new ContinueMessage(result.continue, asked));
    else if (asked !== undefined) this.#setTimeout(asked);
  }

  #setTimeout({ timeoutMs, message }: TimeoutAsked): void {
    const timeout = new TimeoutMessage(message);
    this.#timeout = timeout;
    if (timeoutMs === 0) this.process.deliverFirst(timeout);
    else timeout.handle = this.process.runtime.clock.setTimeout(() => this.process.deliver(timeout), timeoutMs);
  }

  #clearTimeout(): void {
    const timeout = this.#timeout;
    if (timeout === undefined) return;
    this.#timeout = undefined;
    if (timeout.handle !== undefined) this.process.runtime.clock.clearTimeout(timeout.handle);
  }
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null;
}
