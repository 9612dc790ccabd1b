import { expect, test } from "vitest";
import { tool } from "../../src/agent/tool.ts";
import { ToolSet } from "../../src/agent/tool-set.ts";

const say = (description: string) => tool({ description, execute: () => description });

test("the tools of a run stand beside those of the definition, and before one of the same name", () => {
  const base = ToolSet.of("spec.tools", { a: say("a"), b: say("b") });
  const both = ToolSet.of("options.tools", { b: say("other"), c: say("c") }, base);
  expect(both?.specs.map(({ name, description }) => [name, description])).toEqual([
    ["a", "a"],
    ["b", "other"],
    ["c", "c"],
  ]);
  expect(base?.get("b")?.description).toBe("b");
  expect(both?.get("d")).toBeUndefined();
});

test("no tools are no set, and the base alone is itself", () => {
  const base = ToolSet.of("spec.tools", { a: say("a") });
  expect(ToolSet.of("spec.tools", undefined)).toBeUndefined();
  expect(ToolSet.of("spec.tools", {})).toBeUndefined();
  expect(ToolSet.of("options.tools", undefined, base)).toBe(base);
});

test.each<[unknown, string]>([
  ["x", "options.tools is"],
  [[say("a")], "options.tools is"],
  [{ "2nd": say("a") }, 'a name in options.tools is "2nd"; it must be 1 to 64 letters'],
  [{ "a b": say("a") }, 'is "a b"'],
  [{ a: {} }, "options.tools.a.description is undefined"],
])("tools that break a rule are refused by their place: %#", (tools, said) => {
  expect(() => ToolSet.of("options.tools", tools as never)).toThrow(said);
});
