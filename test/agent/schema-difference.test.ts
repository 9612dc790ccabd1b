import { describe, expect, test } from "vitest";
import { type ComparisonRules, type Said, schemaDifferences } from "../../src/agent/schema-difference.ts";

const overlap: ComparisonRules = { mode: "overlap", strictReader: true };
const cover: ComparisonRules = { mode: "cover", strictReader: true };

const text = { type: "string" };
const number = { type: "number" };
const integer = { type: "integer" };
const nothing = { type: "null" };
const either = (...anyOf: unknown[]) => ({ anyOf });
const list = (items: unknown) => ({ type: "array", items });
const tuple = (...prefixItems: unknown[]) => ({
  type: "array",
  prefixItems,
  minItems: prefixItems.length,
  maxItems: prefixItems.length,
});
/** Properties are required unless their name ends with "?". */
function object(properties: Record<string, unknown>, more: Record<string, unknown> = {}) {
  const names = Object.keys(properties);
  return {
    type: "object",
    properties: Object.fromEntries(names.map((name) => [name.replace("?", ""), properties[name]])),
    required: names.filter((name) => !name.endsWith("?")),
    ...more,
  };
}
const closed = { additionalProperties: false };
const node = (label: unknown) => ({
  $ref: "#/$defs/Node",
  $defs: { Node: object({ label, "children?": list({ $ref: "#/$defs/Node" }) }) },
});

const tell = (said: Said) => (said.type === "says" ? said.text : said.type);
const told = (writer: unknown, reader: unknown, rules: ComparisonRules) =>
  schemaDifferences(writer, reader, rules).map((one) => `${one.at}: ${tell(one.writer)} / ${tell(one.reader)}`);

describe("two schemas that may mean the same values do not differ", () => {
  test.each<[name: string, writer: unknown, reader: unknown]>([
    ["equal texts", text, text],
    ["integers and numbers", integer, number],
    ["numbers and integers", number, integer],
    ["anything", {}, text],
    ["anything, on the other side", text, {}],
    ["everything", true, number],
    ["a union that shares one member", either(text, number), either(number, nothing)],
    ["a value that may be null, and one that may not", either(text, nothing), text],
    ["null in a list of types", { type: ["string", "null"] }, text],
    ["one of a list of values", { enum: ["a", "b"] }, { enum: ["b", "c"] }],
    ["a constant and its type", { const: "a" }, text],
    ["a text and a list of texts", text, { enum: ["a"] }],
    ["formats and patterns", { type: "string", format: "date" }, { type: "string", pattern: "^x$" }],
    ["a property that the reader does not name", object({ a: text, b: text }), object({ a: text })],
    ["a property that the reader may be without", object({ a: text }), object({ a: text, "b?": number })],
    ["an optional property that the reader requires", object({ "a?": text }), object({ a: text })],
    ["a required property of a dict", { type: "object", additionalProperties: text }, object({ a: text })],
    ["an object of which nothing is said", { type: "object" }, object({ a: text })],
    ["an open class", object({}, { additionalProperties: true }), object({ a: text })],
    ["an optional property that a strict reader refuses", object({ a: text, "b?": text }), object({ a: text }, closed)],
    ["a class and a record of its values", object({ a: number }), { type: "object", additionalProperties: number }],
    ["a tuple and a list", tuple(number, integer), list(number)],
    ["a list and a tuple", list(number), tuple(number, number)],
    ["recursive schemas", node(text), node(text)],
    ["a recursive schema and one that is not", node(text), object({ label: text, "children?": list({}) })],
    ["a reference to elsewhere", { $ref: "https://example.com/schema" }, text],
    ["a reference that leads nowhere", { $ref: "#/$defs/None" }, text],
    ["a union beside other keywords", { type: "object", anyOf: [object({ a: text })] }, text],
    ["one schema of all", { allOf: [text] }, text],
    ["several of all", { allOf: [object({ a: text }), object({ b: text })] }, object({ c: text })],
    ["what is never written", false, text],
    [
      "a discriminated union of which one fits",
      either(object({ k: { const: "a" } }), object({ k: { const: "b" } })),
      object({ k: { const: "b" } }),
    ],
  ])("%s", (_name, writer, reader) => {
    expect(told(writer, reader, overlap)).toEqual([]);
  });
});

