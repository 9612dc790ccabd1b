/** A server: one message at a time, state that only it changes. Source: OTP's gen_server behaviour. */

import type { ActorLogic, AnyActorRef, AnyActorScope, EventObject, Snapshot } from "xstate";
import { ProcessError } from "../errors.ts";
import { type From, PendingCall } from "./call.ts";
import { describeExitReason, type ExitReason } from "./exit-reason.ts";
import type { Behaviour, Process } from "./process.ts";
import type { Protocol } from "./protocol.ts";
import { adoptProcess } from "./spawning.ts";

/** What may follow any answer of a handler. */
export interface Then {
  /**
   * Without another message for this long, handleInfo gets `timeoutMessage`. Any handled message cancels it. 0: before messages that wait.
   */
  timeoutMs?: number;
  /** Default `{ type: "timeout" }`. */
  timeoutMessage?: unknown;
  /** handleContinue gets this before any other message. */
  continue?: unknown;
}

/** What init answers. `ignore`: do not start, and that is no error. `error`: do not start, quietly. `stop`: do not start, with that reason. */
export type InitResult<State> =
  | ({ state: State } & Then)
  | { ignore: true }
  | { error: ExitReason }
  | { stop: ExitReason };

/** Ends the server: terminate runs, then it ends with the reason; a reply is sent after terminate. */
export interface Stop<State, Reply = never> {
  stop: ExitReason;
  reply?: Reply;
  state?: State;
}

/** What handleCall answers: a reply, `noreply` (answer later with `reply(from, …)`), or a stop. Without `state` it stays as it is. */
export type CallResult<State, Reply> =
  | ({ reply: Reply; state?: State } & Then)
  | ({ noreply: true; state?: State } & Then)
  | Stop<State, Reply>;

/** What the other handlers answer. */
export type HandlerResult<State> = ({ state: State } & Then) | ({ noreply: true; state?: State } & Then) | Stop<State>;

type MaybeAsync<T> = T | Promise<T>;

/** The callbacks of a server. A message without its callback is a crash, except info, which is reported and dropped. */
export interface GenServerDefinition<State, Input, Call, Reply, Cast> {
  init(input: Input): MaybeAsync<InitResult<State>>;
  handleCall?(message: Call, state: State, from: From): MaybeAsync<CallResult<State, Reply>>;
  handleCast?(message: Cast, state: State): MaybeAsync<HandlerResult<State>>;
  handleInfo?(message: unknown, state: State): MaybeAsync<HandlerResult<State>>;
  handleContinue?(argument: unknown, state: State): MaybeAsync<HandlerResult<State>>;
  /** Runs before an orderly end and after a crash (with the state before it); never on "killed", nor on an exit signal that is not trapped. */
  terminate?(reason: ExitReason, state: State): MaybeAsync<void>;
  /** What inspectors, `getState` and crash reports show instead of the state: leave secrets out. */
  formatStatus?(state: State): unknown;
  /** Whether exit signals become `{ type: "EXIT" }` messages from the beginning, so that terminate runs on a shutdown. Default false. */
  trapExit?: boolean;
  /** What inspectors and reports call it; default "gen_server". */
  name?: string;
}

/** What an inspector sees of a server. */
export interface GenServerSnapshot<State> {
  status: "active" | "done" | "error" | "stopped";
  output: ExitReason | undefined;
  error: unknown;
  input: unknown;
  value: "initializing" | "running" | "terminated";
  context: { state: State | undefined };
}

/** XState logic that is a server: for `createActor`, `start`, or as a child of a supervisor. */
export type GenServerLogic<State, Input, P extends Protocol> = ActorLogic<
  GenServerSnapshot<State> & Snapshot<ExitReason>,
  EventObject,
  Input
> & { readonly otp: "gen_server"; readonly protocol?: P };

/** Chart that inspectors draw. */
const chart = {
  initial: "initializing",
  states: {
    initializing: { on: { $started: "running" } },
    running: { on: { $exit: "terminated" } },
    terminated: { type: "final" },
  },
};

type AnyDefinition = GenServerDefinition<unknown, unknown, unknown, unknown, unknown>;

/** Makes a server of its callbacks. Messages, replies and state are inferred from them. */
export function fromGenServer<State, Input = undefined, Call = never, Reply = never, Cast = never>(
  definition: GenServerDefinition<State, Input, Call, Reply, Cast>,
): GenServerLogic<State, Input, { call: Call; reply: Reply; cast: Cast }> {
  const callbacks = definition as unknown as AnyDefinition;
  const name = definition.name ?? "gen_server";
  type Shown = GenServerSnapshot<unknown> & { [server]?: GenServer };
  const logic = {
    otp: "gen_server",
    config: { id: name, ...chart },
    getInitialSnapshot(scope: AnyActorScope, input: unknown): Shown {
      const instance = new GenServer(callbacks, input, scope.self as AnyActorRef);
      instance.process = adoptProcess(instance, name);
      if (definition.trapExit === true) instance.process.trapExit = true;
      return shown(instance, "active", "initializing");
    },
    transition(snapshot: Shown, event: EventObject): Shown {
      const instance = snapshot[server] as GenServer;
      if (event === instance.delivering) {
        instance.delivering = undefined;
        return instance.react(event) ? shown(instance, "active", "running") : snapshot;
      }
      if (event.type === "$exit") return ended(instance, (event as unknown as { reason: ExitReason }).reason);
      if (event.type === "$shown") return shown(instance, "active", "running");
      // From XState's own side (sendTo, actor.send): an ordinary message, in its turn.
      instance.process.deliver(event);
      return snapshot;
    },
    start(snapshot: Shown): void {
      (snapshot[server] as GenServer).actorStarted();
    },
    getPersistedSnapshot: (snapshot: Shown) => snapshot,
  };
  return logic as unknown as GenServerLogic<State, Input, { call: Call; reply: Reply; cast: Cast }>;
}

