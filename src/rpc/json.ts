/** JSON documents as the contract carries them: UTF-8 bytes, empty when absent. */

import { describeValue } from "../describe-value.ts";
import { CallerError, invalidArgument, RunError, type RunErrorFacts } from "../errors.ts";
import { parseExact, type UnsafeHolders, UnsafeNumberError, type UnsafeNumbers } from "./exact-json.ts";

const encoder = new TextEncoder();
const decoder = new TextDecoder("utf-8", { fatal: true });

/** Newer than TypeScript's library: a number as it is to stand in the document. */
const { rawJSON } = JSON as unknown as { rawJSON(text: string): unknown };

/** A value that JSON cannot hold, and where it stands. */
class Unfit extends Error {
  readonly holder: unknown;
  readonly key: string;

  constructor(holder: unknown, key: string) {
    super("a value that JSON cannot hold");
    this.holder = holder;
    this.key = key;
  }
}

/**
 * The bytes of `value`. What JSON.stringify would leave out or change without a word is refused: NaN and infinities, invalid dates, functions,
 * symbols, Maps and Sets, lone surrogates. As there, properties that are undefined are left out.
 * @throws CallerError "invalid_argument" for what JSON cannot hold; its message names the place, such as "options.deps.user.age"
 */
export function encodeJson(
  field: string,
  value: unknown,
  bigints: "refuse" | "write" = "refuse",
): Uint8Array<ArrayBuffer> {
  let text: string | undefined;
  try {
    text = JSON.stringify(value, bigints === "write" ? checkAndWrite : check);
  } catch (error) {
    if (error instanceof Unfit) throw unfit(field, value, error);
    throw invalidArgument(field, value, "a JSON value", error);
  }
  if (text === undefined) throw invalidArgument(field, value, "a JSON value");
  return encoder.encode(text);
}

/** For JSON.stringify: refuses what it would change. */
function check(this: unknown, key: string, value: unknown): unknown {
  switch (typeof value) {
    case "number":
      if (!Number.isFinite(value)) throw new Unfit(this, key);
      return value;
    case "string":
      if (!value.isWellFormed() || !key.isWellFormed()) throw new Unfit(this, key);
      return value;
    case "object":
      // An invalid date is null by now.
      if (value === null) {
        if ((this as Record<string, unknown>)[key] instanceof Date) throw new Unfit(this, key);
      } else if (value instanceof Map || value instanceof Set) throw new Unfit(this, key);
      return value;
    case "bigint":
    case "function":
    case "symbol":
      throw new Unfit(this, key);
    default:
      return value;
  }
}

function checkAndWrite(this: unknown, key: string, value: unknown): unknown {
  return typeof value === "bigint" ? rawJSON(String(value)) : check.call(this, key, value);
}

function unfit(field: string, root: unknown, error: Unfit): CallerError {
  const value = (error.holder as Record<string, unknown>)[error.key];
  const what = `${field}${placeOf(root, error)} is ${describeValue(value)}; it must be a JSON value`;
  return new CallerError("invalid_argument", what, { field, value, rule: "a JSON value" });
}

/** The way from a value to what it holds somewhere below: ".user.tags[2]"; empty for the value itself, or one made on the way by a toJSON. */
function placeOf(root: unknown, { holder, key }: Unfit): string {
  const seen = new Set<unknown>();
  const search = (value: unknown): string | undefined => {
    if (typeof value !== "object" || value === null || seen.has(value)) return undefined;
    seen.add(value);
    if (value === holder) return step(value, key);
    for (const [name, inner] of Object.entries(value)) {
      const below = search(inner);
      if (below !== undefined) return `${step(value, name)}${below}`;
    }
    return undefined;
  };
  try {
    return search(root) ?? "";
  } catch {
    return ""; // It is nested too deeply to be searched.
  }
}

function step(holder: object, key: string): string {
  if (Array.isArray(holder)) return `[${key}]`;
  return /^[A-Za-z_$][\w$]*$/.test(key) ? `.${key}` : `[${JSON.stringify(key)}]`;
}

/**
 * The value in `bytes`; `rule` is for numbers that JavaScript's JSON does not hold, and `holders` is told who holds them.
 * @throws RunError "protocol_violation" naming `field` when they are not one JSON document; UnsafeNumberError by the rule "error"
 */
export function decodeJson(
  bytes: Uint8Array,
  field: string,
  { facts, rule = "string", holders }: { facts: RunErrorFacts; rule?: UnsafeNumbers; holders?: UnsafeHolders },
): unknown {
  try {
    return parseExact(decoder.decode(bytes), rule, holders);
  } catch (error) {
    if (error instanceof UnsafeNumberError) throw error;
    throw protocolViolation(`sent ${bytes.byteLength} bytes as ${field} that are not JSON`, { ...facts, cause: error });
  }
}

/** The value in `bytes`, or undefined when there is none or it is not JSON: for facts beside an error, which must not hide it. */
export function tryDecodeJson(bytes: Uint8Array): unknown {
  if (bytes.byteLength === 0) return undefined;
  try {
    return parseExact(decoder.decode(bytes), "string");
  } catch {
    return undefined;
  }
}

/** The worker broke the contract; `what` continues the sentence "the worker of agent …". */
export function protocolViolation(what: string, facts: RunErrorFacts): RunError {
  const message = `the worker of agent "${facts.agentId}" ${what}; its Python package synapse-otp does not fit this version`;
  return new RunError("protocol_violation", message, facts);
}
