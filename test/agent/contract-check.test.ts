import type { StandardSchemaV1 } from "@standard-schema/spec";
import { toStandardJsonSchema } from "@valibot/to-json-schema";
import { type } from "arktype";
import * as v from "valibot";
import { describe, expect, test } from "vitest";
import * as z from "zod";
import type { AgentContract } from "../../src/agent/contract.ts";
import { contractFaults, type Expectations, expectsAnything } from "../../src/agent/contract-check.ts";
import { textSchema } from "../../src/agent/text-schema.ts";
import { tool } from "../../src/agent/tool.ts";
import { ToolSet } from "../../src/agent/tool-set.ts";
import type { AgentDescription } from "../../src/rpc/run-types.ts";
import { createVirtualClock } from "../../src/testing/index.ts";

const none: Expectations = { output: undefined, tools: undefined, contract: undefined };
const clock = createVirtualClock();

function agent(described: Partial<AgentDescription>): AgentDescription {
  return {
    agentId: "poet",
    name: "poet",
    description: "",
    model: "fake",
    inputSchema: undefined,
    outputSchema: undefined,
    depsSchema: undefined,
    depsType: "",
    tools: [],
    unknownToolsets: [],
    outputTools: [],
    schemaHash: "new",
    synapseOtpVersion: "0.0.0",
    pydanticAiVersion: "0.0.0",
    pythonVersion: "0.0.0",
    protocolVersion: 1,
    features: [],
    ...described,
  };
}

const text = { type: "string" };
const integer = { type: "integer" };
const object = (properties: Record<string, unknown>) => ({
  type: "object",
  properties,
  required: Object.keys(properties),
});
const toolOf = (name: string, parametersSchema: unknown = object({})) => ({
  name,
  description: "",
  parametersSchema,
  needsApproval: false,
  external: false,
});

const ofOutput = (output: StandardSchemaV1, outputSchema: unknown) =>
  contractFaults({ ...none, output }, agent({ outputSchema }), clock);

describe("an output that a schema in code describes", () => {
  const bill = object({ total: text, currency: text });

  test.each<[library: string, schema: StandardSchemaV1]>([
    ["zod", z.object({ total: z.number(), currency: z.string(), note: z.string() })],
    ["arktype", type({ total: "number", currency: "string", note: "string" })],
    ["valibot", toStandardJsonSchema(v.object({ total: v.number(), currency: v.string(), note: v.string() }))],
  ])("of %s is compared field by field, and each field is named with both sides", async (_library, schema) => {
    expect((await ofOutput(schema, bill)).sort()).toEqual([
      "output.note: the agent has no such property, the definition says string",
      "output.total: the agent says string, the definition number",
    ]);
  });

  test.each<[name: string, schema: StandardSchemaV1, written: unknown]>([
    ["that fits", z.object({ total: z.string() }), bill],
    ["that coerces", z.object({ total: z.coerce.number(), currency: z.string() }), bill],
    ["that coerces a truth value", z.object({ total: z.coerce.boolean() }), bill],
    ["that mends what it refuses", z.object({ total: z.number().catch(0), note: z.string().catch("") }), bill],
    [
      "that makes something else of it first",
      z.preprocess((value) => value ?? {}, z.object({ total: z.string() })),
      bill,
    ],
    ["that makes a text of whatever comes", z.preprocess(String, z.string()), bill],
    ["that reads a document", z.string().transform((value) => JSON.parse(value) as unknown), text],
    ["that makes a date", z.object({ total: z.string().transform((value) => new Date(value)) }), bill],
    [
      "with a codec",
      z.object({
        at: z.codec(z.iso.datetime(), z.date(), {
          decode: (value) => new Date(value),
          encode: (date) => date.toISOString(),
        }),
      }),
      object({ at: { type: "string", format: "date-time" } }),
    ],
    ["with something that JSON Schema does not know", z.object({ total: z.date(), currency: z.string() }), bill],
    ["that does not say what it is", v.object({ total: v.number() }), bill],
    ["that refuses only patterns", z.object({ total: z.string().regex(/^\d+$/), currency: z.email() }), bill],
    ["of one kind of a union that the agent answers with", z.object({ total: z.string() }), { anyOf: [text, bill] }],
    ["of an agent that says nothing of itself", z.object({ total: z.number() }), undefined],
    ["of an agent that answers with anything", z.number(), {}],
    [
      "that throws when it is asked",
      z.preprocess(() => {
        throw new Error("it wants a real answer");
      }, z.number()),
      text,
    ],
  ])("passes %s", async (_name, schema, written) => {
    expect(await ofOutput(schema, written)).toEqual([]);
  });

  test.each<[name: string, schema: StandardSchemaV1, written: unknown, fault: string]>([
    ["a text for an object", z.object({ a: z.string() }), text, "output: the agent says string, the definition object"],
    ["an object for a text", textSchema, bill, "output: the agent says object, the definition string"],
    [
      "numbers in a list",
      z.array(z.string()),
      { type: "array", items: integer },
      "output[]: the agent says integer, the definition string",
    ],
    [
      "in depth",
      z.object({ items: z.array(z.object({ price: z.number() })) }),
      object({ items: { type: "array", items: object({ price: text }) } }),
      "output.items[].price: the agent says string, the definition number",
    ],
    [
      "a coerced field beside a wrong one",
      z.object({ total: z.coerce.number(), currency: z.number() }),
      bill,
      "output.currency: the agent says string, the definition number",
    ],
    ["other values", z.enum(["a", "b"]), { enum: ["c"] }, 'output: the agent says "c", the definition "a" | "b"'],
    [
      "a property that it refuses",
      z.strictObject({ total: z.string() }),
      bill,
      "output.currency: the agent says string, the definition has no such property",
    ],
    [
      "what it is asked about later",
      z.string().refine((value) => Promise.resolve(value !== "")),
      integer,
      "output: the agent says integer, the definition string",
    ],
  ])("names %s", async (_name, schema, written, fault) => {
    expect(await ofOutput(schema, written)).toEqual([fault]);
  });
});

