/** How calls and casts arrive at a machine, or any other XState logic: as events. Their types are the protocol of its ref. */

import type { EventObject } from "xstate";
import type { From } from "./call.ts";
import type { Protocol, Request } from "./protocol.ts";

/**
 * A call, as one of a machine's events: `reply(event.from, value)` answers it, now or, with `event.from` kept in the context, from another state. Of
 * several kinds each is an event of its own in the union: `CallEvent<"state", string> | CallEvent<{ type: "try"; code: string }, boolean>`.
 */
export interface CallEvent<Message = unknown, Reply = unknown> {
  readonly type: "$call";
  readonly message: Message;
  readonly from: From<Reply>;
}

/** A cast, as one of a machine's events. */
export interface CastEvent<Message = unknown> {
  readonly type: "$cast";
  readonly message: Message;
}

/** The protocol of logic that takes these events; any protocol when it does not say which. */
export type ProtocolOfEvents<Event extends EventObject> = string extends Event["type"]
  ? Protocol
  : { call: CallIn<Event>; reply: ReplyIn<Event>; cast: CastIn<Event> };

type CallIn<Event> = Event extends { readonly type: "$call"; readonly message: infer Message }
  ? unknown extends Message
    ? unknown
    : Request<Message, ReplyIn<Event>>
  : never;

type ReplyIn<Event> = Event extends { readonly type: "$call" }
  ? Event extends { readonly from: From<infer Reply> }
    ? Reply
    : unknown
  : never;

type CastIn<Event> = Event extends { readonly type: "$cast"; readonly message: infer Message } ? Message : never;

/** What tells one kind of call from another: the message, or its `type`. */
type KindOf<Message> = unknown extends Message
  ? string
  : Message extends string
    ? Message
    : Message extends { readonly type: infer Type extends string }
      ? Type
      : never;

type KindIn<Event> = Event extends { readonly type: "$call"; readonly message: infer Message }
  ? KindOf<Message>
  : never;

type CallOfKind<Event, Kind> = Event extends { readonly type: "$call"; readonly message: infer Message }
  ? Kind extends KindOf<Message>
    ? Event
    : never
  : never;

/**
 * Whether an event is a call of a kind: its message is `kind`, or has it as its `type`. Of several kinds of calls TypeScript knows then which it is, and
 * what may be replied.
 */
export function isCall<Event extends EventObject, Kind extends KindIn<Event>>(
  event: Event,
  kind: Kind,
): event is CallOfKind<Event, Kind> {
  if (event?.type !== "$call") return false;
  const { message } = event as unknown as CallEvent;
  return (
    message === kind || (typeof message === "object" && message !== null && "type" in message && message.type === kind)
  );
}
