/** A bound on a mailbox, and what happens at it. */

import { invalidArgument } from "../errors.ts";
import type { Deque } from "./deque.ts";
import type { Process } from "./process.ts";

/**
 * - "drop_newest": the new message becomes a dead letter
 * - "drop_oldest": the oldest waiting message does
 * - "crash": the process ends with "mailbox_full"
 */
export type WhenFull = "drop_newest" | "drop_oldest" | "crash";

/** A bounded mailbox. A call that is dropped rejects at once. */
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

/** Applies the policy; answers whether the new message still goes in. System messages always do. */
export function mailboxFull(process: Process, limit: MailboxLimit, mailbox: Deque<unknown>, message: unknown): boolean {
  if (isSignal(message)) return true;
  switch (limit.whenFull ?? "drop_newest") {
    case "drop_newest":
      drop(process, message);
      return false;
    case "drop_oldest": {
      const oldest = mailbox.take((waiting) => !isSignal(waiting));
      if (oldest !== undefined) drop(process, oldest);
      return true;
    }
    case "crash":
      process.finish("mailbox_full");
      return false;
  }
}

function isSignal(message: unknown): boolean {
  const type = (message as { type?: unknown } | null | undefined)?.type;
  return type === "EXIT" || type === "DOWN";
}

function drop(process: Process, message: unknown): void {
  const call = message as { type?: unknown; refuse?: (why: string) => void };
  if (call?.type === "$call") call.refuse?.("its mailbox is full");
  else process.runtime.report({ type: "dead_letter", to: process.toString(), message, why: "full" });
}
