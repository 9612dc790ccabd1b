/** JSON documents as the contract carries them: UTF-8 bytes, empty when absent. */

import { invalidArgument, RunError, type RunErrorFacts } from "../errors.ts";

const encoder = new TextEncoder();
const decoder = new TextDecoder("utf-8", { fatal: true });

/** The bytes of `value`. Throws CallerError "invalid_argument" naming `field` for what JSON cannot hold. */
export function encodeJson(field: string, value: unknown): Uint8Array<ArrayBuffer> {
  let text: string | undefined;
  try {
    text = JSON.stringify(value);
  } catch (error) {
    throw invalidArgument(field, value, "a JSON value", error);
  }
  if (text === undefined) throw invalidArgument(field, value, "a JSON value");
  return encoder.encode(text);
}

/** The value in `bytes`. Throws RunError "protocol_violation" naming `field` when they are not one JSON document. */
export function decodeJson(bytes: Uint8Array, field: string, facts: RunErrorFacts): unknown {
  try {
    return JSON.parse(decoder.decode(bytes));
  } catch (error) {
    throw protocolViolation(`sent ${bytes.byteLength} bytes as ${field} that are not JSON`, { ...facts, cause: error });
  }
}

/** The value in `bytes`, or undefined when there is none or it is not JSON: for facts beside an error, which must not hide it. */
export function tryDecodeJson(bytes: Uint8Array): unknown {
  if (bytes.byteLength === 0) return undefined;
  try {
    return JSON.parse(decoder.decode(bytes));
  } catch {
    return undefined;
  }
}

/** The worker broke the contract; `what` continues the sentence "the worker of agent …". */
export function protocolViolation(what: string, facts: RunErrorFacts): RunError {
  const message = `the worker of agent "${facts.agentId}" ${what}; its Python package synapse-otp does not fit this version`;
  return new RunError("protocol_violation", message, facts);
}
