/** What a registry keeps. */

import type { Process } from "../process/process.ts";

/** One registration. */
export interface RegistryEntry<Key, Value> {
  readonly key: Key;
  readonly process: Process;
  readonly value: Value;
}

/** What is registered under one key; by process, each with its values in order. */
export interface Bucket<Key, Value> {
  readonly key: Key;
  readonly holders: Map<Process, Value[]>;
}

/** Adds what matches to `found`; a process that has ended is left out. */
export function collectEntries<Key, Value>(
  { key, holders }: Bucket<Key, Value>,
  matches: (entry: RegistryEntry<Key, Value>) => boolean,
  found: RegistryEntry<Key, Value>[],
): void {
  for (const [process, values] of holders) {
    if (!process.alive) continue;
    for (const value of values) {
      const entry = { key, process, value };
      if (matches(entry)) found.push(entry);
    }
  }
}
