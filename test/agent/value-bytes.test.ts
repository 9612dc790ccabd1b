import { expect, test } from "vitest";
import { bytesOf, stringBytes } from "../../src/agent/value-bytes.ts";

const long = "x".repeat(10_000);

test("a text counts two bytes for each of its units, wherever it is in a value", () => {
  expect(stringBytes(long)).toBeGreaterThanOrEqual(20_000);
  for (const value of [long, { a: long }, [[long]], new Map([["a", long]]), new Set([long]), new Error(long)]) {
    expect(bytesOf(value)).toBeGreaterThanOrEqual(20_000);
    expect(bytesOf(value)).toBeLessThan(23_000);
  }
});

test("what is there twice, or contains itself, is counted once", () => {
  const shared = { long };
  const circle: { one: unknown; two: unknown; self?: unknown } = { one: shared, two: shared };
  circle.self = circle;
  expect(bytesOf(circle)).toBeLessThan(21_000);
});

test("bytes count as such, and an error with its cause", () => {
  expect(bytesOf(new Uint8Array(5_000))).toBeGreaterThanOrEqual(5_000);
  expect(bytesOf(new Uint8Array(5_000))).toBeLessThan(6_000);
  expect(bytesOf(new Error("outer", { cause: { long } }))).toBeGreaterThanOrEqual(20_000);
});

test("no getter is called, and what does not let itself be looked at is counted all the same", () => {
  const value = {
    get never() {
      throw new Error("a getter was called");
    },
  };
  expect(bytesOf(value)).toBeGreaterThan(0);
  const { proxy, revoke } = Proxy.revocable({}, {});
  revoke();
  expect(bytesOf({ proxy })).toBeGreaterThan(0);
});

test("a value of any depth is measured", () => {
  let deep: unknown = "end";
  for (let level = 0; level < 100_000; level += 1) deep = [deep];
  expect(bytesOf(deep)).toBeGreaterThan(100_000);
});

test.each([undefined, null, 1, true, 1n, Symbol("s"), () => 1])(
  "%s takes something or nothing, and never throws",
  (value) => {
    expect(bytesOf(value)).toBeLessThan(100);
  },
);
