/** Descriptions of agents, with schemas as pydantic writes them. */

import type { AgentDescription } from "../../src/rpc/run-types.ts";

const text = { type: "string" };
const integer = { type: "integer" };
const nullable = (schema: object) => ({ anyOf: [schema, { type: "null" }], default: null });

function agent(described: Partial<AgentDescription>): AgentDescription {
  return {
    agentId: "typegen",
    name: "",
    description: "",
    model: "",
    inputSchema: {},
    outputSchema: undefined,
    depsSchema: undefined,
    depsType: "",
    tools: [],
    unknownToolsets: [],
    outputTools: [],
    schemaHash: "0123",
    synapseOtpVersion: "0.1.0",
    pydanticAiVersion: "2.60.0",
    pythonVersion: "3.11.0",
    protocolVersion: 1,
    features: [],
    ...described,
  };
}

const tag = {
  type: "object",
  title: "Tag",
  description: "A word for */ something.",
  properties: { word: text, parent: nullable({ $ref: "#/$defs/Tag" }) },
  required: ["word", "parent"],
};

/** Every kind of schema that pydantic writes. */
export const kinds = agent({
  outputSchema: {
    title: "Report",
    type: "object",
    description: "What was found.\n\nIn two paragraphs.",
    properties: {
      title: { ...text, title: "Title", description: "One line." },
      at: { ...text, format: "date-time" },
      blob: { ...text, format: "binary" },
      count: integer,
      share: { type: "number", minimum: 0 },
      huge: { const: "9007199254740993" },
      beyond: { type: "integer", minimum: "9007199254740993" },
      done: { type: "boolean" },
      nothing: { type: "null" },
      anything: {},
      level: { enum: ["low", "high", 3, null] },
      kind: { const: "report", type: "string" },
      maybe: nullable(integer),
      list: { type: "array", items: nullable(text) },
      rows: { type: "array", items: { type: "array", items: integer } },
      pair: { type: "array", prefixItems: [text, integer], minItems: 2, maxItems: 2 },
      many: { type: "array", prefixItems: [text], minItems: 1, items: integer },
      some: { type: "array", prefixItems: [text, nullable(integer)], minItems: 1, maxItems: 2 },
      set: { type: "array", items: integer, uniqueItems: true },
      scores: { type: "object", additionalProperties: { type: "number" } },
      bare: { type: "object", additionalProperties: true },
      byLevel: { type: "object", propertyNames: { enum: ["low", "high"] }, additionalProperties: integer },
      byPattern: { type: "object", patternProperties: { "^x": text } },
      tagged: { type: "object", additionalProperties: { $ref: "#/$defs/Tag" } },
      empty: { type: "object", properties: {} },
      mixed: { anyOf: [text, integer, { $ref: "#/$defs/Level" }, { type: "array", items: text }] },
      shape: {
        discriminator: { propertyName: "kind", mapping: {} },
        oneOf: [{ $ref: "#/$defs/Circle" }, { $ref: "#/$defs/app__Square" }],
      },
      "odd name": text,
      nested: {
        type: "object",
        properties: { deep: { type: "object", properties: { leaf: text }, required: ["leaf"] } },
      },
      json: { $ref: "#/$defs/Json" },
      old: { ...text, deprecated: true },
      class: { $ref: "#/$defs/Output" },
      lost: { $ref: "#/$defs/Nowhere" },
    },
    required: [
      "title",
      "at",
      "blob",
      "count",
      "share",
      "huge",
      "beyond",
      "done",
      "nothing",
      "anything",
      "level",
      "kind",
      "maybe",
      "list",
      "rows",
      "pair",
      "many",
      "some",
      "set",
      "scores",
      "bare",
      "byLevel",
      "byPattern",
      "tagged",
      "empty",
      "mixed",
      "shape",
      "odd name",
      "nested",
      "json",
      "class",
    ],
    $defs: {
      Tag: tag,
      Level: { enum: [1, 2], type: "integer", title: "Level" },
      Circle: {
        type: "object",
        properties: { kind: { const: "circle" }, radius: { type: "number" } },
        required: ["kind", "radius"],
        additionalProperties: true,
      },
      app__Square: { type: "object", properties: { kind: { const: "square" } }, required: ["kind"] },
      Json: {
        anyOf: [
          text,
          { type: "array", items: { $ref: "#/$defs/Json" } },
          { type: "object", additionalProperties: { $ref: "#/$defs/Json" } },
        ],
      },
      Output: { type: "object", properties: { value: text }, required: ["value"] },
    },
  },
  depsSchema: {
    type: "object",
    title: "Settings",
    properties: {
      user: text,
      limit: { ...integer, default: 10, description: "How many." },
      tags: { type: "array", items: { $ref: "#/$defs/Tag" }, default: [] },
      pair: { type: "array", prefixItems: [text, integer], minItems: 2, maxItems: 2 },
    },
    required: ["user", "pair"],
    $defs: { Tag: tag },
  },
  depsType: "Settings",
  tools: [
    {
      name: "find",
      description: "Finds a tag.\n\nOr none.",
      parametersSchema: {
        type: "object",
        properties: { tag: { $ref: "#/$defs/Tag" }, limit: { ...integer, default: 3 } },
        required: ["tag"],
        additionalProperties: false,
        $defs: { Tag: tag },
      },
      needsApproval: true,
      external: false,
    },
    {
      name: "odd-name",
      description: "",
      parametersSchema: { type: "object", properties: {}, additionalProperties: false },
      needsApproval: false,
      external: true,
    },
  ],
});

/** A text, and deps that no JSON makes. */
export const plain = agent({
  outputSchema: text,
  depsType: "Connection */",
  unknownToolsets: ["DynamicToolset", "MCPServerStdio 'files'"],
});

/** A union of models, one of which holds itself. */
export const union = agent({
  outputSchema: {
    anyOf: [{ $ref: "#/$defs/Node" }, { $ref: "#/$defs/Event" }, text],
    $defs: {
      Node: {
        type: "object",
        properties: { label: text, children: { type: "array", items: { $ref: "#/$defs/Node" } } },
        required: ["label", "children"],
      },
      Event: { type: "object", properties: { name: text }, required: ["name"] },
    },
  },
  depsSchema: {},
  depsType: "Any",
});

/** Nothing that pydantic can say. */
export const unsaid = agent({});
