/** Every state that every agent has been in, from the system's inspection events: the same that the Stately inspector draws. */

import type { Inspector } from "synapse-otp";

/** A state that an agent entered. */
export interface StateEntry {
  readonly agentId: string;
  readonly state: string;
  readonly incarnation: number;
  readonly pid: number | undefined;
  /** When it was seen, by `performance.now()`. */
  readonly atMs: number;
}

/** What a log has seen, oldest first, and a door for the system to write to. */
export interface StateLog {
  readonly inspect: Inspector;
  readonly entries: readonly StateEntry[];
  /** Calls `listener` for every state that is entered from now on. Returns the function that ends it. */
  onEntry(listener: (entry: StateEntry) => void): () => void;
}

/** Creates an empty log. Give its `inspect` to startSystem. */
export function createStateLog(): StateLog {
  const entries: StateEntry[] = [];
  const listeners = new Set<(entry: StateEntry) => void>();
  const last = new Map<string, string>();
  return {
    entries,
    onEntry(listener) {
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },
    inspect(event) {
      if (event.type !== "@xstate.snapshot") return;
      const { value, context } = event.snapshot as { value?: unknown; context?: Record<string, unknown> };
      if (typeof value !== "string" || typeof context?.agentId !== "string") return;
      const { agentId, incarnation, pid } = context;
      if (last.get(agentId) === value) return;
      last.set(agentId, value);
      const entry: StateEntry = {
        agentId,
        state: value,
        incarnation: Number(incarnation),
        pid: typeof pid === "number" ? pid : undefined,
        atMs: performance.now(),
      };
      entries.push(entry);
      for (const listener of listeners) listener(entry);
    },
  };
}