describe("two schemas differ where they cannot mean the same values", () => {
  test.each<[name: string, writer: unknown, reader: unknown, differences: string[]]>([
    ["another type", text, number, [": string / number"]],
    ["a text and an object", text, object({ a: text }), [": string / object"]],
    ["an object and a text", object({ a: text }), text, [": object / string"]],
    ["a truth value and an integer", { type: "boolean" }, integer, [": boolean / integer"]],
    [
      "unions that share nothing",
      either(text, { type: "boolean" }),
      either(number, object({})),
      [": string | boolean / number | object"],
    ],
    [
      "unions that share null alone",
      either(text, nothing),
      either(number, nothing),
      [": string | null / number | null"],
    ],
    ["values of which none is the other's", { enum: ["a", "b"] }, { const: "c" }, [': "a" | "b" / "c"']],
    ["a property of another type", object({ total: text }), object({ total: number }), [".total: string / number"]],
    ["an optional property of another type", object({ "a?": text }), object({ "a?": number }), [".a: string / number"]],
    [
      "a required property that is never there",
      object({ a: text }),
      object({ a: text, b: list(text) }),
      [".b: lacks / array"],
    ],
    [
      "a property that a strict reader refuses",
      object({ a: text, b: text }),
      object({ a: text }, closed),
      [".b: string / lacks"],
    ],
    [
      "properties in depth",
      object({ a: object({ b: list(object({ c: text })) }) }),
      object({ a: object({ b: list(object({ c: number })) }) }),
      [".a.b[].c: string / number"],
    ],
    [
      "several of one object",
      object({ a: text, b: text }),
      object({ a: number, b: number, c: text }),
      [".a: string / number", ".b: string / number", ".c: lacks / string"],
    ],
    ["a name that is no word", object({ "a b": text }), object({ "a b": number }), ['["a b"]: string / number']],
    [
      "the nearest member of a union",
      either(object({ a: text, b: text }), object({ z: text })),
      object({ a: text, b: number }),
      [".b: string / number"],
    ],
    ["items of a list", list(text), list(number), ["[]: string / number"]],
    ["items of a tuple", tuple(text, text), tuple(text, number), ["[1]: string / number"]],
    ["tuples of other lengths", tuple(text), tuple(text, text), [": array of 1 / array of 2"]],
    [
      "values of dicts",
      { type: "object", additionalProperties: text },
      { type: "object", additionalProperties: number },
      [".*: string / number"],
    ],
    ["a recursive schema, once", node(text), node(number), [".label: string / number"]],
    ["something that the reader never takes", text, false, [": string / nothing"]],
    ["a long list of values", { enum: [1, 2, 3, 4, 5, 6, 7] }, text, [": 1 | 2 | 3 | 4 | 5 | 6 | … / string"]],
  ])("%s", (_name, writer, reader, differences) => {
    expect(told(writer, reader, overlap)).toEqual(differences);
  });
});

describe("where every value has to fit", () => {
  test.each<[name: string, writer: unknown, reader: unknown, differences: string[]]>([
    ["an equal schema does", object({ a: text, "b?": number }), object({ a: text, "b?": number }), []],
    ["a new property does", object({ a: text, b: text }), object({ a: text }), []],
    ["fewer members of a union do", text, either(text, number), []],
    ["fewer values do", { const: "a" }, { enum: ["a", "b"] }, []],
    ["null that is new does not", either(text, nothing), text, [": string | null / string"]],
    ["a value that is new does not", { enum: ["a", "b"] }, { enum: ["a"] }, [': "a" | "b" / "a"']],
    ["any text in place of some does not", text, { enum: ["a"] }, [': string / "a"']],
    ["a property that may be missing does not", object({ "a?": text }), object({ a: text }), [".a: may_lack / string"]],
    [
      "a new member of a union does not",
      either(object({ k: { const: "a" } }), object({ k: { const: "b" } })),
      object({ k: { const: "a" } }),
      ['.k: "b" / "a"'],
    ],
    ["anything in place of something passes", {}, text, []],
  ])("%s", (_name, writer, reader, differences) => {
    expect(told(writer, reader, cover)).toEqual(differences);
  });

  test("a reader that is not strict takes properties that it does not name", () => {
    const [writer, reader] = [object({ a: text, b: text }), object({ a: text }, closed)];
    expect(told(writer, reader, { mode: "cover", strictReader: false })).toEqual([]);
    expect(told(writer, reader, cover)).toEqual([".b: string / lacks"]);
  });
});

test("schemas that share much of themselves are compared in bounded time", () => {
  const layers = 40;
  const defs = (leaf: unknown) =>
    Object.fromEntries(
      Array.from({ length: layers }, (_, at) => {
        const next = at === layers - 1 ? leaf : { $ref: `#/$defs/L${at + 1}` };
        return [`L${at}`, object({ left: next, right: next })];
      }),
    );
  const of = (leaf: unknown) => ({ $ref: "#/$defs/L0", $defs: defs(leaf) });
  expect(told(of(text), of(text), overlap)).toEqual([]);
  expect(told(of(text), of(number), overlap).length).toBeGreaterThan(0);
});
