/** A bound on a mailbox, and what happens at it. */

import { invalidArgument } from "../../errors.ts";
import { callIn } from "./call-message.ts";
import { reportDeadLetter } from "./dead-letter.ts";
import type { Process } from "./process.ts";
import { RuntimeMessage } from "./runtime-message.ts";

/**
 * - "drop_newest": the new message becomes a dead letter
 * - "drop_oldest": the oldest waiting message does
 * - "crash": the process ends with "mailbox_full", without hooks
 */
export type WhenFull = "drop_newest" | "drop_oldest" | "crash";

/** A bounded mailbox. A call that is dropped rejects at once; signals and the runtime's own messages always go in. */
export interface MailboxLimit {
  /** Messages that may wait; an integer of 1 or more. */
  readonly maxMessages: number;
  /** Default "drop_newest". */
  readonly whenFull?: WhenFull;
}

/** @throws CallerError "invalid_argument" */
export function checkMailboxLimit(limit: MailboxLimit, field: string): void {
  if (!Number.isInteger(limit?.maxMessages) || limit.maxMessages < 1) {
    throw invalidArgument(`${field}.maxMessages`, limit?.maxMessages, "an integer of 1 or more");
  }
  const { whenFull = "drop_newest" } = limit;
  if (!["drop_newest", "drop_oldest", "crash"].includes(whenFull)) {
    throw invalidArgument(`${field}.whenFull`, whenFull, '"drop_newest", "drop_oldest" or "crash"');
  }
}

/** Applies the limit; answers whether the new message goes in. */
export function mailboxAdmits(process: Process, limit: MailboxLimit, message: unknown): boolean {
  if (process.queueLength < limit.maxMessages) return true;
  switch (limit.whenFull ?? "drop_newest") {
    case "drop_newest":
      drop(process, message);
      return false;
    case "drop_oldest": {
      const oldest = process.takeMessage(isDroppable);
      // Nothing but signals waits: one message more is the lesser evil.
      if (oldest !== undefined) drop(process, oldest.item);
      return true;
    }
    case "crash":
      drop(process, message);
      process.fail("mailbox_full");
      return false;
  }
}

/** Signals and the runtime's own requests always go in, and stay. */
function isDroppable(message: unknown): boolean {
  return !RuntimeMessage.is(message) || message.isDroppable;
}

function drop(process: Process, message: unknown): void {
  const call = callIn(message);
  if (call !== undefined) call.refuse("its mailbox is full");
  else reportDeadLetter(process.runtime, process, message, "full");
}
