import { expect, test } from "vitest";
import { exampleCount, exampleOf } from "../../src/agent/schema-example.ts";

test.each<[name: string, schema: unknown, example: unknown]>([
  ["null", { type: "null" }, null],
  ["a truth value", { type: "boolean" }, true],
  ["a number", { type: "number", minimum: 3 }, 3],
  ["an integer", { type: "integer" }, 1],
  ["a value of a list", { enum: ["a", "b"] }, "a"],
  ["a text in a format", { type: "string", format: "date" }, "2020-01-02"],
  ["a list", { type: "array", items: { type: "integer" }, minItems: 2 }, [1, 1]],
  ["a tuple", { type: "array", prefixItems: [{ type: "null" }, { type: "integer" }] }, [null, 1]],
  ["an object", { type: "object", properties: { a: { type: "integer" } } }, { a: 1 }],
  ["a dict", { type: "object", additionalProperties: { type: "integer" } }, { key: 1 }],
  ["a reference", { $ref: "#/$defs/A", $defs: { A: { type: "null" } } }, null],
])("an example of %s", (_name, schema, example) => {
  expect(exampleOf(schema, 0)).toEqual(example);
});

test("examples differ: members of a union take turns, and texts are numbers, times and more", () => {
  const union = { anyOf: [{ type: "null" }, { type: "integer" }] };
  expect([0, 1, 2].map((which) => exampleOf(union, which))).toEqual([null, 1, null]);
  const texts = Array.from({ length: exampleCount }, (_, which) => exampleOf({ type: "string" }, which));
  expect(new Set(texts).size).toBe(exampleCount);
});

test("an example of a schema that contains itself ends", () => {
  const schema = {
    $ref: "#/$defs/Node",
    $defs: { Node: { type: "object", properties: { next: { $ref: "#/$defs/Node" } } } },
  };
  expect(JSON.stringify(exampleOf(schema, 0))).toMatch(/^(?:\{"next":)+\{\}\}+$/);
});
