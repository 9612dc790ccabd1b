/** The types of a process's messages: a ref carries them, so that calls and casts are checked and replies are known at the call site. */

import type { AnyActorRef } from "xstate";
import type { Alias } from "../process/alias.ts";
import type { Process } from "../process/process.ts";
import type { HasProcess, Via } from "../process/target.ts";

declare const replyType: unique symbol;
declare const protocolType: unique symbol;

/** A call message with the type of its own reply: `Request<{ type: "get" }, number>`. Without it the reply is the union of all replies. */
export type Request<Message, Reply> = Message & { readonly [replyType]?: () => Reply };

/** The message types of a server. */
export interface Protocol {
  call: unknown;
  reply: unknown;
  cast: unknown;
}

/** A ref that knows its protocol. */
export type Ref<P extends Protocol = Protocol> = Process & { readonly [protocolType]?: P };

/** A name that knows the protocol of whoever has it. */
export type TypedVia<P extends Protocol = Protocol> = Via & { readonly [protocolType]?: P };

/** What has no types, unless it carries a protocol: a name, a key, an alias, something that has a process. */
type Untyped = string | Via | Alias | HasProcess;

/** What can be called: a ref, the XState actor of a server, or what is without types. */
export type TypedRef<T> = T extends Process | AnyActorRef | Untyped ? T : never;

type ProtocolOf<T> = T extends { readonly [protocolType]?: infer P }
  ? Exclude<P, undefined>
  : T extends { readonly logic: { readonly protocol?: infer P } }
    ? Exclude<P, undefined>
    : Protocol;

type KnownProtocol<T> = T extends Untyped
  ? typeof protocolType extends keyof T
    ? ProtocolOf<T>
    : unknown
  : ProtocolOf<T>;

/** Calls that a target takes. */
export type CallOf<T> = KnownProtocol<T> extends { call: infer C } ? Loose<C> : unknown;

/** Casts that a target takes. */
export type CastOf<T> = KnownProtocol<T> extends { cast: infer C } ? C : unknown;

/** A message without the mark of its reply, as it is written at the call site. */
type Loose<C> = C extends unknown ? C : never;

/** The reply to one message. */
export type ReplyOf<T, M> =
  ProtocolOf<T> extends { call: infer C; reply: infer R } ? ReplyFor<MatchingCall<C, M>, R> : unknown;

type MatchingCall<C, M> = C extends unknown ? (M extends C ? C : never) : never;
type ReplyFor<C, R> = C extends { readonly [replyType]?: () => infer Own } ? (unknown extends Own ? R : Own) : R;
