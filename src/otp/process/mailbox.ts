/** The messages of a process that wait: its own turn takes them in order, and the runtime's requests pass while it is suspended. */

import { Deque } from "../scheduler/deque.ts";
import { type MailboxLimit, mailboxAdmits } from "./mailbox-limit.ts";
import type { Process } from "./process.ts";
import { isSystemMessage } from "./system-message.ts";

/** A mailbox. */
export class Mailbox extends Deque<unknown> {
  limit: MailboxLimit | undefined = undefined;
  #systemWaiting = 0;

  /** Puts a message in, if the limit admits it; answers whether it did. */
  admit(owner: Process, message: unknown): boolean {
    if (this.limit !== undefined && !mailboxAdmits(owner, this.limit, message)) return false;
    this.push(message);
    return true;
  }

  /** Puts a message in that is handled while its owner is suspended, too. */
  pushSystem(message: unknown): void {
    this.#systemWaiting += 1;
    this.push(message);
  }

  /** Whether there is something to handle now. */
  hasWork(suspended: boolean): boolean {
    return suspended ? this.#systemWaiting > 0 : this.length > 0;
  }

  /** Takes the first message that may be handled while its owner is suspended. */
  takeSystem(owner: Process): { readonly item: unknown } | undefined {
    return this.take((message) => isSystemMessage(owner, message));
  }

  /** Whether a message that was taken is the runtime's, which is counted off then. */
  isSystem(owner: Process, message: unknown): boolean {
    if (this.#systemWaiting === 0 || !isSystemMessage(owner, message)) return false;
    this.#systemWaiting -= 1;
    return true;
  }

  /** Takes a message out that is not to be handled any more. */
  remove(owner: Process, message: unknown): void {
    if (this.take((waiting) => waiting === message) !== undefined) this.isSystem(owner, message);
  }
}
