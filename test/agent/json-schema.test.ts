import { toStandardJsonSchema } from "@valibot/to-json-schema";
import { type } from "arktype";
import * as v from "valibot";
import { expect, test } from "vitest";
import { z } from "zod";
import { parametersOf } from "../../src/agent/json-schema.ts";

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
  [{ parameters: { type: "object", default: Number.NaN } }, "tool.parameters.default is NaN"],
])("arguments that are no object in JSON Schema are refused: %#", (tool, said) => {
  expect(() => parametersOf("tool", tool)).toThrow(said);
});
