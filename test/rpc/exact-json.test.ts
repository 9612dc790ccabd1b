import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { parseExact, UnsafeNumberError } from "../../src/rpc/exact-json.ts";

const text = `{"id":9007199254740993,"list":[-1180591620717411303424,9007199254740991,0],"rate":0.30000000000000004,
  "nan":NaN,"ends":[Infinity,-Infinity],"words":"9007199254740993, NaN and \\"Infinity\\"","e":1e22}`;
const same = {
  rate: 0.1 + 0.2,
  words: '9007199254740993, NaN and "Infinity"',
  e: 1e22,
};

test('by "string" what JavaScript\'s JSON does not hold is its text', () => {
  expect(parseExact(text, "string")).toEqual({
    ...same,
    id: "9007199254740993",
    list: ["-1180591620717411303424", Number.MAX_SAFE_INTEGER, 0],
    nan: "NaN",
    ends: ["Infinity", "-Infinity"],
  });
});

test('by "bigint" it is exact', () => {
  expect(parseExact(text, "bigint")).toEqual({
    ...same,
    id: 9007199254740993n,
    list: [-1180591620717411303424n, Number.MAX_SAFE_INTEGER, 0],
    nan: Number.NaN,
    ends: [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY],
  });
});

test.each(["[9007199254740993]", "NaN", "[-Infinity]"])('by "error" %s is refused', (document) => {
  expect(() => parseExact(document, "error")).toThrow(UnsafeNumberError);
  expect(parseExact('{"text":"9007199254740993 NaN"}', "error")).toEqual({ text: "9007199254740993 NaN" });
});

describe("what is no JSON", () => {
  test.each(["", "{", "[NaN", "Nan", "Infinityy", '{"a":-NaN}', "[1,]", '"open', "nul"])(
    "%j stays none",
    (document) => {
      expect(() => parseExact(document, "bigint")).toThrow(SyntaxError);
    },
  );
});

test("any JSON is read as JavaScript reads it, as long as its numbers are safe", () => {
  fc.assert(
    fc.property(fc.jsonValue(), (value) => {
      const document = JSON.stringify(value);
      fc.pre(!/\d{16}(?![\d.e])/.test(document));
      expect(parseExact(document, "error")).toEqual(JSON.parse(document));
    }),
    { numRuns: 300 },
  );
});

test("any integer keeps its digits", () => {
  fc.assert(
    fc.property(fc.bigInt(), (value) => {
      const read = parseExact(`{"a":[${value}]}`, "bigint") as { a: [number | bigint] };
      expect(BigInt(read.a[0])).toBe(value);
    }),
    { numRuns: 300 },
  );
});
