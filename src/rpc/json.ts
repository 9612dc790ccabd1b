/** JSON documents as the contract carries them: UTF-8 bytes, empty when absent. */

import { types } from "node:util";
import { describeValue, isRecord } from "../describe-value.ts";
import { CallerError, invalidArgument, RunError, type RunErrorFacts } from "../errors.ts";
import { parseExact, TooDeepError, type UnsafeHolders, UnsafeNumberError, type UnsafeNumbers } from "./exact-json.ts";

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
 * symbols, undefined in a list, Maps, Sets, Responses and other objects that hold what JSON does not see, bytes, lone surrogates. As there, properties that are
 * undefined are left out, and what has a toJSON is what that says. -0 is written as -0.0.
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
    if (error instanceof RangeError)
      throw invalidArgument(field, value, "a JSON value that is nested less deeply", error);
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
      return Object.is(value, -0) ? rawJSON("-0.0") : value;
    case "string":
      if (!value.isWellFormed() || !key.isWellFormed()) throw new Unfit(this, key);
      return value;
    case "object":
      return checkObject(this, key, value);
    case "undefined":
      if (Array.isArray(this)) throw new Unfit(this, key);
      return value;
    case "bigint":
    case "function":
    case "symbol":
      throw new Unfit(this, key);
    default:
      return value;
  }
}

function checkObject(holder: unknown, key: string, value: object | null): unknown {
  // Before its toJSON: an invalid date is null by now, and a Buffer an object with its bytes in a list.
  const held = (holder as Record<string, unknown>)[key];
  if (types.isArrayBufferView(held) || (value === null && held instanceof Date)) throw new Unfit(holder, key);
  if (value === null) return value;
  if (isBlind(value)) throw new Unfit(holder, key);
  if (types.isNumberObject(value) || types.isStringObject(value)) return check.call(holder, key, value.valueOf());
  return value;
}

/** Whether JSON sees nothing, or not the whole, of what an object holds. */
function isBlind(value: object): boolean {
  return (
    types.isMap(value) ||
    types.isSet(value) ||
    types.isArrayBufferView(value) ||
    types.isAnyArrayBuffer(value) ||
    types.isNativeError(value) ||
    types.isRegExp(value) ||
    types.isPromise(value) ||
    types.isWeakMap(value) ||
    types.isWeakSet(value) ||
    types.isGeneratorObject(value) ||
    // Headers, a Response that nobody has read, an iterator.
    !(isPlain(value) || types.isBoxedPrimitive(value) || isRecord(value))
  );
}

function isPlain(value: object): boolean {
  return Array.isArray(value) || Object.getPrototypeOf(value) === Object.prototype;
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
 * @throws RunError "protocol_violation" naming `field` when they are not one JSON document, "output_invalid" for one that is nested too deeply to be read
 * exactly; UnsafeNumberError by the rule "error"
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
    if (error instanceof TooDeepError) {
      throw new RunError(
        "output_invalid",
        `agent "${facts.agentId}" answered with ${field} that ${error.message}`,
        facts,
      );
    }
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
