/**
 * How errors know their kin, and what of them goes into JSON. A package may be loaded twice (npm link, a workspace, a bundle beside a dependency): an
 * error of the other copy is of the same class for who asks with `instanceof`. This file imports what imports nothing.
 */

import type { CrashRecord } from "./crash.ts";
import { jsonOf } from "./describe-value.ts";
import type { ValidationIssue } from "./error-facts.ts";

/** Where an error's prototype says what it is, in every copy of the package alike. */
const brand = Symbol.for("synapse-otp.error");

/** The brand of the base of all errors. */
const baseName = "SynapseError";

/** Marks classes by their names. */
export function brandErrors(types: Readonly<Record<string, { readonly prototype: object }>>): void {
  for (const [name, { prototype }] of Object.entries(types)) Object.defineProperty(prototype, brand, { value: name });
}

/** Whether a value is an error of a class, or of the class of this name in another copy of the package. */
export function isErrorOf(type: { readonly prototype: object }, value: unknown): boolean {
  if (typeof value !== "object" || value === null) return false;
  try {
    const name = Object.getOwnPropertyDescriptor(type.prototype, brand)?.value as unknown;
    // A subclass of somebody else's has no name of ours.
    if (name === undefined) return Function.prototype[Symbol.hasInstance].call(type, value);
    const own = (value as { [brand]?: unknown })[brand];
    return name === baseName ? typeof own === "string" : own === name;
  } catch {
    return false; // It does not let itself be looked at.
  }
}

/** Facts that are too long for a log line or none of a stranger's business: tracebacks, histories, output that may hold anything. */
const leftOut = new Set(["pythonTraceback", "messages", "stderrTail"]);

/** The facts of an error as JSON, without tracebacks, histories and what a process has printed. */
export function factsAsJson(error: Error): Record<string, unknown> {
  const facts = Object.entries(error).filter(([name]) => !leftOut.has(name));
  return Object.fromEntries(facts.map(([name, value]) => [name, jsonOf(reduce(name, value))]));
}

function reduce(name: string, value: unknown): unknown {
  if (name === "crash" && value !== undefined) return reduceCrash(value as CrashRecord);
  if (name === "crashes" && Array.isArray(value)) return value.map(reduceCrash);
  if (name === "validationErrors" && Array.isArray(value)) {
    return value.map(({ type, loc, msg }: ValidationIssue) => ({ type, loc, msg }));
  }
  return value;
}

function reduceCrash(crash: CrashRecord): unknown {
  const {
    stderrTail: _tail,
    lastEvents: _events,
    stackDump: _stacks,
    faultTrace: _trace,
    loadFailure,
    ...rest
  } = crash;
  if (loadFailure === undefined) return rest;
  return { ...rest, loadFailure: { kind: loadFailure.kind, message: loadFailure.message } };
}
