import { expect, test } from "vitest";
import { heldType, heldValue } from "../../../src/otp/scheduler/held-value.ts";

const refuse = (): never => {
  throw new Error("it was asked");
};

test("an object's own plain data is what it holds", () => {
  const key = Symbol("key");
  const value = Object.freeze(Object.assign(Object.create(null), { type: "tick", at: 0, [key]: 1 }));
  expect([heldValue(value, "type"), heldValue(value, "at"), heldValue(value, key)]).toEqual(["tick", 0, 1]);
  expect([heldType(value), heldType({ type: 7 }), heldType({})]).toEqual(["tick", undefined, undefined]);
});

test("what is inherited, what a getter says and what a Proxy says is not, and nobody is asked", () => {
  const traps = new Proxy({}, { get: () => refuse });
  const silent = [
    Object.create({ type: "tick" }),
    Object.defineProperty({}, "type", { get: refuse }),
    new Proxy({ type: "tick" }, traps),
    new Proxy({ type: "tick" }, {}),
    "text",
    undefined,
    null,
    () => undefined,
  ];
  expect(silent.map((value) => heldValue(value, "type"))).toEqual(silent.map(() => undefined));
});
