/** A tool in TypeScript: what a model may call in the host's own process. */

import type { StandardSchemaV1 } from "@standard-schema/spec";
import { checkKnownFields, invalidArgument } from "../errors.ts";
import { longestTimerMs } from "../otp/scheduler/clock.ts";
import type { ContentPart } from "../rpc/content.ts";
import { type JsonSchema, parametersOf } from "./json-schema.ts";

/** What a call of a tool knows of its run. */
export interface ToolContext {
  readonly agentId: string;
  readonly runId: string;
  /** The attempt of the run, from 1. */
  readonly attempt: number;
  /** The worker that asks. */
  readonly incarnation: number;
  /** The model's name of this call; unique within the run. */
  readonly toolCallId: string;
  readonly toolName: string;
  /** How often this tool has failed in a row before. */
  readonly retry: number;
  /** The model request that has asked for the call, from 1. */
  readonly step: number;
  /** Aborted when nobody waits for the result any more: the run has ended, its caller has left, its worker has died, or `timeoutMs` has passed. */
  readonly signal: AbortSignal;
  /** What is left at this moment of the time of the run, or of the call's own, in milliseconds, at least 1: the `timeoutMs` of a run that the tool asks for. Undefined: no limit. */
  readonly timeLeftMs: number | undefined;
}

/** What a tool is, its arguments' types aside. */
export interface Tool {
  /** What the model is told of it. */
  readonly description: string;
  /** Checks the arguments, and gives them their types; what it refuses the model is told, and may mend. Default: not checked. */
  readonly input?: StandardSchemaV1 | undefined;
  /** The arguments as a JSON Schema of an object. Default: what `input` says of itself; without `input` there are no arguments. */
  readonly parameters?: JsonSchema | undefined;
  /**
   * Called for each call of the model. Returns what the model is told: a JSON value, or `toolContent(…)`. Throws {@link ModelRetry} or {@link ToolFailed}
   * to tell it something else; whatever else it throws ends the run.
   */
  readonly execute: (args: never, context: ToolContext) => unknown;
  /** From a call to its result, in milliseconds; then the model is told, and `context.signal` is aborted. Default: as long as the run lasts. */
  readonly timeoutMs?: number | undefined;
  /** Whether it runs alone, beside no other call of the same response; default false. */
  readonly sequential?: boolean | undefined;
  /** Whether each call waits for somebody's approval; such a run ends paused, where it may. Default false. */
  readonly needsApproval?: boolean | undefined;
  /** Whether it may be called again, with the same arguments, by a run that is tried again; default false: a run that has called it is not. */
  readonly idempotent?: boolean | undefined;
}

/** Tools by the names that the model knows them by. */
export type Tools = Readonly<Record<string, Tool>>;

const known: ReadonlySet<string> = new Set([
  "description",
  "input",
  "parameters",
  "execute",
  "timeoutMs",
  "sequential",
  "needsApproval",
  "idempotent",
] satisfies (keyof Tool)[]);

/**
 * A tool, with the types of its arguments taken from `input`.
 * @throws CallerError "invalid_argument" naming the field, the value and the rule
 */
export function tool<Schema extends StandardSchemaV1>(
  spec: Omit<Tool, "input" | "execute"> & {
    readonly input: Schema;
    readonly execute: (args: StandardSchemaV1.InferOutput<Schema>, context: ToolContext) => unknown;
  },
): Tool;
export function tool(
  spec: Omit<Tool, "input" | "execute"> & {
    readonly execute: (args: Readonly<Record<string, unknown>>, context: ToolContext) => unknown;
  },
): Tool;
export function tool(spec: Tool): Tool {
  checkTool("tool", spec);
  return spec;
}

/**
 * Checks a tool, and answers the JSON Schema of its arguments.
 * @throws CallerError "invalid_argument"
 */
export function checkTool(field: string, spec: Tool): JsonSchema {
  if (typeof spec !== "object" || spec === null) throw invalidArgument(field, spec, "a tool, as tool() makes it");
  checkKnownFields(field, spec, known);
  const { description, input, execute, timeoutMs, sequential, needsApproval, idempotent } = spec;
  if (typeof description !== "string") throw invalidArgument(`${field}.description`, description, "a string");
  if (typeof execute !== "function") throw invalidArgument(`${field}.execute`, execute, "a function");
  if (input !== undefined && typeof input?.["~standard"]?.validate !== "function") {
    throw invalidArgument(`${field}.input`, input, "a Standard Schema such as zod's, valibot's or arktype's");
  }
  if (timeoutMs !== undefined && !(Number.isInteger(timeoutMs) && timeoutMs >= 1 && timeoutMs <= longestTimerMs)) {
    throw invalidArgument(`${field}.timeoutMs`, timeoutMs, `an integer from 1 to ${longestTimerMs} milliseconds`);
  }
  for (const [name, value] of Object.entries({ sequential, needsApproval, idempotent })) {
    if (value !== undefined && typeof value !== "boolean")
      throw invalidArgument(`${field}.${name}`, value, "a boolean");
  }
  return parametersOf(field, spec);
}

/** Tells what a tool answers in parts, in every copy of the package alike. */
const brand = Symbol.for("synapse-otp.tool-content");

/** What a tool answers where it is no JSON value. */
export class ToolContent {
  readonly parts: readonly ContentPart[];
  readonly [brand] = true;

  constructor(parts: readonly ContentPart[]) {
    this.parts = parts;
  }

  /** Also true for what another copy of this package has made. */
  static [Symbol.hasInstance](value: unknown): boolean {
    return typeof value === "object" && value !== null && brand in value;
  }
}

/** An answer of a tool in parts: texts, images, audio, video, documents. */
export function toolContent(...parts: readonly ContentPart[]): ToolContent {
  return new ToolContent(parts);
}
