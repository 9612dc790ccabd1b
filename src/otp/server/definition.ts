/** What a server is made of: its callbacks, and what they may answer. Source: OTP's gen_server behaviour. */

import type { Shown } from "../process/behaviour.ts";
import type { ExitReason } from "../report/exit-reason.ts";
import type { From } from "../request/call.ts";

/** What may follow any answer of a handler. */
export interface Then {
  /**
   * Without another message for this many milliseconds handleInfo gets `timeoutMessage`. Any handled message cancels it; inspection does
   * not. 0: before messages that wait. "infinity", the default: no timeout. Beside `continue` it begins when that has been handled, unless
   * handleContinue sets one of its own.
   */
  timeoutMs?: number | "infinity";
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

/** A callback may be async: the next message waits until what it answers has settled. */
export type MaybeAsync<T> = T | PromiseLike<T>;

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

/** A definition whose types are no longer known. */
export type AnyServerDefinition = GenServerDefinition<unknown, unknown, unknown, unknown, unknown>;
