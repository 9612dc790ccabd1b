/** Values as messages quote them. This file imports nothing: every room may import it. */

/** A value as an error message quotes it: strings in quotes, long ones cut, and what JSON would not tell by its kind: "a Map". */
export function describeValue(value: unknown): string {
  if (typeof value === "function") return "a function";
  if (typeof value === "bigint") return `${value}n`;
  if (value instanceof Date && Number.isNaN(value.getTime())) return "an invalid Date";
  if (value === undefined || typeof value === "symbol" || typeof value === "number") return String(value);
  let text: string;
  try {
    text = ArrayBuffer.isView(value) ? unseen(value) : (JSON.stringify(value) ?? String(value));
    if (text === "{}") text = unseen(value);
  } catch {
    text = describeOpaque(value);
  }
  return text.length > 200 ? `${text.slice(0, 200)}…` : text;
}

/** What JSON sees nothing of, by its kind: "a Map", "an Error"; of an object without fields "{}". */
function unseen(value: unknown): string {
  const kind = describeOpaque(value).slice("[object ".length, -1);
  return kind === "Object" ? "{}" : `${/^[AEIO]/.test(kind) ? "an" : "a"} ${kind}`;
}

/**
 * Whether a value has fields to be read by their names. Lists have none, nor has what keeps elsewhere what it holds, such as a Map, a Set, Headers or a promise:
 * taken for options it would say nothing.
 */
export function isRecord(value: unknown): value is object {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return false;
  return Object.keys(value).length > 0 || describeOpaque(value) === "[object Object]";
}

/** What can be said of a value that does not let itself be written. */
export function describeOpaque(value: unknown): string {
  try {
    return Object.prototype.toString.call(value);
  } catch {
    return "[a value that cannot be shown]";
  }
}

/** A value as JSON can carry it: its own JSON, or, where it or one of its fields has none, what can be said of that. Undefined stays undefined. */
export function jsonOf(value: unknown, levels = 1): unknown {
  if (value === undefined) return undefined;
  try {
    if (value instanceof Error && !("toJSON" in value)) return `${value.name}: ${value.message}`;
    const text = JSON.stringify(value);
    if (text !== undefined) return JSON.parse(text);
  } catch {
    // It contains itself, or does not let itself be looked at.
  }
  if (levels === 0 || typeof value !== "object") return describeValue(value);
  try {
    const fields = Object.entries(value as object).map(([name, field]) => [name, jsonOf(field, levels - 1)]);
    return Object.fromEntries(fields);
  } catch {
    return describeOpaque(value);
  }
}

/** What kind of value it is, and nothing of the value itself. */
export function kindOf(value: unknown): string {
  if (value === null || value === undefined) return String(value);
  if (Array.isArray(value)) return "a list";
  return typeof value === "object" ? "an object" : `a ${typeof value}`;
}
