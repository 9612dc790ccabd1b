/** Addresses that can be taken back: a message to one that is closed is dropped, so that no late reply arrives. Source: Erlang's alias. */

import { invalidArgument } from "../../errors.ts";
import { checkObject } from "./argument.ts";
import { currentProcess, self } from "./current.ts";
import { reportDeadLetter } from "./dead-letter.ts";
import type { Process } from "./process.ts";

/**
 * When an alias closes by itself.
 * - "explicit": when `unalias` says so
 * - "reply": with the first message that comes through it
 * - "demonitor": with its monitor, on demonitor or DOWN
 * - "reply_demonitor": with the first message, which ends its monitor too, or with its monitor
 */
export type AliasMode = "explicit" | "reply" | "demonitor" | "reply_demonitor";

/** Another address of a process. It can be sent to like the process itself. */
export class Alias {
  readonly owner: Process;
  readonly mode: AliasMode;
  /** Told when it closes by a reply. */
  readonly #onReply: (() => void) | undefined;
  #open = true;

  constructor(owner: Process, mode: AliasMode, onReply?: () => void) {
    this.owner = owner;
    this.mode = mode;
    this.#onReply = onReply;
  }

  /** Whether messages still pass. */
  get open(): boolean {
    return this.#open && this.owner.alive;
  }

  /** Passes a message on; to a closed alias it is a dead letter. */
  deliver(message: unknown): void {
    if (!this.open) {
      reportDeadLetter(this.owner.runtime, this.toString(), message, "late");
      return;
    }
    if (this.mode === "reply" || this.mode === "reply_demonitor") {
      this.#open = false;
      this.#onReply?.();
    }
    this.owner.deliver(message);
  }

  /** Closes it; answers whether it was open. */
  close(): boolean {
    const was = this.#open;
    this.#open = false;
    return was;
  }

  toString(): string {
    return `an alias of ${this.owner}`;
  }
}

/**
 * Makes another address of the process that is running.
 * @param options.reply takes one message only; default false: it stays until `unalias`
 * @throws CallerError "invalid_argument" outside any process
 */
export function createAlias(options: { reply?: boolean } = {}): Alias {
  checkObject("options", options);
  return new Alias(self(), options.reply === true ? "reply" : "explicit");
}

/** Closes an alias of the process that is running; another's it leaves alone. Answers whether it was open. @throws CallerError "invalid_argument" for what is no alias */
export function unalias(alias: Alias): boolean {
  if (!(alias instanceof Alias)) throw invalidArgument("alias", alias, "an alias");
  return alias.owner === currentProcess() && alias.close();
}
