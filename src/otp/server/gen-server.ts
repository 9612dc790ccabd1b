/** Makes XState logic of a server's callbacks: one message at a time, state that only the server changes. */

import type { ActorLogic, AnyActorRef, AnyActorScope, EventObject, Snapshot } from "xstate";
import { checkObject } from "../process/argument.ts";
import { type ExitReason, isA } from "../report/exit-reason.ts";
import type { From } from "../request/call.ts";
import type { Protocol } from "../request/protocol.ts";
import { adoptProcess } from "../start/spawning.ts";
import type { AnyServerDefinition, CallResult, GenServerDefinition, MaybeAsync } from "./definition.ts";
import { ServerBehaviour } from "./gen-server-behaviour.ts";
import { isEndOf, shown } from "./messages.ts";

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

/** What a server without a name is called. */
export const defaultServerName = "gen_server";

/** Chart that inspectors draw. */
const chart = {
  initial: "initializing",
  states: {
    initializing: { on: { $started: "running" } },
    running: { on: { $exit: "terminated" } },
    terminated: { type: "final" },
  },
};

const server = Symbol("server");

type ServerSnapshot = GenServerSnapshot<unknown> & { readonly [server]: ServerBehaviour };

/** The replies among what handleCall answers. The answer is inferred whole: of several replies TypeScript would take the first. */
type ReplyIn<Answer> = Answer extends { reply: infer Reply } ? Reply : never;

/** Makes a server of its callbacks. Messages, replies and state are inferred from them. @throws CallerError "invalid_argument" */
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
  checkObject("definition", definition, "the callbacks of a server");
  const callbacks = definition as unknown as AnyServerDefinition;
  const name = definition.name ?? defaultServerName;
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
      if (event === shown) return snapshotOf(instance, "active", "running");
      if (isEndOf(instance, event)) return endOf(instance, event.reason);
      // Whatever else is sent to the actor is a message to the process: this is XState, which stops the actor.
      if (event.type === "xstate.stop") {
        instance.stoppedByActor();
        return snapshotOf(instance, "stopped", "terminated");
      }
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
  const failed = isA(reason, Error);
  const snapshot = snapshotOf(instance, failed ? "error" : "done", "terminated");
  if (failed) snapshot.error = reason;
  else snapshot.output = reason;
  return snapshot;
}
