/** Looking at values that may be anything, without a word from them. */

import { types } from "node:util";

/**
 * What an object holds under a key as plain data of its own, so that it reads the same every time; undefined for everything else. Neither a getter nor
 * a Proxy's trap runs.
 */
export function heldValue(value: unknown, key: PropertyKey): unknown {
  if (typeof value !== "object" || value === null || types.isProxy(value)) return undefined;
  return Object.getOwnPropertyDescriptor(value, key)?.value;
}

/** The type of an event or message that holds one; undefined when it holds none. */
export function heldType(value: unknown): string | undefined {
  const type = heldValue(value, "type");
  return typeof type === "string" ? type : undefined;
}
