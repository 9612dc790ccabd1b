/** A call as the process that is to answer finds it in its mailbox. */

import type { CallParty, OpenCall } from "./open-calls.ts";
import type { MessageKind } from "./process.ts";
import { RuntimeMessage } from "./runtime-message.ts";

/** What `call` sends; also a request that the runtime carries out on a process ("$sys"). Who has sent it is told of its end. */
export abstract class CallMessage extends RuntimeMessage implements OpenCall {
  abstract override readonly type: "$call" | "$sys";
  abstract readonly message: unknown;
  abstract readonly caller: CallParty | undefined;
  abstract olderToTarget: OpenCall | undefined;
  abstract newerToTarget: OpenCall | undefined;
  abstract olderOfCaller: OpenCall | undefined;
  abstract newerOfCaller: OpenCall | undefined;

  abstract answer(value: unknown): void;
  abstract fail(error: Error): void;
  abstract refuse(why: string): void;
  abstract deadlocked(): void;
  abstract processEnded(reason: unknown): void;
  abstract release(): void;

  override opened(): { kind: MessageKind; message: unknown } {
    return { kind: "call", message: this.message };
  }

  override get isDroppable(): boolean {
    return this.type === "$call";
  }
}

/** The call among a process's messages; undefined for every other message. */
export function callIn(message: unknown): CallMessage | undefined {
  return RuntimeMessage.is(message) && message instanceof CallMessage ? message : undefined;
}
