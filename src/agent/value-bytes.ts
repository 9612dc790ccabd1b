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
  const left = [value];
  let bytes = 0;
  // The list grows while it is read: a value of any depth needs no stack.
  for (let next = left.pop(); next !== undefined; next = left.pop()) {
    if (typeof next === "string") bytes += stringBytes(next);
    else if (typeof next !== "object" || next === null) bytes += valueBytes;
    else if (!seen.has(next)) {
      seen.add(next);
      bytes += objectBytes + ownBytes(next, left);
    }
  }
  return bytes;
}

/** A UTF-16 unit takes two bytes at most. */
export function stringBytes(text: string): number {
  return 16 + text.length * 2;
}

/** What an object takes beside its fields, whose values are put on the list. */
function ownBytes(value: object, left: unknown[]): number {
  try {
    if (ArrayBuffer.isView(value) || value instanceof ArrayBuffer) return value.byteLength;
    let bytes = 0;
    if (value instanceof Map) for (const [key, item] of value) bytes += 2 * fieldBytes + pushAll(left, [key, item]);
    else if (value instanceof Set) for (const item of value) bytes += fieldBytes + pushAll(left, [item]);
    else if (value instanceof Error) bytes += stackBytes + stringBytes(value.message) + pushAll(left, [value.cause]);
    if (Array.isArray(value)) return bytes + value.length * valueBytes + pushAll(left, value);
    for (const key of Object.keys(value)) {
      const descriptor = Object.getOwnPropertyDescriptor(value, key);
      bytes += fieldBytes + pushAll(left, [descriptor?.value]);
    }
    return bytes;
  } catch {
    return 0; // It does not let itself be looked at.
  }
}

function pushAll(left: unknown[], values: readonly unknown[]): 0 {
  for (const value of values) if (value !== undefined) left.push(value);
  return 0;
}