const server = Symbol("server");

function shown(instance: GenServer, status: "active", value: "initializing" | "running"): GenServerSnapshot<unknown> {
  const context = { state: instance.visibleState() };
  return { status, output: undefined, error: undefined, input: undefined, value, context, [server]: instance } as never;
}

function ended(instance: GenServer, reason: ExitReason): GenServerSnapshot<unknown> {
  const crashed = reason instanceof Error;
  const context = { state: instance.visibleState() };
  return {
    status: crashed ? "error" : "done",
    output: crashed ? undefined : reason,
    error: crashed ? reason : undefined,
    input: undefined,
    value: "terminated",
    context,
    [server]: instance,
  } as never;
}

/** One server at work. */
class GenServer implements Behaviour {
  readonly actor: AnyActorRef;
  readonly followsParent = true;
  process!: Process;
  /** The event that the process hands to its own actor: everything else comes from XState's side. */
  delivering: EventObject | undefined;
  readonly #callbacks: AnyDefinition;
  #input: unknown;
  #state: unknown;
  #timer: unknown;
  #pending: void | Promise<void> = undefined;
  /** What a handler threw inside the actor's transition. */
  #failure: { error: unknown } | undefined;
  #replyAfterEnd: { to: PendingCall; value: unknown } | undefined;

  constructor(callbacks: AnyDefinition, input: unknown, actor: AnyActorRef) {
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
    this.#clearTimer();
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
    this.#clearTimer();
    if (this.actor.getSnapshot().status === "active") this.actor.send({ type: "$exit", reason } as EventObject);
  }

  state(): unknown {
    return this.visibleState();
  }

  visibleState(): unknown {
    return this.#callbacks.formatStatus === undefined || this.#state === undefined
      ? this.#state
      : this.#callbacks.formatStatus(this.#state);
  }

  rawState(): unknown {
    return this.#state;
  }

  replaceState(state: unknown): void {
    this.#state = state;
    this.actor.send({ type: "$shown" });
  }

  #begun(result: InitResult<unknown>): void {
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
    this.#clearTimer();
    const callbacks = this.#callbacks;
    if (event instanceof PendingCall) {
      if (callbacks.handleCall === undefined) throw missing("handleCall", event.message);
      const result = callbacks.handleCall(event.message, this.#state, event);
      if (result instanceof Promise) return result.then((settled) => this.#afterCall(settled, event)).then(this.#show);
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
        if (from !== undefined && from === this.process.parent) {
          this.process.end(reason);
          return;
        }
        return this.#info(event);
      }
      case "$info":
        return this.#info((event as unknown as { message: unknown }).message);
      default:
        return this.#info(event);
    }
  }

  #info(message: unknown): void | Promise<void> {
    const { handleInfo } = this.#callbacks;
    if (handleInfo !== undefined)
      return this.#after("handleInfo", handleInfo.call(this.#callbacks, message, this.#state));
    this.process.runtime.report({ type: "dead_letter", to: this.process.toString(), message, why: "unhandled" });
  }

  readonly #show = (): void => {
    if (this.process.alive) this.actor.send({ type: "$shown" });
  };

  #after(callback: string, result: unknown): void | Promise<void> {
    if (result instanceof Promise) return result.then((settled) => this.#settle(callback, settled)).then(this.#show);
    this.#settle(callback, result);
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
    if (result.timeoutMs === undefined) return;
    const message = result.timeoutMessage ?? { type: "timeout" };
    if (result.timeoutMs === 0) {
      this.process.deliverFirst(message);
      return;
    }
    this.#timer = this.process.runtime.clock.setTimeout(() => {
      this.#timer = undefined;
      this.process.deliver(message);
    }, result.timeoutMs);
  }

  #clearTimer(): void {
    if (this.#timer === undefined) return;
    this.process.runtime.clock.clearTimeout(this.#timer);
    this.#timer = undefined;
  }
}

/** An init that chose not to start: no crash, nothing is reported. */
export class StartRefused extends Error {
  readonly how: "ignore" | "error" | "stop";
  readonly reason: ExitReason;

  constructor(how: "ignore" | "error" | "stop", reason: ExitReason) {
    super(`init answered ${how}: ${describeExitReason(reason)}`);
    this.how = how;
    this.reason = reason;
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
