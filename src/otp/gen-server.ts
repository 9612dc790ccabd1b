/** A server: one message at a time, state that only it changes. Source: OTP's gen_server behaviour. */

import type { ActorLogic, AnyActorRef, AnyActorScope, EventObject, Snapshot } from "xstate";
import type { Shown } from "./behaviour.ts";
import type { From } from "./call.ts";
import type { ExitReason } from "./exit-reason.ts";
import { ServerBehaviour } from "./gen-server-behaviour.ts";
import type { Protocol } from "./protocol.ts";
import { adoptProcess } from "./spawning.ts";

/** What may follow any answer of a handler. */
export interface Then {
  /**
   * Without another message for this many milliseconds handleInfo gets `timeoutMessage`. Any handled message cancels it; inspection does
   * not. 0: before messages that wait. Default: no timeout.
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

/** What `formatStatus` is given. `message` and `reason` are there in a crash report only. */
export interface FormattedStatus<State> extends Shown {
  state: State;
}

/** The callbacks of a server. A message without its callback is a crash, except info, which is reported and dropped. */
export interface GenServerDefinition<State, Input, Call, Reply, Cast> {
  init(input: Input): MaybeAsync<InitResult<State>>;
  handleCall?(message: Call, state: State, from: From): MaybeAsync<CallResult<State, Reply>>;
  handleCast?(message: Cast, state: State): MaybeAsync<HandlerResult<State>>;
  handleInfo?(message: unknown, state: State): MaybeAsync<HandlerResult<State>>;
  handleContinue?(argument: unknown, state: State): MaybeAsync<HandlerResult<State>>;
  /** Runs before an orderly end and after a crash (with the state before it); never on "killed", nor on an exit signal that is not trapped. */
  terminate?(reason: ExitReason, state: State): MaybeAsync<void>;
  /**
   * What inspectors, `getStatus` and crash reports show: of the state, of the message that was being handled and of the reason. What it
   * leaves out is shown as it is; secrets are replaced here.
   */
  formatStatus?(shown: FormattedStatus<State>): Partial<Shown>;
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

/** A definition whose types are no longer known. */
export type AnyServerDefinition = GenServerDefinition<unknown, unknown, unknown, unknown, unknown>;

const server = Symbol("server");

type ServerSnapshot = GenServerSnapshot<unknown> & { readonly [server]: ServerBehaviour };

/** The replies among what handleCall answers. The answer is inferred whole: of several replies TypeScript would take the first. */
type ReplyIn<Answer> = Answer extends { reply: infer Reply } ? Reply : never;

/** Makes a server of its callbacks. Messages, replies and state are inferred from them. */
export function fromGenServer<
  State,
  Input = undefined,
  Call = never,
  Answer extends CallResult<State, unknown> = never,
  Cast = never,
>(
  definition: Omit<GenServerDefinition<State, Input, Call, unknown, Cast>, "handleCall"> & {
    handleCall?(message: Call, state: State, from: From): MaybeAsync<Answer>;
  },
): GenServerLogic<State, Input, { call: Call; reply: ReplyIn<Answer>; cast: Cast }> {
  const callbacks = definition as unknown as AnyServerDefinition;
  const name = definition.name ?? "gen_server";
  const logic = {
    otp: "gen_server",
    config: { id: name, ...chart },
    getInitialSnapshot(scope: AnyActorScope, input: unknown): ServerSnapshot {
      const instance = new ServerBehaviour(callbacks, input, scope.self as AnyActorRef);
      instance.process = adoptProcess(instance, name);
      if (definition.trapExit === true) instance.process.trapExit = true;
      return snapshotOf(instance, "active", "initializing");
    },
    transition(snapshot: ServerSnapshot, event: EventObject): ServerSnapshot {
      const instance = snapshot[server];
      if (event === instance.delivering) {
        instance.delivering = undefined;
        return instance.react(event) ? snapshotOf(instance, "active", "running") : snapshot;
      }
      if (event.type === "$shown") return snapshotOf(instance, "active", "running");
      if (event.type === "$exit") return endOf(instance, (event as unknown as { reason: ExitReason }).reason);
      if (event.type === "xstate.stop") {
        instance.stoppedByActor();
        return snapshotOf(instance, "stopped", "terminated");
      }
      // From XState's own side (sendTo, actor.send): an ordinary message, in its turn.
      instance.process.deliver(event);
      return snapshot;
    },
    start(snapshot: ServerSnapshot): void {
      snapshot[server].actorStarted();
    },
    getPersistedSnapshot: (snapshot: ServerSnapshot) => snapshot,
  };
  return logic as unknown as GenServerLogic<State, Input, { call: Call; reply: ReplyIn<Answer>; cast: Cast }>;
}

function snapshotOf(
  instance: ServerBehaviour,
  status: GenServerSnapshot<unknown>["status"],
  value: GenServerSnapshot<unknown>["value"],
): ServerSnapshot {
  const context = { state: instance.state() };
  return { status, output: undefined, error: undefined, input: undefined, value, context, [server]: instance };
}

function endOf(instance: ServerBehaviour, reason: ExitReason): ServerSnapshot {
  return reason instanceof Error
    ? { ...snapshotOf(instance, "error", "terminated"), error: reason }
    : { ...snapshotOf(instance, "done", "terminated"), output: reason };
}
