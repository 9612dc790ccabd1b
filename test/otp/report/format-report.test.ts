import { expect, test } from "vitest";
import { formatReport } from "../../../src/otp/report/format-report.ts";

const lost = (message: unknown, limits = {}) =>
  formatReport({ type: "dead_letter", to: "nobody", message, why: "noproc" }, limits)
    .split("\n")
    .find((line) => line.startsWith("  message"));

test("what does not let itself be shown is said to be that, and what is beside it is shown", () => {
  const getter = {
    get bad() {
      throw new Error("asked");
    },
  };
  const thorny = new Proxy(
    {},
    new Proxy(
      {},
      {
        get: () => () => {
          throw new Error("trapped");
        },
      },
    ),
  );
  const badJson = {
    toJSON() {
      throw new Error("no JSON of it");
    },
  };
  const message = [1, thorny, getter, badJson, { a: thorny, b: 2n }, Symbol("s")];
  expect(lost(message)).toBe(
    "  message: [1, [a value that cannot be shown], [object Object], [object Object], { a: [a value that cannot be shown], b: 2 }, Symbol(s)]",
  );
});

test("an error whose stack is no text, and JSON that goes on for ever, are shown", () => {
  const error = Object.assign(new Error("odd"), { stack: 7 });
  const endless = { toJSON: (): unknown => ({ ...endless }) };
  expect(lost(error)).toBe("  message: 7");
  expect(lost(endless)).toMatch(/^ {2}message: ./);
});

test("of an array its first 1,000 items are looked at, however long it is", () => {
  expect(lost(new Array(4_000_000_000), { maxChars: 100_000 })).toMatch(
    /^ {2}message: \[undefined, .*, … \(3999999000 more\)\]$/,
  );
  expect(lost([1, 2])).toBe("  message: [1, 2]");
});
