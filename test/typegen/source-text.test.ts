import { expect, test } from "vitest";
import { docText, keyText, literalText } from "../../src/typegen/source-text.ts";

test.each<[value: unknown, text: string]>([
  ['a "b"', '"a \\"b\\""'],
  [null, "null"],
  [[], "[]"],
  [{}, "{}"],
  [{ a: 1, "b-c": "d" }, '{ a: 1, "b-c": "d" }'],
  [{ a: [1, 2] }, "{\n  a: [1, 2],\n}"],
  [JSON.parse('{"__proto__":1}'), '{ ["__proto__"]: 1 }'],
])("%j is a literal", (value, text) => {
  expect(literalText(value)).toBe(text);
});

test("a literal that is too long for a line has a line for each item, and means the value", () => {
  const value = { list: Array.from({ length: 40 }, (_, at) => `item ${at}`), inner: { deep: [{ a: null }] } };
  const text = literalText(value);
  expect(text.split("\n").every((line) => line.length <= 100)).toBe(true);
  expect(new Function(`return ${text}`)()).toEqual(value);
});

test("a key is quoted where it is no word", () => {
  expect(["a", "$b_1", "1a", "a b", "ä"].map(keyText)).toEqual(["a", "$b_1", '"1a"', '"a b"', '"ä"']);
});

test("a comment has no end within it, and none is made of nothing", () => {
  expect(docText(["ends */ here"], 2)).toBe("  /** ends *\\/ here */\n");
  expect(docText(["one", undefined, " two\nthree "])).toBe("/**\n * one\n *\n * two\n * three\n */\n");
  expect(docText([undefined, " "])).toBe("");
});
