/** How much memory a value takes, about: what is kept in bounds has to be measured, and JavaScript does not tell. */

/** What an object costs beside what is in it, and a field beside its value. */
const objectBytes = 48;
const fieldBytes = 16;
/** A number, a boolean; an error's stack. */
const valueBytes = 8;
const stackBytes = 1_024;

/**
 * An estimate from above of what a value takes in memory. What it shares with itself is counted once; a getter is not called. Never throws.
 */
export function bytesOf(value: unknown): number {
  const seen = new Set<object>();
  const left: object[] = [];
  let bytes = bytesBeside(value, left);
  // The list grows while it is read: a value of any depth needs no stack.
  for (let next = left.pop(); next !== undefined; next = left.pop()) {
    if (seen.has(next)) continue;
    seen.add(next);
    bytes += objectBytes + ownBytes(next, left);
  }
  return bytes;
}

/** A UTF-16 unit takes two bytes at most. */
export function stringBytes(text: string): number {
  return 16 + text.length * 2;
}

/** What a value takes without what is in it; an object is put on the list. */
function bytesBeside(value: unknown, left: object[]): number {
  if (typeof value === "string") return stringBytes(value);
  if (typeof value === "object" && value !== null) left.push(value);
  return valueBytes;
}

/** What an object takes beside itself, less the objects in it, which are put on the list. */
function ownBytes(value: object, left: object[]): number {
  let bytes = 0;
  try {
    if (ArrayBuffer.isView(value) || value instanceof ArrayBuffer) return value.byteLength;
    if (Array.isArray(value)) {
      for (const item of value) bytes += bytesBeside(item, left);
      return bytes;
    }
    if (value instanceof Map) {
      for (const [key, item] of value) bytes += fieldBytes + bytesBeside(key, left) + bytesBeside(item, left);
    } else if (value instanceof Set) {
      for (const item of value) bytes += fieldBytes + bytesBeside(item, left);
    } else if (value instanceof Error) {
      bytes += stackBytes + stringBytes(value.message) + bytesBeside(value.cause, left);
    }
    for (const key of Object.keys(value)) {
      bytes += fieldBytes + bytesBeside(Object.getOwnPropertyDescriptor(value, key)?.value, left);
    }
  } catch {
    // It does not let itself be looked at: what has been seen of it counts.
  }
  return bytes;
}
