/** A report as text for a person, with limits: a state or message may be of any size. Source: OTP's gen_server:format_log. */

import { describeOpaque, describeValue } from "../../describe-value.ts";
import type { ProcessReport } from "./process-report.ts";

/** Limits of a text. */
export interface FormatLimits {
  /** Levels of nested objects that are shown; default 5. */
  readonly maxDepth?: number;
  /** Characters of each value; default 2,000. */
  readonly maxChars?: number;
}

/** Items of an array that are looked at: one may be longer than anybody can wait for. */
const maxItems = 1_000;

/** What comes first, in this order; the rest follows. */
const firstFields = [
  "process",
  "label",
  "supervisor",
  "to",
  "why",
  "reason",
  "lastMessage",
  "message",
  "client",
  "state",
];

/** A report as lines, "field: value", each value cut to its limits. Never throws: what does not let itself be shown is said to be that. */
export function formatReport(report: ProcessReport, limits: FormatLimits = {}): string {
  if (typeof report !== "object" || report === null) return describeValue(report);
  const { maxDepth = 5, maxChars = 2_000 } = limits ?? {};
  const fields = Object.entries(report).filter(([field]) => field !== "type");
  fields.sort(([a], [b]) => rank(a) - rank(b));
  const text = (value: unknown): string => (typeof value === "string" ? value : formatAny(value, maxDepth));
  const lines = fields.map(([field, value]) => `  ${field}: ${cut(text(value), maxChars)}`);
  return [report.type, ...lines].join("\n");
}

function rank(field: string): number {
  const index = firstFields.indexOf(field);
  return index === -1 ? firstFields.length : index;
}

function cut(text: string, maxChars: number): string {
  return text.length > maxChars ? `${text.slice(0, maxChars)}… (${text.length - maxChars} more)` : text;
}

/** A value with whatever is in it, each as far as it lets itself be shown. */
function formatAny(value: unknown, depth: number, path: readonly object[] = []): string {
  try {
    return formatValue(value, depth, path);
  } catch {
    return describeOpaque(value);
  }
}

function formatValue(value: unknown, depth: number, path: readonly object[]): string {
  if (typeof value === "string") return JSON.stringify(value);
  if (typeof value === "function") return `function ${value.name || "without a name"}`;
  if (typeof value !== "object" || value === null) return String(value);
  if (path.includes(value)) return "(itself)";
  if (value instanceof Error) return `${value.stack ?? `${value.name}: ${value.message}`}`;
  if (typeof (value as { toJSON?: unknown }).toJSON === "function") {
    return formatAny((value as { toJSON(): unknown }).toJSON(), depth, [...path, value]);
  }
  if (depth <= 0) return Array.isArray(value) ? "[…]" : "{…}";
  const inside = (item: unknown): string => formatAny(item, depth - 1, [...path, value]);
  if (Array.isArray(value)) {
    const shown = Array.from({ length: Math.min(value.length, maxItems) }, (_, index) => inside(value[index]));
    const rest = value.length - shown.length;
    return `[${shown.join(", ")}${rest === 0 ? "" : `, … (${rest} more)`}]`;
  }
  if (value instanceof Set) return `Set {${Array.from(value, inside).join(", ")}}`;
  if (value instanceof Map) {
    return `Map {${Array.from(value, ([key, item]) => `${inside(key)} => ${inside(item)}`).join(", ")}}`;
  }
  return `{ ${Object.entries(value)
    .map(([key, item]) => `${key}: ${inside(item)}`)
    .join(", ")} }`;
}
