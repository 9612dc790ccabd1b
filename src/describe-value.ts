/** Values as messages quote them. This file imports nothing: every room may import it. */

/** A value as an error message quotes it: strings in quotes, long ones cut. */
export function describeValue(value: unknown): string {
  if (typeof value === "function") return "a function";
  if (typeof value === "bigint") return `${value}n`;
  if (value === undefined || typeof value === "symbol" || typeof value === "number") return String(value);
  let text: string;
  try {
    text = JSON.stringify(value) ?? String(value);
  } catch {
    text = describeOpaque(value);
  }
  return text.length > 200 ? `${text.slice(0, 200)}…` : text;
}

/** What can be said of a value that does not let itself be written. */
export function describeOpaque(value: unknown): string {
  try {
    return Object.prototype.toString.call(value);
  } catch {
    return "[a value that cannot be shown]";
  }
}
