/** Whether an agent is what its definition takes it for: asked when a worker is ready, before it serves. */

import type { StandardSchemaV1 } from "@standard-schema/spec";
import type { Clock } from "../otp/scheduler/clock.ts";
import { isThenable } from "../otp/scheduler/thenable.ts";
import type { AgentDescription } from "../rpc/run-types.ts";
import type { AgentContract } from "./contract.ts";
import { documentOf } from "./json-schema.ts";
import { inTime, keysOf } from "./schema-check.ts";
import { type Said, type SchemaDifference, schemaDifferences } from "./schema-difference.ts";
import { exampleCount, exampleOf } from "./schema-example.ts";
import { describeAlternatives, SchemaDocument } from "./schema-node.ts";
import type { NormalAgentSpec } from "./spec.ts";
import { textSchema } from "./text-schema.ts";

/** What a definition expects of its agent. */
export type Expectations = Pick<NormalAgentSpec, "output" | "tools" | "contract">;

/** How long a schema may take to say whether it takes an example, in milliseconds; after that it has not said no. */
const askMs = 5_000;

/** Whether a definition expects anything that a description can be checked against. */
export function expectsAnything({ output, tools, contract }: Expectations): boolean {
  return contract !== undefined || tools !== undefined || (output !== undefined && documentOf(output) !== undefined);
}

/** Whether all that a definition expects is that its agent answers with a text. */
export function expectsTextAlone({ output, tools, contract }: Expectations): boolean {
  return output === textSchema && tools === undefined && contract === undefined;
}

/**
 * The fields in which an agent is not what its definition expects, a sentence each: what can never work, or is certainly different. What JSON Schema cannot decide
 * passes. Never rejects.
 */
export async function contractFaults(expected: Expectations, agent: AgentDescription, clock: Clock): Promise<string[]> {
  const { output, tools, contract } = expected;
  const faults = contract === undefined ? [] : contractDifferences(contract, agent);
  if (output !== undefined) faults.push(...(await outputFaults(output, agent.outputSchema, clock)));
  const taken = new Set([...agent.tools.map(({ name }) => name), ...agent.outputTools]);
  for (const { name } of tools?.specs ?? []) {
    if (taken.has(name))
      faults.push(`tools.${name}: the agent has a tool of this name, and the definition another one`);
  }
  return faults;
}

async function outputFaults(schema: StandardSchemaV1, written: unknown, clock: Clock): Promise<string[]> {
  const read = documentOf(schema);
  if (read === undefined || written === undefined) return [];
  const suspects = schemaDifferences(written, read, { mode: "overlap", strictReader: true });
  if (suspects.length === 0) return [];
  const confirmed = await refusedBy(schema, written, suspects, clock);
  return confirmed.map((one) => sentence("output", one.at, one.writer, "definition", one.reader));
}

/**
 * The differences that the schema itself confirms. What a schema in code says of itself is not all that it takes: z.coerce.number() says that it takes numbers. So it is asked about
 * examples of what the agent answers, and a place that it takes in any of them is none where the two differ.
 */
async function refusedBy(
  schema: StandardSchemaV1,
  written: unknown,
  suspects: readonly SchemaDifference[],
  clock: Clock,
): Promise<readonly SchemaDifference[]> {
  const count = Math.max(exampleCount, new SchemaDocument(written).alternatives(written)?.length ?? 0);
  let left = suspects;
  for (let which = 0; which < count && left.length > 0; which += 1) {
    const example = exampleOf(written, which);
    const issues = await issuesOf(schema, example, clock);
    if (issues === undefined) return [];
    left = left.filter(({ path }) =>
      issues.length === 0 ? false : !holds(example, path) || issues.some((issue) => touches(issue, path)),
    );
  }
  return left;
}

/** Where a schema refuses a value; undefined when it does not say. */
async function issuesOf(
  schema: StandardSchemaV1,
  value: unknown,
  clock: Clock,
): Promise<(readonly PropertyKey[])[] | undefined> {
  try {
    const validated: unknown = schema["~standard"].validate(value);
    const result = isThenable(validated) ? await inTime(validated, clock, askMs) : validated;
    if (result === undefined) return undefined;
    const { issues = [] } = result as StandardSchemaV1.Result<unknown>;
    return issues.map(keysOf);
  } catch {
    return undefined; // It is code of the user's: what it makes of an answer is seen when there is one.
  }
}

/** Whether a value has this place, or lacks only the last step to it. */
function holds(value: unknown, path: readonly (string | number)[]): boolean {
  let at = value;
  for (const step of path) {
    if (typeof at !== "object" || at === null) return false;
    at = (at as Record<string | number, unknown>)[step];
  }
  return true;
}

/** Whether an issue is of a place, of what holds it, or of what it holds. */
function touches(issue: readonly PropertyKey[], path: readonly (string | number)[]): boolean {
  return path.slice(0, issue.length).every((step, index) => String(step) === String(issue[index]));
}

function contractDifferences(contract: AgentContract, agent: AgentDescription): string[] {
  if (contract.hash === agent.schemaHash) return [];
  const faults: string[] = [];
  const tell = (field: string, at: string, ofAgent: Said, ofContract: Said) =>
    faults.push(sentence(field, at, ofAgent, "contract", ofContract));
  if (contract.output !== undefined && agent.outputSchema !== undefined) {
    const rules = { mode: "cover", strictReader: false } as const;
    for (const one of schemaDifferences(agent.outputSchema, contract.output, rules)) {
      tell("output", one.at, one.writer, one.reader);
    }
  }
  if (contract.deps !== undefined && agent.depsSchema !== undefined) {
    const rules = { mode: "cover", strictReader: true } as const;
    for (const one of schemaDifferences(contract.deps, agent.depsSchema, rules)) {
      tell("deps", one.at, one.reader, one.writer);
    }
  } else if (contract.deps !== undefined || agent.depsSchema !== undefined) {
    // Of a type that no JSON makes runs take none.
    tell("deps", "", saysOf(agent.depsSchema), saysOf(contract.deps));
  }
  const tools = new Map(agent.tools.map(({ name, parametersSchema }) => [name, parametersSchema]));
  for (const [name, parameters] of Object.entries(contract.tools)) {
    if (tools.has(name)) {
      const rules = { mode: "overlap", strictReader: false } as const;
      for (const one of schemaDifferences(tools.get(name), parameters, rules)) {
        tell(`tools.${name}`, one.at, one.writer, one.reader);
      }
    } else if (agent.unknownToolsets.length === 0) {
      faults.push(`tools.${name}: the agent has no such tool, and the contract has it`);
    }
  }
  return faults;
}

function saysOf(schema: unknown): Said {
  const text = schema === undefined ? "none" : describeAlternatives(new SchemaDocument(schema).alternatives(schema));
  return { type: "says", text };
}

/** "output.total: the agent says string, the definition number". */
function sentence(field: string, at: string, agent: Said, other: "definition" | "contract", theirs: Said): string {
  const where = `${field}${at}`;
  if (agent.type === "says" && theirs.type === "says") {
    return `${where}: the agent says ${agent.text}, the ${other} ${theirs.text}`;
  }
  return `${where}: the agent ${clause(agent)}, the ${other} ${clause(theirs)}`;
}

function clause(said: Said): string {
  if (said.type === "says") return `says ${said.text}`;
  return said.type === "lacks" ? "has no such property" : "may leave it out";
}
