/** Locks by key: one holder at a time, the others wait in order. A process that ends gives up its lock and its place. Source: Elixir's Registry.lock. */

import { ProcessError } from "../../errors.ts";
import { checkFunction } from "../process/argument.ts";
import { currentProcess } from "../process/current.ts";
import { KeyMap } from "./key-map.ts";

/** One who holds the lock or waits for it. */
interface Ticket {
  /** Its turn has come. */
  readonly proceed: () => void;
}

/** A table of locks. Keys are equal as in a {@link KeyMap}; a key that nobody holds takes no room. */
export class KeyLock {
  /** In order of arrival; the first holds the lock. */
  readonly #queues = new KeyMap<unknown, Set<Ticket>>();

  /** Keys that are held. */
  get size(): number {
    return this.#queues.size;
  }

  /**
   * Runs `code` while nobody else runs under the same key, and settles as it does. The lock is free again when `code` has settled, or its
   * process has ended. It is not reentrant: code that asks for its own lock and waits for it waits for ever.
   * @returns rejects as `code` does, and with ProcessError "noproc" in a process that has ended
   */
  async run<Result>(key: unknown, code: () => Result | Promise<Result>): Promise<Result> {
    checkFunction("code", code);
    const owner = currentProcess();
    if (owner?.alive === false) {
      throw new ProcessError("noproc", `${owner} cannot lock: it has ended`, { reason: "noproc" });
    }
    const turn = Promise.withResolvers<void>();
    const ticket: Ticket = { proceed: turn.resolve };
    let queue = this.#queues.get(key);
    if (queue === undefined) {
      queue = new Set();
      this.#queues.set(key, queue);
    }
    queue.add(ticket);
    const waiting = queue;
    const leave = (): void => this.#leave(key, waiting, ticket);
    owner?.addExitHook(leave);
    if (queue.size > 1) await turn.promise;
    try {
      return await code();
    } finally {
      owner?.removeExitHook(leave);
      leave();
    }
  }

  #leave(key: unknown, queue: Set<Ticket>, ticket: Ticket): void {
    const [holder] = queue;
    if (!queue.delete(ticket)) return;
    if (queue.size === 0) {
      this.#queues.delete(key);
      return;
    }
    const [next] = queue;
    if (holder === ticket) next?.proceed();
  }
}
