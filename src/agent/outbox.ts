/** What an agent has to tell others: told when the agent's own state is whole, in order, so that whoever is told may call the agent at once. */

import { currentProcess, runOutside } from "../otp/process/current.ts";

/**
 * The turns of one agent. Within a turn the agent changes; listeners, supervisors and their policies, which may call it again, are told after the
 * outermost turn. What they do in answer is a turn of its own, and what follows from that is told after them.
 */
export class Outbox {
  #depth = 0;
  #telling = false;
  #letters: (() => void)[] = [];

  /** Runs a turn. It belongs to no process, whoever has caused it: what it starts outlives its cause. */
  turn<T>(work: () => T): T {
    return currentProcess() === undefined ? this.#take(work) : runOutside(() => this.#take(work), undefined);
  }

  #take<T>(work: () => T): T {
    this.#depth += 1;
    try {
      return work();
    } finally {
      this.#depth -= 1;
      if (this.#depth === 0) this.#post();
    }
  }

  /** Tells somebody after the turn, or now when there is none. */
  tell(letter: () => void): void {
    this.turn(() => void this.#letters.push(letter));
  }

  #post(): void {
    // Whoever is telling goes on with what has come meanwhile.
    if (this.#telling) return;
    this.#telling = true;
    while (this.#letters.length > 0) {
      const letters = this.#letters;
      this.#letters = [];
      for (const letter of letters) deliver(letter);
    }
    this.#telling = false;
  }
}

/** One who is told and throws keeps the news from nobody else; the error is the host's to see. */
function deliver(letter: () => void): void {
  try {
    letter();
  } catch (error) {
    setImmediate(() => {
      throw error;
    });
  }
}
