import { expect, test } from "vitest";
import { isThenable } from "../../../src/otp/scheduler/thenable.ts";

const withThen = (descriptor: PropertyDescriptor, of: object = {}): object =>
  // biome-ignore lint/suspicious/noThenProperty: that is what is tested
  Object.defineProperty(of, "then", descriptor);
const refuse = () => {
  throw new Error("asked for its then");
};

test.each([
  ["a promise", Promise.resolve()],
  ["an object with a then", withThen({ value: refuse })],
  ["a function with a then", withThen({ value: refuse }, () => undefined)],
  ["one that inherits its then", Object.create(Promise.resolve())],
  ["one whose then throws", withThen({ get: refuse })],
  ["one whose then may be another the next time", withThen({ get: () => undefined })],
  ["a Proxy that throws", new Proxy({}, { get: refuse })],
])("a promise cannot carry %s", (_what, value) => {
  expect(isThenable(value)).toBe(true);
});

test.each([
  ["nothing", undefined],
  ["null", null],
  ["a text", "then"],
  ["an object", { a: 1 }],
  ["an object without a prototype", Object.create(null)],
  ["an object whose then is data", withThen({ value: 1 })],
  ["a function", () => undefined],
  ["a Proxy of an object", new Proxy({ a: 1 }, {})],
])("a promise can carry %s", (_what, value) => {
  expect(isThenable(value)).toBe(false);
});
