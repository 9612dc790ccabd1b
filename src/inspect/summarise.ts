/**
 * Makes of any value a small plain one that may be shown: secrets and histories are named and not told, what is large is cut. It runs no code of the value's own
 * (no getter, no toJSON, no trap of a Proxy), and never throws.
 */

import { types } from "node:util";

/** How much of a value is told. */
export interface SummaryLimits {
  /** Levels of nested objects; default 6. */
  readonly maxDepth?: number;
  /** Values in all, of all levels; default 400. */
  readonly maxValues?: number;
  /** Fields of one object, items of one list; default 40. */
  readonly maxFields?: number;
  /** Characters of one text; default 300. */
  readonly maxChars?: number;
}

/** What stands in the place of a secret. */
export const redacted = "[redacted]";

/** Fields that hold secrets: only texts and bytes in them are, so that numbers such as `inputTokens` are told. */
const secretName =
  /pass(?:word|wd|phrase)|secret|token|api_?-?key|access_?-?key|private_?-?key|credential|authorization|cookie|^auth$|bearer|signature/i;
/** Secrets that are told by their own look: keys of the well-known services, bearer tokens, JSON web tokens, PEM blocks. */
const secretLook =
  /\b(?:sk|pk|rk|ghp|gho|ghs|github_pat|glpat|xox[abprs]|AKIA|AIza)[-_]?[A-Za-z0-9_-]{12,}|\bBearer\s+\S{8,}|\beyJ[\w-]{8,}\.[\w-]{8,}\.[\w-]*|-----BEGIN [A-Z ]*PRIVATE KEY-----|:\/\/[^\s/:@]+:[^\s/@]+@/;
/** Fields whose lists are conversations. */
const historyName = /^(?:message_?history|messages|new_?messages|history|conversation|transcript)$/i;

/** Makes a summary. What it answers can be written as JSON. */
export function summarise(value: unknown, limits: SummaryLimits = {}): unknown {
  return new Summary(limits).of(value, "", 0);
}

/** A text as it may be shown: one that looks like a secret is none, one that is long is cut. */
export function summariseText(text: string, maxChars = 300): string {
  if (secretLook.test(text.length > 4_096 ? text.slice(0, 4_096) : text)) return redacted;
  return text.length > maxChars ? `${text.slice(0, maxChars)}… (${text.length - maxChars} more)` : text;
}

class Summary {
  readonly #maxDepth: number;
  readonly #maxFields: number;
  readonly #maxChars: number;
  readonly #path: object[] = [];
  #left: number;

  constructor({ maxDepth = 6, maxValues = 400, maxFields = 40, maxChars = 300 }: SummaryLimits) {
    this.#maxDepth = maxDepth;
    this.#maxFields = maxFields;
    this.#maxChars = maxChars;
    this.#left = maxValues;
  }

  of(value: unknown, name: string, depth: number): unknown {
    this.#left -= 1;
    if (typeof value === "object") return value === null ? null : this.#object(value, name, depth);
    switch (typeof value) {
      case "string":
        return secretName.test(name) && value !== "" ? redacted : summariseText(value, this.#maxChars);
      case "number":
        return Number.isFinite(value) ? value : String(value);
      case "bigint":
        return `${value}n`;
      case "symbol":
        return String(value);
      case "function":
        return { type: nameOf(value) };
      default:
        return value;
    }
  }

  #object(value: object, name: string, depth: number): unknown {
    if (types.isProxy(value)) return "(a Proxy)";
    try {
      return this.#told(value, name, depth);
    } catch {
      return "(what does not let itself be shown)"; // A revoked prototype, or an odd object of the host's.
    }
  }