describe("tools of the host", () => {
  const lookUp = tool({ description: "Looks up", execute: () => "" });
  const tools = ToolSet.of("tools", { lookUp, final_result: lookUp });

  test("that have names of the agent's own tools are told", async () => {
    const own = agent({ tools: [toolOf("lookUp"), toolOf("other")], outputTools: ["final_result"] });
    expect(await contractFaults({ ...none, tools }, own, clock)).toEqual([
      "tools.lookUp: the agent has a tool of this name, and the definition another one",
      "tools.final_result: the agent has a tool of this name, and the definition another one",
    ]);
    expect(await contractFaults({ ...none, tools }, agent({ tools: [toolOf("other")] }), clock)).toEqual([]);
  });
});

describe("a contract", () => {
  const contract: AgentContract = {
    entry: "poet.py:agent",
    hash: "old",
    output: object({ line: text }),
    deps: object({ user: text }),
    tools: { rhyme: object({ word: text }) },
  };
  const same: Partial<AgentDescription> = {
    outputSchema: object({ line: text }),
    depsSchema: object({ user: text }),
    depsType: "Deps",
    tools: [toolOf("rhyme", object({ word: text }))],
  };
  const faults = (described: Partial<AgentDescription>, more: Partial<AgentContract> = {}) =>
    contractFaults({ ...none, contract: { ...contract, ...more } }, agent({ ...same, ...described }), clock);

  test("of the same hash is not looked into", async () => {
    expect(await faults({ schemaHash: "old", outputSchema: integer, tools: [] })).toEqual([]);
  });

  test.each<[name: string, described: Partial<AgentDescription>]>([
    ["an equal one", {}],
    ["a property more in the output", { outputSchema: object({ line: text, rhymed: text }) }],
    ["a tool more", { tools: [...(same.tools ?? []), toolOf("count")] }],
    ["deps that need less", { depsSchema: { ...object({ user: text }), required: [] } }],
    ["a tool that only a run knows", { tools: [], unknownToolsets: ["DynamicToolset"] }],
    ["an agent that cannot say what it answers", { outputSchema: undefined }],
  ])("passes %s", async (_name, described) => {
    expect(await faults(described)).toEqual([]);
  });

  test.each<[name: string, described: Partial<AgentDescription>, fault: string]>([
    [
      "a field of another type",
      { outputSchema: object({ line: integer }) },
      "output.line: the agent says integer, the contract string",
    ],
    [
      "a field that is gone",
      { outputSchema: object({}) },
      "output.line: the agent has no such property, the contract says string",
    ],
    [
      "a field that may be null now",
      { outputSchema: object({ line: { anyOf: [text, { type: "null" }] } }) },
      "output.line: the agent says string | null, the contract string",
    ],
    [
      "a field that may be missing now",
      { outputSchema: { ...object({ line: text }), required: [] } },
      "output.line: the agent may leave it out, the contract says string",
    ],
    [
      "deps that need more",
      { depsSchema: object({ user: text, tenant: text }) },
      "deps.tenant: the agent says string, the contract has no such property",
    ],
    [
      "deps of another type",
      { depsSchema: object({ user: integer }) },
      "deps.user: the agent says integer, the contract string",
    ],
    [
      "deps that are not taken any more",
      { depsSchema: undefined, depsType: "" },
      "deps: the agent says none, the contract object",
    ],
    ["a tool that is gone", { tools: [] }, "tools.rhyme: the agent has no such tool, and the contract has it"],
    [
      "a tool's argument",
      { tools: [toolOf("rhyme", object({ word: integer }))] },
      "tools.rhyme.word: the agent says integer, the contract string",
    ],
  ])("names %s", async (_name, described, fault) => {
    expect(await faults(described)).toEqual([fault]);
  });

  test("without deps names those that are new", async () => {
    expect(await faults({}, { deps: undefined })).toEqual(["deps: the agent says object, the contract none"]);
  });
});

test("only a definition that expects something costs a question", () => {
  expect(expectsAnything(none)).toBe(false);
  expect(expectsAnything({ ...none, output: v.string() })).toBe(false);
  expect(expectsAnything({ ...none, output: textSchema })).toBe(true);
});
