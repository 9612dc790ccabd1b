/** One server at work: what a process that is a server does with its messages. */

import type { AnyActorRef, EventObject } from "xstate";
import { ProcessError } from "../../errors.ts";
import type { Behaviour, Shown } from "../process/behaviour.ts";
import type { Process } from "../process/process.ts";
import type { ExitReason } from "../report/exit-reason.ts";
import { PendingCall } from "../request/call.ts";
import { longestTimerMs } from "../scheduler/clock.ts";
import { StartRefused } from "../start/start-refused.ts";
import type { AnyServerDefinition, InitResult, Stop, Then } from "./definition.ts";

/** A timeout that a handler has set; as a message it is valid while it is the last one set. */
interface ServerTimeout {
  readonly type: "$timeout";
  readonly message: unknown;
  handle: unknown;
}

/** The behaviour of a server's process. */
export class ServerBehaviour implements Behaviour {
  readonly actor: AnyActorRef;
  readonly followsParent = true;
  process!: Process;
  /** The event that the process hands to its own actor: everything else comes from XState's side. */
  delivering: EventObject | undefined;
  readonly #callbacks: AnyServerDefinition;
  #input: unknown;
  #state: unknown;
  #timeout: ServerTimeout | undefined;
  #pending: void | Promise<void> = undefined;
  /** What a handler threw inside the actor's transition. */
  #failure: { error: unknown } | undefined;
  #replyAfterEnd: { to: PendingCall; value: unknown } | undefined;

  constructor(callbacks: AnyServerDefinition, input: unknown, actor: AnyActorRef) {
    this.#callbacks = callbacks;
    this.#input = input;
    this.actor = actor;
  }

  begin(): void | Promise<void> {
    const result = this.#callbacks.init(this.#input);
    this.#input = undefined;
    if (result instanceof Promise) return result.then((settled) => this.#begun(settled));
    this.#begun(result);
  }

  /** A server made by `createActor` alone begins with its actor. */
  actorStarted(): void {
    if (this.process.standalone) this.process.beginStandalone();
  }

  /** XState has stopped the actor: to the server that is its parent's wish. */
  stoppedByActor(): void {
    if (this.process.trapExit) this.process.end("shutdown");
    else this.process.finish("shutdown");
  }

  handle(message: unknown): void | Promise<void> {
    const event = (isEvent(message) ? message : { type: "$info", message }) as EventObject;
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
    let hook: void | Promise<void>;
    try {
      hook = this.#callbacks.terminate?.(reason, this.#state);
    } catch (error) {
      after();
      throw error;
    }
    if (!(hook instanceof Promise)) return after();
    return hook.finally(after);
  }

  dispose(reason: ExitReason): void {
    this.#clearTimeout();
    if (this.actor.getSnapshot().status === "active") this.actor.send({ type: "$exit", reason } as EventObject);
  }

  state(): unknown {
    if (this.#callbacks.formatStatus === undefined || this.#state === undefined) return this.#state;
    try {
      return this.redact({ state: this.#state }).state;
    } catch (error) {
      return `formatStatus threw: ${String(error)}`;
    }
  }

  rawState(): unknown {
    return this.#state;
  }

  replaceState(state: unknown): void {
    this.#state = state;
    this.actor.send({ type: "$shown" });
  }

  redact(shown: Shown): Shown {
    const all = { ...shown, state: this.#state };
    return { ...all, ...this.#callbacks.formatStatus?.(all) };
  }

  #begun(result: InitResult<unknown>): void {
    if (this.process.status !== "starting") return;
    if (isObject(result)) {
      if ("state" in result) {
        this.#state = result.state;
        this.actor.send({ type: "$shown" });
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
    if (event.type === "$timeout") {
      // One that a message came before is not valid any more.
      if ((event as EventObject) !== (this.#timeout as unknown)) return;
      this.#timeout = undefined;
      return this.#info((event as unknown as ServerTimeout).message);
    }
    this.#clearTimeout();
    const callbacks = this.#callbacks;
    if (event instanceof PendingCall) {
      if (callbacks.handleCall === undefined) throw missing("handleCall", event.message);
      const result = callbacks.handleCall(event.message, this.#state, event);
      if (result instanceof Promise)
        return result.then((settled) => this.#later(() => this.#afterCall(settled, event)));
      return this.#afterCall(result, event);
    }
    switch (event.type) {
      case "$cast": {
        const { message } = event as unknown as { message: unknown };
        if (callbacks.handleCast === undefined) throw missing("handleCast", message);
        return this.#after("handleCast", callbacks.handleCast(message, this.#state));
      }
      case "$continue": {
        const { argument } = event as unknown as { argument: unknown };
        if (callbacks.handleContinue === undefined) throw missing("handleContinue", argument);
        return this.#after("handleContinue", callbacks.handleContinue(argument, this.#state));
      }
      case "EXIT": {
        const { from, reason } = event as unknown as { from: Process | undefined; reason: ExitReason };
        if (from === undefined || from !== this.process.parent) return this.#info(event);
        return this.process.end(reason);
      }
      case "$info":
        return this.#info((event as unknown as { message: unknown }).message);
      default:
        return this.#info(event);
    }
  }

  #info(message: unknown): void | Promise<void> {
    const callbacks = this.#callbacks;
    if (callbacks.handleInfo !== undefined)
      return this.#after("handleInfo", callbacks.handleInfo(message, this.#state));
    const { runtime } = this.process;
    runtime.report({ type: "dead_letter", to: this.process.toString(), message, why: "unhandled" });
  }

  #after(callback: string, result: unknown): void | Promise<void> {
    if (result instanceof Promise) return result.then((settled) => this.#later(() => this.#settle(callback, settled)));
    this.#settle(callback, result);
  }

  /** What an asynchronous handler has answered; of a server that has ended meanwhile it is dropped. */
  #later(settle: () => void): void {
    if (this.process.status !== "running") return;
    settle();
    if (this.process.alive) this.actor.send({ type: "$shown" });
  }

  #afterCall(result: unknown, from: PendingCall): void {
    if (isObject(result)) {
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

  #settle(callback: string, result: unknown): void {
    if (isObject(result)) {
      if ("stop" in result) {
        this.#stop(result as unknown as Stop<unknown>);
        return;
      }
      if ("state" in result || "noreply" in result) {
        if ("state" in result) this.#state = result.state;
        this.#then(result as Then);
        return;
      }
    }
    throw badReturn(callback, result);
  }

  #stop(result: Stop<unknown>): void {
    if ("state" in result) this.#state = result.state;
    this.process.end(result.stop);
  }

  #then(result: Then): void {
    if ("continue" in result) {
      this.process.deliverFirst({ type: "$continue", argument: result.continue });
      return;
    }
    const { timeoutMs } = result;
    if (timeoutMs === undefined) return;
    if (!(timeoutMs >= 0 && timeoutMs <= longestTimerMs)) throw badReturn("timeoutMs", timeoutMs);
    const timeout: ServerTimeout = {
      type: "$timeout",
      message: result.timeoutMessage ?? { type: "timeout" },
      handle: undefined,
    };
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

function missing(callback: string, message: unknown): ProcessError {
  return new ProcessError("exited", `the server has no ${callback}`, { reason: { type: "undef", callback, message } });
}

function badReturn(callback: string, value: unknown): ProcessError {
  const reason = { type: "bad_return_value", callback, value };
  return new ProcessError("exited", `${callback} answered what it may not answer`, { reason });
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null;
}

function isEvent(message: unknown): message is EventObject {
  return isObject(message) && typeof message.type === "string";
}
