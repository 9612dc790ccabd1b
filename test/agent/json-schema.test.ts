import { toStandardJsonSchema } from "@valibot/to-json-schema";
import { type } from "arktype";
import * as v from "valibot";
import { expect, test } from "vitest";
import { z } from "zod";
import { jsonSchemaOf, parametersOf } from "../../src/agent/json-schema.ts";

test.each([
  ["zod", z.object({ city: z.string() })],
  ["arktype", type({ city: "string" })],
  ["valibot", toStandardJsonSchema(v.object({ city: v.string() }))],
])("%s says itself what its arguments are", (_name, input) => {
  expect(parametersOf("tool", { input })).toEqual({
    type: "object",
    properties: { city: { type: "string" } },
    required: ["city"],
  });
});

test("parameters go before what the schema says, and neither means no arguments", () => {
  const parameters = { type: "object", properties: { x: {} } };
  expect(parametersOf("tool", { input: v.object({ x: v.any() }), parameters })).toBe(parameters);
  expect(parametersOf("tool", {})).toMatchObject({ type: "object", properties: {} });
});

test.each([
  [{ input: v.object({}) }, "tool.input is"],
  [{ input: z.object({ when: z.date() }) }, "a schema that JSON Schema can express"],
  [{ input: z.string() }, "the JSON Schema of tool.input is"],
  [{ parameters: { type: "array" } }, "tool.parameters is"],
  [{ parameters: null as never }, "tool.parameters is null"],
  [{ parameters: { type: "object", default: Number.NaN } }, "tool.parameters.default is NaN"],
])("arguments that are no object in JSON Schema are refused: %#", (tool, said) => {
  expect(() => parametersOf("tool", tool)).toThrow(said);
});

test("an output schema is a document of an object, or a schema that says itself as one", () => {
  const document = { type: "object", properties: {} };
  expect(jsonSchemaOf("f", document)).toBe(document);
  expect(jsonSchemaOf("f", z.object({ a: z.string() }))).toMatchObject({ type: "object", required: ["a"] });
  expect(() => jsonSchemaOf("f", { type: "string" })).toThrow(
    'f is {"type":"string"}; it must be a JSON Schema of type "object"',
  );
  expect(() => jsonSchemaOf("f", z.string())).toThrow("f is");
  expect(() => jsonSchemaOf("f", "x" as never)).toThrow('f is "x"; it must be a JSON Schema or a Standard Schema');
});
