import { expect, test } from "vitest";
import { createActor, createMachine } from "xstate";
import { redacted, summarise, summariseText } from "../../src/inspect/summarise.ts";

test("small plain values are told as they are", () => {
  const value = { id: "a", count: 3, open: true, list: [1, "two", null], at: new Date(0), none: undefined };
  expect(summarise(value)).toEqual({ ...value, at: "1970-01-01T00:00:00.000Z" });
});

test.each([
  ["apiKey", "abc"],
  ["OPENAI_API_KEY", "abc"],
  ["password", "hunter2"],
  ["authorization", "Basic abc"],
  ["sessionToken", "abc"],
  ["note", "the key is sk-proj-abcdefghijklmnop"],
  ["header", "Bearer abcdefghijklmnop"],
  ["url", "postgres://me:hunter2@db/x"],
  ["pem", "-----BEGIN PRIVATE KEY-----\nabc"],
  ["jwt", "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.abc"],
])("a text that is a secret by its name or look is not told: %s", (name, secret) => {
  const nested = { inside: [{ [name]: secret }] };
  expect(summarise(nested)).toEqual({ inside: [{ [name]: redacted }] });
});

test("numbers under the names of secrets are told: counts of tokens are none", () => {
  expect(summarise({ inputTokens: 12, tokens: { outputTokens: 3 } })).toEqual({
    inputTokens: 12,
    tokens: { outputTokens: 3 },
  });
});

test("a conversation is told by its length", () => {
  const messageHistory = [{ role: "user", content: "my heart" }, {}];
  expect(summarise({ messageHistory })).toEqual({ messageHistory: "[2 messages]" });
});

test("what is long, deep, wide or binary is cut, and says how much is missing", () => {
  expect(summariseText("x".repeat(400))).toBe(`${"x".repeat(300)}… (100 more)`);
  expect(summarise([1, 2, 3], { maxFields: 2 })).toEqual([1, 2, "… 1 more"]);
  expect(summarise({ a: 1, b: 2, c: 3 }, { maxFields: 2 })).toEqual({ a: 1, b: 2, "…": "1 more" });
  expect(summarise({ a: { b: { c: 1 } } }, { maxDepth: 2 })).toEqual({ a: { b: "{1 fields}" } });
  expect(summarise({ bytes: new Uint8Array(5_000) })).toEqual({ bytes: "[5000 bytes]" });
  expect(summarise(new Map([["a", { apiKey: "x" }]]))).toEqual({ a: { apiKey: redacted } });
});

test("the whole has a limit, however many branches it has", () => {
  const wide = Array.from({ length: 40 }, () => Array.from({ length: 40 }, () => Array.from({ length: 40 }, () => 1)));
  expect(JSON.stringify(summarise(wide)).length).toBeLessThan(10_000);
});

test("no code of the value runs, and nothing throws", () => {
  let ran = 0;
  const trap = () => {
    ran += 1;
    throw new Error("a trap ran");
  };
  const proxy = new Proxy({}, { get: trap, ownKeys: trap, getOwnPropertyDescriptor: trap, getPrototypeOf: trap });
  const value = {
    get lazy() {
      return trap();
    },
    toJSON: trap,
    proxy,
    fn: trap,
    big: 10n,
    odd: Number.NaN,
    error: new TypeError("broken"),
  };
  expect(JSON.parse(JSON.stringify(summarise(value)))).toEqual({
    lazy: "(a getter)",
    toJSON: { type: "trap" },
    proxy: "(a Proxy)",
    fn: { type: "trap" },
    big: "10n",
    odd: "NaN",
    error: { name: "TypeError", message: "broken" },
  });
  expect(ran).toBe(0);
});

test("what holds itself ends, and an actor is its name", () => {
  const value: Record<string, unknown> = {};
  value.self = value;
  expect(summarise(value)).toEqual({ self: "(itself)" });
  const actor = createActor(createMachine({ id: "m" }), { id: "child" });
  expect(summarise({ actor })).toEqual({ actor: { actor: "child", sessionId: actor.sessionId } });
});
