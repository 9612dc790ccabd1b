/** Who holds what, by key and by process; what a process holds is given back at its end. */

import type { ExitHook, Process } from "../process/process.ts";
import { KeyMap } from "./key-map.ts";

/** One key that is held. */
export interface HeldKey<Key, Share> {
  readonly key: Key;
  /** Who holds it, each with its share, in the order they came. */
  readonly holders: Map<Process, Share>;
}

/**
 * A table of holders. Keys are equal as in a {@link KeyMap}; a key that nobody holds takes no room, and a process that holds nothing is not watched.
 * Shares are given back before links and monitors are told of an end.
 */
export class Holders<Key, Share> {
  readonly #keys = new KeyMap<Key, HeldKey<Key, Share>>();
  readonly #byProcess = new Map<Process, Set<HeldKey<Key, Share>>>();
  readonly #givenBack: (held: HeldKey<Key, Share>, process: Process, share: Share) => void;
  readonly #onExit: ExitHook = (_reason, process) => this.drop(process);

  /** `givenBack` is told of every share that an end gives back. */
  constructor(givenBack: (held: HeldKey<Key, Share>, process: Process, share: Share) => void) {
    this.#givenBack = givenBack;
  }

  /** A key that is held; undefined when it is not. */
  at(key: Key): HeldKey<Key, Share> | undefined {
    return this.#keys.get(key);
  }

  /** Every key that is held. */
  all(): Iterable<HeldKey<Key, Share>> {
    return this.#keys.values();
  }

  /** What a process holds. */
  heldBy(process: Process): Iterable<HeldKey<Key, Share>> {
    return this.#byProcess.get(process) ?? [];
  }

  /** Gives a share to a process that has none of the key; `held` is what `at` has answered for it. */
  hold(key: Key, held: HeldKey<Key, Share> | undefined, process: Process, share: Share): void {
    const place = held ?? { key, holders: new Map<Process, Share>() };
    if (held === undefined) this.#keys.set(key, place);
    place.holders.set(process, share);
    const own = this.#byProcess.get(process);
    if (own !== undefined) {
      own.add(place);
      return;
    }
    this.#byProcess.set(process, new Set([place]));
    process.addExitHook(this.#onExit);
  }

  /** Takes a share back. Nobody is told. */
  release(held: HeldKey<Key, Share>, process: Process): void {
    held.holders.delete(process);
    if (held.holders.size === 0) this.#keys.delete(held.key);
    const own = this.#byProcess.get(process);
    own?.delete(held);
    if (own?.size !== 0) return;
    this.#byProcess.delete(process);
    process.removeExitHook(this.#onExit);
  }

  /** Takes back all that a process holds: it has ended. */
  drop(process: Process): void {
    for (const held of this.heldBy(process)) {
      const share = held.holders.get(process) as Share;
      this.release(held, process);
      this.#givenBack(held, process, share);
    }
  }

  /** Forgets everything, and answers who held something. Nobody is told. */
  clear(): Process[] {
    const holders = [...this.#byProcess.keys()];
    for (const process of holders) process.removeExitHook(this.#onExit);
    this.#byProcess.clear();
    this.#keys.clear();
    return holders;
  }
}
