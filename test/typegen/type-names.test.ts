import { expect, test } from "vitest";
import { TypeNames } from "../../src/typegen/type-names.ts";

const text = { type: "string" };
const definition = (schema: unknown, root: unknown = {}, direction: "read" | "written" = "read") => ({
  schema,
  root,
  direction,
});

test("a definition has one name wherever it is met, and another one of its name has another", () => {
  const names = new TypeNames();
  expect(names.of("City", definition(text), "Output")).toEqual({ name: "City", fresh: true });
  expect(names.of("City", definition({ ...text }), "Deps")).toEqual({ name: "City", fresh: false });
  expect(names.of("City", definition({ type: "null" }), "Deps").name).toBe("DepsCity");
  expect(names.of("City", definition({ type: "integer" }), "Deps").name).toBe("DepsCity2");
  expect(names.of("City", definition(text, {}, "written"), "Deps").name).toBe("DepsCity3");
});

test("definitions are equal when what they refer to is", () => {
  const names = new TypeNames();
  const node = { items: { $ref: "#/$defs/Leaf" } };
  const of = (leaf: object) => definition(node, { $defs: { Node: node, Leaf: leaf } });
  expect(names.of("Node", of(text), "Output").name).toBe("Node");
  expect(names.of("Node", of({ ...text }), "Tool")).toEqual({ name: "Node", fresh: false });
  expect(names.of("Node", of({ type: "null" }), "Tool").name).toBe("ToolNode");
});

test.each([
  ["Output", "ToolOutput"],
  ["string", "ToolString"],
  ["app.models.City", "app_models_City"],
  ["Response[int]", "Response_int_"],
  ["2nd", "_2nd"],
])("%s becomes %s", (wanted, name) => {
  expect(new TypeNames().of(wanted, definition(text), "Tool").name).toBe(name);
});