  #told(value: object, name: string, depth: number): unknown {
    if (Array.isArray(value) && historyName.test(name)) return `[${value.length} messages]`;
    if (ArrayBuffer.isView(value) || types.isAnyArrayBuffer(value)) return `[${value.byteLength} bytes]`;
    if (types.isDate(value)) return Number.isNaN(value.getTime()) ? "(no date)" : value.toISOString();
    if (types.isRegExp(value)) return String(value);
    if (types.isPromise(value)) return "(a promise)";
    if (types.isNativeError(value)) {
      return {
        name: String(inherited(value, "name") ?? "Error"),
        message: summariseText(String(held(value, "message") ?? ""), this.#maxChars),
      };
    }
    const actor = actorName(value);
    if (actor !== undefined) return actor;
    if (this.#path.includes(value)) return "(itself)";
    if (depth >= this.#maxDepth || this.#left <= 0) return sizeOf(value);
    this.#path.push(value);
    try {
      return this.#inside(value, name, depth + 1);
    } finally {
      this.#path.pop();
    }
  }

  #inside(value: object, name: string, depth: number): unknown {
    if (Array.isArray(value)) return this.#list(value.length, (index) => held(value, String(index)), name, depth);
    if (types.isSet(value)) {
      const items = take(value.values(), this.#maxFields);
      return this.#list(value.size, (index) => items[index], name, depth);
    }
    if (types.isMap(value)) {
      const entries = take(value.entries(), this.#maxFields);
      const plain = Object.fromEntries(entries.map(([key, item]) => [keyOf(key), this.of(item, keyOf(key), depth)]));
      return value.size > entries.length ? { ...plain, "…": `${value.size - entries.length} more` } : plain;
    }
    const plain: Record<string, unknown> = {};
    const keys = Object.keys(value);
    let told = 0;
    for (const key of keys) {
      if (told >= this.#maxFields || this.#left <= 0) break;
      told += 1;
      plain[key] = this.of(held(value, key), key, depth);
    }
    if (told < keys.length) plain["…"] = `${keys.length - told} more`;
    return plain;
  }

  #list(length: number, item: (index: number) => unknown, name: string, depth: number): unknown[] {
    const plain: unknown[] = [];
    while (plain.length < length && plain.length < this.#maxFields && this.#left > 0) {
      plain.push(this.of(item(plain.length), name, depth));
    }
    if (plain.length < length) plain.push(`… ${length - plain.length} more`);
    return plain;
  }
}

/** What a field holds; a getter is not run. */
function held(value: object, key: string): unknown {
  const field = Object.getOwnPropertyDescriptor(value, key);
  if (field === undefined) return undefined;
  return "value" in field ? field.value : "(a getter)";
}

function nameOf(value: unknown): string {
  const field = Object.getOwnPropertyDescriptor(value, "name");
  return typeof field?.value === "string" && field.value !== "" ? field.value : "anonymous";
}

/** What an object holds or has from its class, such as an error's name. */
function inherited(value: object, key: string): unknown {
  for (let of: object | null = value; of !== null && !types.isProxy(of); of = Object.getPrototypeOf(of)) {
    const found = held(of, key);
    if (found !== undefined) return found;
  }
  return undefined;
}

/** An actor in a context is its name: what it has in it is shown where it is. */
function actorName(value: object): { actor: unknown; sessionId: unknown } | undefined {
  const sessionId = held(value, "sessionId");
  if (typeof sessionId !== "string") return undefined;
  const isActor = typeof inherited(value, "send") === "function";
  return isActor ? { actor: held(value, "id"), sessionId } : undefined;
}

function sizeOf(value: object): string {
  if (Array.isArray(value)) return `[${value.length} items]`;
  if (types.isMap(value) || types.isSet(value)) return `[${value.size} items]`;
  return `{${Object.keys(value).length} fields}`;
}

function keyOf(key: unknown): string {
  return typeof key === "string"
    ? key
    : typeof key === "object" || typeof key === "function"
      ? "(object)"
      : String(key);
}

function take<T>(items: Iterable<T>, most: number): T[] {
  const taken: T[] = [];
  for (const item of items) {
    if (taken.length >= most) break;
    taken.push(item);
  }
  return taken;
}
