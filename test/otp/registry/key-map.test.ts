import { describe, expect, test } from "vitest";
import { KeyMap } from "../../../src/otp/registry/key-map.ts";

class Point {
  readonly x = 1;
}

describe("two keys are one", () => {
  const symbol = Symbol("own");
  const point = new Point();
  test.each<[string, unknown, unknown]>([
    ["a string", "a", "a"],
    ["NaN", Number.NaN, Number.NaN],
    ["zeros", 0, -0],
    ["lists", ["a", 1, [true, null]], ["a", 1, [true, null]]],
    ["objects whatever the order of their fields", { a: 1, b: { c: [2n] } }, { b: { c: [2n] }, a: 1 }],
    ["objects without a prototype", { a: 1 }, Object.assign(Object.create(null), { a: 1 })],
    ["lists with the same symbol", [symbol], [symbol]],
    ["lists with a symbol of the same name in the registry", [Symbol.for("s")], [Symbol.for("s")]],
    ["lists with the same instance of a class", [point], [point]],
    ["lists with a hole and with undefined", new Array(1), [undefined]],
  ])("%s", (_what, one, other) => {
    const map = new KeyMap<unknown, string>();
    map.set(one, "one");
    map.set(other, "other");
    expect(map.size).toBe(1);
    expect(map.get(one)).toBe("other");
    map.delete(one);
    expect(map.get(other)).toBeUndefined();
    expect(map.size).toBe(0);
  });
});

describe("two keys are two", () => {
  test.each<[string, unknown, unknown]>([
    ["number and text", 1, "1"],
    ["number and bigint", 1, 1n],
    ["a list and its text", ["a"], '["a"]'],
    ["lists of number and text", [1], ["1"]],
    ["lists of null and undefined", [null], [undefined]],
    ["lists that split their text elsewhere", ["a,b"], ["a", "b"]],
    ["an object and a part of it", { a: 1 }, { a: 1, b: undefined }],
    ["an object and a list", { 0: "a" }, ["a"]],
    ["two instances of a class", new Point(), new Point()],
    ["lists of two instances", [new Point()], [new Point()]],
    ["symbols of one name", [Symbol("s")], [Symbol("s")]],
    ["functions of one text", [() => 1], [() => 1]],
    ["dates of one time", new Date(0), new Date(0)],
  ])("%s", (_what, one, other) => {
    const map = new KeyMap<unknown, string>();
    map.set(one, "one");
    map.set(other, "other");
    expect([map.size, map.get(one), map.get(other)]).toEqual([2, "one", "other"]);
    map.delete(one);
    expect([...map.values()]).toEqual(["other"]);
  });
});

test("keys are listed as they were given", () => {
  const map = new KeyMap<unknown, number>();
  map.set(["list"], 1);
  map.set("text", 2);
  expect([...map.keys()]).toEqual(["text", ["list"]]);
  map.clear();
  expect([map.size, ...map.keys()]).toEqual([0]);
});

test("a key that contains itself is refused", () => {
  const key: unknown[] = [];
  key.push({ key });
  const refused = expect.objectContaining({ code: "invalid_argument", field: "key" });
  expect(() => new KeyMap<unknown, number>().set(key, 1)).toThrow(refused);
});

test("a key may contain the same list twice", () => {
  const part = ["part"];
  const map = new KeyMap<unknown, number>();
  map.set([part, part], 1);
  expect(map.get([["part"], ["part"]])).toBe(1);
});
