/** The file that `synapse typegen` writes: the types of an agent, and its contract. */

import { isSchemaObject, type SchemaObject } from "../agent/schema-node.ts";
import type { AgentDescription } from "../rpc/run-types.ts";
import { docText, keyText, literalText } from "./source-text.ts";
import { TypeNames } from "./type-names.ts";
import { type TypeScope, TypeWriter } from "./type-text.ts";

/** What every such file begins with: another file is not written over. */
export const fileMark = "/**\n * Written by `synapse-otp typegen`";

/** Where the agent is, as a definition says it. */
export interface ContractSource {
  readonly entry: string;
  /** What makes the deps of its runs; undefined: the agent's deps_type. */
  readonly depsFactory?: string | undefined;
}

/** The text of the file. The same description makes the same text. */
export function contractFile(agent: AgentDescription, { entry, depsFactory }: ContractSource): string {
  const names = new TypeNames();
  const declarations: string[] = [];
  const scope = (direction: TypeScope["direction"], prefix: string): TypeScope => ({
    names,
    direction,
    prefix,
    declarations,
  });
  const sections = [
    `${docText(["What a prompt may be."])}export type Input = Prompt;\n`,
    new TypeWriter(agent.outputSchema, scope("read", "Output")).declaration("Output", [aboutOutput(agent)]),
    depsText(agent, scope("written", "Deps"), depsFactory),
    toolsText(agent, scope("read", "Tool")),
    `${docText(["An event of a run."])}export type Event = RunEvent<Output>;\n`,
    `${docText(["A call of one of the agent's own tools: what `isToolCall(event, contract)` finds among the events of a run."])}export type ToolCall = ToolCallOf<ToolArguments>;\n`,
    contractText(agent, entry, depsFactory),
  ];
  const [input = "", output = "", ...rest] = sections;
  return [head(agent, entry), input, output, ...declarations, ...rest].join("\n");
}

function head({ unknownToolsets }: AgentDescription, entry: string): string {
  const lines = [
    `${fileMark} from the agent "${entry.replaceAll("*/", "*\\/")}"; do not edit.`,
    " *",
    " * Numbers are as JavaScript's JSON holds them. An integer beyond ±(2^53 - 1), NaN and infinities arrive as texts, unless",
    " * `unsafeNumbers` of the definition says otherwise.",
  ];
  if (unknownToolsets.length > 0) {
    lines.push(
      " *",
      ` * The tools of ${unknownToolsets.join(", ").replaceAll("*/", "*\\/")} are known to a run alone, and not here.`,
    );
  }
  return `${lines.join("\n")}\n */\n\nimport type { AgentContract, Prompt, RunEvent, ToolCallOf } from "synapse-otp";\n`;
}

function aboutOutput({ outputSchema }: AgentDescription): string {
  return outputSchema === undefined
    ? "What a run answers with: pydantic cannot say it as JSON Schema."
    : "What a run answers with.";
}

function depsText({ depsSchema, depsType }: AgentDescription, scope: TypeScope, factory: string | undefined): string {
  if (depsSchema !== undefined) {
    const by = factory === undefined ? "the agent's deps_type makes its deps" : `"${factory}" makes its deps`;
    return new TypeWriter(depsSchema, scope).declaration("Deps", [`What a run takes as \`deps\`: ${by} of it.`]);
  }
  const why =
    depsType === ""
      ? "Runs take no `deps`."
      : `Runs take no \`deps\`: no JSON makes Python's ${depsType}, unless \`deps\` of the definition names a function that does.`;
  return `${docText([why])}export type Deps = undefined;\n`;
}

function toolsText({ tools }: AgentDescription, scope: TypeScope): string {
  const doc = docText(["The arguments of the agent's own tools, by their names."]);
  if (tools.length === 0) return `${doc}export type ToolArguments = Record<never, never>;\n`;
  const members = tools.map(({ name, description, parametersSchema, needsApproval, external }) => {
    const waits = needsApproval ? "Its calls wait for somebody's approval, or may." : undefined;
    const outside = external ? "Its calls are answered from outside of the run." : undefined;
    const type = new TypeWriter(parametersSchema, scope).type(parametersSchema, 2);
    return `${docText([description, waits, outside], 2)}  ${keyText(name)}: ${type};\n`;
  });
  return `${doc}export interface ToolArguments {\n${members.join("")}}\n`;
}

function contractText(agent: AgentDescription, entry: string, depsFactory: string | undefined): string {
  const { schemaHash: hash, outputSchema, depsSchema, tools } = agent;
  const contract = {
    entry,
    ...(depsFactory === undefined ? {} : { depsFactory }),
    hash,
    ...(outputSchema === undefined ? {} : { output: bare(outputSchema) }),
    ...(depsSchema === undefined ? {} : { deps: bare(depsSchema) }),
    tools: Object.fromEntries(tools.map(({ name, parametersSchema }) => [name, bare(parametersSchema)])),
  };
  const doc = docText([
    "For `defineAgent({ id, contract })`: it gives outputs and `deps` their types, and an agent that is another does not start.",
  ]);
  return `${doc}export const contract: AgentContract<Output, Deps, ToolArguments> = ${literalText(contract)};\n`;
}

/** Under these keywords stand schemas by names, which are no keywords. */
const tables: ReadonlySet<string> = new Set(["properties", "$defs", "patternProperties", "dependentSchemas"]);
/** These are for people. */
const told: ReadonlySet<string> = new Set(["title", "description", "examples", "default", "deprecated", "$comment"]);

/** A schema without what is for people. */
function bare(schema: unknown): unknown {
  if (Array.isArray(schema)) return schema.map(bare);
  if (!isSchemaObject(schema)) return schema;
  const kept = Object.entries(schema).filter(([key]) => !told.has(key));
  return Object.fromEntries(kept.map(([key, value]) => [key, bareKeyword(key, value)]));
}

function bareKeyword(key: string, value: unknown): unknown {
  if (key === "const" || key === "enum") return value;
  if (!tables.has(key) || !isSchemaObject(value)) return bare(value);
  return Object.fromEntries(Object.entries(value as SchemaObject).map(([name, schema]) => [name, bare(schema)]));
}
