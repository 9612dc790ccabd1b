import { describe, expect, test } from "vitest";
import { decodeJson, encodeJson, tryDecodeJson } from "../../src/rpc/json.ts";

const text = (bytes: Uint8Array) => Buffer.from(bytes).toString();
const shared = { a: 1 };

test.each<[unknown, string]>([
  [{ a: [1, "ü", null, true], b: undefined }, '{"a":[1,"ü",null,true]}'],
  [[shared, shared], '[{"a":1},{"a":1}]'],
  [new Date(0), '"1970-01-01T00:00:00.000Z"'],
  [{ toJSON: () => ({ made: 1 }) }, '{"made":1}'],
  ["", '""'],
  [{ a: -0 }, '{"a":-0.0}'],
  [new Number(1), "1"],
  [new Boolean(true), "true"],
  [Object.create(null), "{}"],
  [new (class Empty {})(), "{}"],
])("%j is encoded as JSON.stringify does", (value, document) => {
  expect(text(encodeJson("deps", value))).toBe(document);
});

describe("what JSON.stringify would leave out or change is refused, and its place is told", () => {
  const circular: { self?: unknown } = {};
  circular.self = circular;
  test.each<[string, unknown]>([
    ["deps.user.age is NaN", { user: { age: Number.NaN } }],
    ["deps.list[1] is Infinity", { list: [1, Number.POSITIVE_INFINITY] }],
    ["deps.a is 1n", { a: 1n }],
    ["deps is 1n", 1n],
    ['deps["odd key"][0] is a function', { "odd key": [() => 1] }],
    ["deps.s is Symbol(x)", { s: Symbol("x") }],
    ["deps.m is a Map", { m: new Map([[1, 2]]) }],
    ["deps.s is a Set", { s: new Set([1]) }],
    ["deps.at is an invalid Date", { at: new Date(Number.NaN) }],
    ["deps.text is", { text: "half: \ud83d" }],
    ["deps is", circular],
    ["deps.list[1] is undefined", { list: [1, undefined] }],
    ["deps[0] is undefined", new Array(1)],
    ["deps.data is", { data: new Uint8Array(2) }],
    ["deps.data is", { data: Buffer.from("a") }],
    ["deps.data is", { data: new ArrayBuffer(2) }],
    ["deps.e is", { e: new Error("x") }],
    ["deps.e is", { e: /x/ }],
    ["deps.p is a Promise", { p: Promise.resolve() }],
    ["deps.h is a Headers", { h: new Headers({ a: "b" }) }],
    ["deps is a Response", new Response("fetched, and not read")],
    ["deps.q is a URLSearchParams", { q: new URLSearchParams("a=b") }],
    ["deps.i is an Array Iterator", { i: [1].values() }],
    ["deps.n is", { n: new Number(Number.NaN) }],
    ["deps.s is", { s: new String("\ud83d") }],
    ["deps is undefined", undefined],
  ])("%s", (message, value) => {
    expect(() => encodeJson("deps", value)).toThrow(
      expect.objectContaining({
        code: "invalid_argument",
        field: "deps",
        rule: "a JSON value",
        message: expect.stringContaining(message),
      }),
    );
  });

  test("made by a toJSON it is refused by the field alone", () => {
    expect(() => encodeJson("deps", { toJSON: () => ({ a: 1n }) })).toThrow(/deps is 1n/);
  });

  test("nested too deeply a value is told to be that", () => {
    let value: unknown = 1;
    for (let depth = 0; depth < 10_000; depth += 1) value = [value];
    const rule = "a JSON value that is nested less deeply";
    expect(() => encodeJson("deps", value)).toThrow(expect.objectContaining({ code: "invalid_argument", rule }));
  });

  test("nested too deeply it is refused without a word of how to find it", () => {
    let value: unknown = Number.NaN;
    for (let depth = 0; depth < 5_000; depth += 1) value = [value];
    expect(() => encodeJson("deps", value)).toThrow(expect.objectContaining({ code: "invalid_argument" }));
  });
});

test("bigints are written with all their digits where they may be", () => {
  expect(text(encodeJson("messageHistory", [{ id: 9007199254740993n }], "write"))).toBe('[{"id":9007199254740993}]');
});

test("a document of any depth is read, unless it holds a number that would have to be kept exact", () => {
  const deep = (inner: string) => new TextEncoder().encode(`${"[".repeat(20_000)}${inner}${"]".repeat(20_000)}`);
  expect(decodeJson(deep("1"), "output_json", { facts: { agentId: "poet" } })).toBeInstanceOf(Array);
  expect(() => decodeJson(deep("9007199254740993"), "output_json", { facts: { agentId: "poet" } })).toThrow(
    expect.objectContaining({ code: "output_invalid", message: expect.stringContaining("nested too deeply") }),
  );
});

test("what is no JSON is a protocol violation, and no fact beside an error", () => {
  const bytes = new TextEncoder().encode("{");
  expect(() => decodeJson(bytes, "output_json", { facts: { agentId: "poet" } })).toThrow(
    expect.objectContaining({ code: "protocol_violation", message: expect.stringContaining("1 bytes as output_json") }),
  );
  expect(tryDecodeJson(bytes)).toBeUndefined();
  expect(tryDecodeJson(new TextEncoder().encode("[9007199254740993]"))).toEqual(["9007199254740993"]);
});
