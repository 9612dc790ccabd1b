import type { StandardSchemaV1 } from "@standard-schema/spec";
import { expect, expectTypeOf, test } from "vitest";
import { z } from "zod";
import { type Tool, ToolContent, tool, toolContent } from "../../src/agent/tool.ts";

test("the arguments of a tool have the types of its input's output", () => {
  tool({
    description: "",
    input: z.object({ day: z.string().transform((text) => new Date(text)) }),
    execute: (args, context) => {
      expectTypeOf(args).toEqualTypeOf<{ day: Date }>();
      expectTypeOf(context.signal).toEqualTypeOf<AbortSignal>();
    },
    parameters: { type: "object" },
  });
  tool({ description: "", execute: (args) => expectTypeOf(args).toEqualTypeOf<Readonly<Record<string, unknown>>>() });
});

test("the content of an answer is its parts", () => {
  expect(toolContent("a", { type: "image", url: "https://a.b/c.png" }).parts).toHaveLength(2);
});

test("what another copy of the package has made is the content of an answer, and an object with parts is not", () => {
  const copy = { parts: ["a"], [Symbol.for("synapse-otp.tool-content")]: true };
  expect([copy instanceof ToolContent, { parts: ["a"] } instanceof ToolContent]).toEqual([true, false]);
  expect([toolContent("a") instanceof ToolContent, (null as unknown) instanceof ToolContent]).toEqual([true, false]);
});

const good = { description: "", execute: () => 1 };

test.each<[unknown, string]>([
  [null, "tool is null"],
  [{ ...good, description: 1 }, "tool.description is 1; it must be a string"],
  [{ ...good, execute: 1 }, "tool.execute is 1; it must be a function"],
  [{ ...good, input: {} as StandardSchemaV1 }, "tool.input is"],
  [{ ...good, timeoutMs: 0 }, "tool.timeoutMs is 0; it must be an integer from 1"],
  [{ ...good, timeoutMs: 1.5 }, "tool.timeoutMs is 1.5"],
  [{ ...good, sequential: "yes" }, 'tool.sequential is "yes"; it must be a boolean'],
  [{ ...good, idempotent: 1 }, "tool.idempotent is 1; it must be a boolean"],
  [{ ...good, retries: 1 }, "tool.retries is"],
])("a tool that breaks a rule is refused by field, value and rule: %#", (spec, said) => {
  expect(() => tool(spec as Tool & { execute: () => 1 })).toThrow(said);
});
