/** What a host expects of an agent, as `synapse typegen` writes it down: types for the compiler, schemas for the check at start. */

import { checkKnownFields, invalidArgument } from "../errors.ts";
import { checkEntry } from "./entry.ts";
import type { JsonSchema } from "./json-schema.ts";
import type { RunEvent } from "./run-result.ts";

/** The contract of an agent. `synapse typegen` writes it; nobody writes it by hand. */
export interface AgentContract<Output = unknown, Deps = unknown, ToolArguments = unknown> {
  /** Where the agent is, as `entry` of its definition. */
  readonly entry: string;
  /** What makes the deps of its runs, as `deps` of its definition; undefined: the agent's deps_type. */
  readonly depsFactory?: string | undefined;
  /** The `schemaHash` of its description. */
  readonly hash: string;
  /** What its runs answer with; undefined where pydantic cannot say it. */
  readonly output?: JsonSchema | undefined;
  /** What its runs take as deps; undefined where they take none, or none that JSON can make. */
  readonly deps?: JsonSchema | undefined;
  /** The arguments of its own tools, by their names. */
  readonly tools: Readonly<Record<string, JsonSchema>>;
  /** Carries the types; never set. */
  readonly types?: { readonly output: Output; readonly deps: Deps; readonly toolArguments: ToolArguments } | undefined;
}

/** A call of one of an agent's own tools, its arguments checked by pydantic. */
export type ToolCallOf<ToolArguments> = {
  [Name in keyof ToolArguments & string]: Omit<Extract<RunEvent, { type: "tool.call" }>, "toolName" | "args"> & {
    readonly toolName: Name;
    readonly args: ToolArguments[Name];
  };
}[keyof ToolArguments & string];

/** Whether an event is a call of one of the tools that the contract names, with arguments that pydantic takes; the tools of the host, and of runs, are not among them. */
export function isToolCall<ToolArguments>(
  event: RunEvent,
  contract: AgentContract<unknown, unknown, ToolArguments>,
): event is RunEvent & ToolCallOf<ToolArguments> {
  if (event.type !== "tool.call" || !event.argsValid || event.omittedBytes !== undefined) return false;
  return Object.hasOwn(contract.tools, event.toolName);
}

const known: ReadonlySet<string> = new Set([
  "entry",
  "depsFactory",
  "hash",
  "output",
  "deps",
  "tools",
  "types",
] satisfies (keyof AgentContract)[]);

/**
 * Checks the contract of a definition.
 * @throws CallerError "invalid_argument" naming the field, the value and the rule
 */
export function checkContract(field: string, contract: AgentContract): void {
  if (typeof contract !== "object" || contract === null) {
    throw invalidArgument(field, contract, "a contract that synapse typegen has written");
  }
  checkKnownFields(field, contract, known);
  checkEntry(`${field}.entry`, contract.entry);
  if (contract.depsFactory !== undefined) checkEntry(`${field}.depsFactory`, contract.depsFactory);
  if (typeof contract.hash !== "string") throw invalidArgument(`${field}.hash`, contract.hash, "a string");
  for (const name of ["output", "deps", "tools"] as const) {
    const value: unknown = contract[name];
    const isObject = typeof value === "object" && value !== null;
    if (!isObject && (name === "tools" || value !== undefined)) {
      throw invalidArgument(`${field}.${name}`, value, "an object");
    }
  }
}
