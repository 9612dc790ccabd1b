/** A map whose keys may be values: arrays and plain objects are equal by content, everything else as in a Map. */

import { CallerError } from "../../errors.ts";

/**
 * A map by exact key equality. `["a", 1]` equals another `["a", 1]`, `{ a: 1 }` does not equal `{ a: 1, b: 2 }`, and `1`, `"1"` and `1n` are three
 * keys. Instances of classes, functions and symbols are equal to themselves only. A key that is an array or object must not be changed while
 * it is in the map.
 */
export class KeyMap<Key, Value> {
  readonly #byIdentity = new Map<unknown, Value>();
  /** By the content of the key; the key itself is kept for listing. */
  readonly #byContent = new Map<string, { readonly key: Key; value: Value }>();

  get size(): number {
    return this.#byIdentity.size + this.#byContent.size;
  }

  get(key: Key): Value | undefined {
    return isContent(key) ? this.#byContent.get(keyText(key))?.value : this.#byIdentity.get(key);
  }

  set(key: Key, value: Value): void {
    if (isContent(key)) this.#byContent.set(keyText(key), { key, value });
    else this.#byIdentity.set(key, value);
  }

  delete(key: Key): void {
    if (isContent(key)) this.#byContent.delete(keyText(key));
    else this.#byIdentity.delete(key);
  }

  clear(): void {
    this.#byIdentity.clear();
    this.#byContent.clear();
  }

  *keys(): Generator<Key> {
    for (const key of this.#byIdentity.keys()) yield key as Key;
    for (const { key } of this.#byContent.values()) yield key;
  }

  *values(): Generator<Value> {
    yield* this.#byIdentity.values();
    for (const { value } of this.#byContent.values()) yield value;
  }
}

/** Numbers for what has no content of its own. */
const identities = new WeakMap<WeakKey, number>();
let identityCount = 0;

/** Whether a key is compared by content. */
function isContent(key: unknown): key is object {
  if (typeof key !== "object" || key === null) return false;
  if (Array.isArray(key)) return true;
  const prototype: unknown = Object.getPrototypeOf(key);
  return prototype === Object.prototype || prototype === null;
}

/** A text that two keys share if and only if they are equal. @throws CallerError "invalid_argument" for a key that contains itself */
export function keyText(key: unknown): string {
  return encode(key, []);
}

function encode(value: unknown, within: object[]): string {
  switch (typeof value) {
    case "string":
      return JSON.stringify(value);
    case "bigint":
      return `${value}n`;
    case "symbol":
      return Symbol.keyFor(value) === undefined ? identityOf(value) : `@${JSON.stringify(Symbol.keyFor(value))}`;
    case "function":
      return identityOf(value);
    case "object":
      break;
    default:
      // -0 and 0 are one key, as in a Map.
      return String(value);
  }
  if (value === null) return "null";
  if (!isContent(value)) return identityOf(value);
  if (within.includes(value)) {
    const rule = "without a cycle";
    throw new CallerError("invalid_argument", `the key contains itself; it must be ${rule}`, { field: "key", rule });
  }
  const inside = [...within, value];
  if (Array.isArray(value)) return `[${Array.from(value, (item) => encode(item, inside)).join()}]`;
  const fields = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1));
  return `{${fields.map(([name, item]) => `${JSON.stringify(name)}:${encode(item, inside)}`).join()}}`;
}

function identityOf(value: WeakKey): string {
  let number = identities.get(value);
  if (number === undefined) {
    identityCount += 1;
    number = identityCount;
    identities.set(value, number);
  }
  return `#${number}`;
}

/** A number of a text, 0 to 2^32 - 1: FNV-1a over its code units. Source: http://www.isthe.com/chongo/tech/comp/fnv/ */
export function hashOf(text: string): number {
  let hash = 0x811c9dc5;
  for (let index = 0; index < text.length; index += 1) {
    hash = Math.imul(hash ^ text.charCodeAt(index), 0x01000193);
  }
  return hash >>> 0;
}
