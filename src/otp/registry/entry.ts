/** One registration, and the registrations of a key as a list. */

import type { Process } from "../process/process.ts";
import type { HeldKey } from "./holders.ts";

/** One registration. */
export interface RegistryEntry<Key, Value> {
  readonly key: Key;
  readonly process: Process;
  readonly value: Value;
}

/** What matches under all of these keys; a process that has ended is left out. */
export function collectEntries<Key, Value>(
  keys: Iterable<HeldKey<Key, Value[]>>,
  matches: (entry: RegistryEntry<Key, Value>) => boolean,
): RegistryEntry<Key, Value>[] {
  const found: RegistryEntry<Key, Value>[] = [];
  for (const { key, holders } of keys) {
    for (const [process, values] of holders) {
      if (!process.alive) continue;
      for (const value of values) {
        const entry = { key, process, value };
        if (matches(entry)) found.push(entry);
      }
    }
  }
  return found;
}
