import { describe, expect, test } from "vitest";
import {
  describeExitReason,
  Exit,
  exitReasonOf,
  isA,
  isCleanExit,
  isShutdown,
} from "../../../src/otp/report/exit-reason.ts";
import { createThenable } from "../support.ts";

test.each(["normal", "shutdown", { shutdown: 1 }, { shutdown: undefined }])("%o is clean", (reason) => {
  expect(isCleanExit(reason)).toBe(true);
});

test.each(["killed", "kill", "noproc", "timeout", "bye", new Error("x"), {}])("%o is a crash", (reason) => {
  expect(isCleanExit(reason)).toBe(false);
});

test("only shutdown forms are a shutdown", () => {
  expect([isShutdown("shutdown"), isShutdown({ shutdown: 0 }), isShutdown("normal")]).toEqual([true, true, false]);
});

test("an error with a property named shutdown is a crash all the same", () => {
  expect(isCleanExit(Object.assign(new Error("x"), { shutdown: true }))).toBe(false);
});

test("a reason is described in words", () => {
  expect(describeExitReason("died")).toBe("died");
  expect(describeExitReason(new TypeError("no"))).toBe("TypeError: no");
  expect(describeExitReason({ describe: "pid 7 was killed" })).toBe("pid 7 was killed");
  expect(describeExitReason({ shutdown: "later" })).toBe('{"shutdown":"later"}');
});

test("a thrown value that is no error becomes one and keeps the value as its cause", () => {
  expect(exitReasonOf("boom")).toMatchObject({ message: "thrown: boom", cause: "boom" });
});

/** Throws whatever it is asked. */
const hostile = new Proxy(
  {},
  {
    get() {
      throw new Error("asked for a property");
    },
    has() {
      throw new Error("asked whether it has one");
    },
    getPrototypeOf() {
      throw new Error("asked what it is");
    },
  },
);
const revoked = (() => {
  const { proxy, revoke } = Proxy.revocable({}, {});
  revoke();
  return proxy;
})();
const speechless = Object.assign(new Error("x"), { message: Symbol("no text") as unknown as string });
const nothing = Object.create(null) as object;
const promise = Promise.resolve("later");
const thenable = createThenable(() => promise as never);

describe("every value that is thrown has a reason that is one", () => {
  test.each<[string, unknown, string]>([
    ["undefined", undefined, "undefined"],
    ["null", null, "null"],
    ["a number", 7, "7"],
    ["a symbol", Symbol("s"), "Symbol(s)"],
    ["an object", { a: 1 }, '{"a":1}'],
    ["an object without a prototype", nothing, "{}"],
    ["a promise", promise, "{}"],
    ["a Proxy that throws", hostile, "[a value that cannot be shown]"],
    ["a revoked Proxy", revoked, "[a value that cannot be shown]"],
  ])("%s", (_what, thrown, text) => {
    const reason = exitReasonOf(thrown) as Error;
    expect(reason).toBeInstanceOf(Error);
    expect(reason.message).toBe(`thrown: ${text}`);
    expect(reason.cause === thrown).toBe(true);
  });

  test("an error without a text is its own reason", () => {
    expect(exitReasonOf(speechless)).toBe(speechless);
  });

  test("an Exit with a value has that value, whatever it is", () => {
    const values = [
      "",
      0,
      false,
      undefined,
      null,
      { a: 1 },
      [],
      nothing,
      promise,
      thenable,
      hostile,
      revoked,
    ] as object[];
    for (const value of values) expect(exitReasonOf(new Exit(value)) === value).toBe(true);
  });
});

test("a reason is described whatever it is", () => {
  const reasons = [undefined, null, 7n, Symbol("s"), nothing, hostile, revoked, speechless] as object[];
  expect(reasons.map(describeExitReason)).toEqual([
    "undefined",
    "null",
    "7",
    "Symbol(s)",
    "{}",
    "[a value that cannot be shown]",
    "[a value that cannot be shown]",
    "[object Error]",
  ]);
});

/** A Proxy that throws whatever it is asked. */
const thorny = () =>
  new Proxy(
    {},
    new Proxy({} as ProxyHandler<object>, {
      get: () => () => {
        throw new Error("a trap throws");
      },
    }),
  );

test("a value that throws when it is asked is a crash, is described all the same, and is no instance of anything", () => {
  const reason = thorny();
  expect([isCleanExit(reason), isShutdown(reason), isA(reason, Error)]).toEqual([false, false, false]);
  expect(describeExitReason(reason)).toBe("[a value that cannot be shown]");
  expect(exitReasonOf(reason)).toMatchObject({ message: "thrown: [a value that cannot be shown]" });
  expect(Object.is((exitReasonOf(reason) as Error).cause, reason)).toBe(true);
});

test.each([
  [undefined, "undefined"],
  [null, "null"],
  [Number.NaN, "NaN"],
  [7n, "7"],
  [Symbol("why"), "Symbol(why)"],
  [
    function named() {
      return 1;
    },
    "function named",
  ],
  [Object.create(null), "{}"],
  [{ self: 1n }, "[object Object]"],
  [{ describe: 7 }, '{"describe":7}'],
  [
    {
      toJSON() {
        throw new Error("no JSON of it");
      },
    },
    "[object Object]",
  ],
])("the reason %o is described as %s", (reason, text) => {
  expect(describeExitReason(reason)).toBe(text);
});

test("what describes itself otherwise the second time is described by what it said first", () => {
  let asked = 0;
  const reason = {
    get describe() {
      asked += 1;
      return asked === 1 ? "once" : thorny();
    },
  };
  expect(`${describeExitReason(reason)}`).toBe("once");
});

test("an Exit carries any value as it is", () => {
  for (const reason of [undefined, null, Number.NaN, Promise.resolve(), thorny()]) {
    expect(Object.is(exitReasonOf(new Exit(reason)), reason)).toBe(true);
  }
});
