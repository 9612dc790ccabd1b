import { describe, expect, test } from "vitest";
import { checkRunOptions, encodeOptions, type RunOptions } from "../../src/agent/run-options.ts";

const limit = 1_000;
const check = (prompt: unknown, options: unknown = {}) => checkRunOptions(prompt as string, options as never, limit);

test("everything that is optional may be absent, and everything together is taken", () => {
  check("x");
  check("x", {
    signal: new AbortController().signal,
    timeoutMs: 1,
    messageHistory: [],
    conversationId: "c",
    modelSettings: { temperature: 0 },
    usageLimits: { requestLimit: null },
    deps: null,
    model: "test",
    instructions: "be brief",
    metadata: { a: "b" },
  });
});

test.each([
  ["prompt", 7, undefined],
  ["options", "x", null],
  ["options.timeout", "x", { timeout: 5 }],
  ["options.signal", "x", { signal: { aborted: false } }],
  ["options.timeoutMs", "x", { timeoutMs: 0 }],
  ["options.timeoutMs", "x", { timeoutMs: 1.5 }],
  ["options.timeoutMs", "x", { timeoutMs: 2 ** 31 }],
  ["options.messageHistory", "x", { messageHistory: "[]" }],
  ["options.conversationId", "x", { conversationId: 1 }],
  ["options.model", "x", { model: {} }],
  ["options.instructions", "x", { instructions: [] }],
  ["options.modelSettings", "x", { modelSettings: 1 }],
  ["options.modelSettings", "x", { modelSettings: [{ temperature: 0 }] }],
  ["options.usageLimits", "x", { usageLimits: null }],
  ["options.metadata.k", "x", { metadata: { k: 1 } }],
])("%s is refused by name", (field, prompt, options) => {
  expect(() => check(prompt, options)).toThrow(expect.objectContaining({ code: "invalid_argument", field }));
});

test("a prompt is measured in bytes of UTF-8", () => {
  check("x".repeat(limit));
  check("é".repeat(limit / 2));
  expect(() => check("é".repeat(limit / 2 + 1))).toThrow(
    expect.objectContaining({ code: "message_too_large", field: "prompt", value: 1_002, rule: "<= 1000" }),
  );
});

describe("the encoded request", () => {
  const owner = { fetchUrls: false, mayWait: false, agentId: "poet", maxMessageBytes: limit };
  const encode = (options: RunOptions = {}) => encodeOptions("r1", "hi", options, owner).message;

  test("has what was given and nothing else", () => {
    const bare = encode();
    expect(bare).toMatchObject({ agentId: "poet", runId: "r1", prompt: "hi", attempt: 1, incarnation: 0 });
    const given = encode({ deps: null, conversationId: "c", messageHistory: [1], metadata: { a: "b" }, model: "m" });
    const text = (bytes: Uint8Array) => Buffer.from(bytes).toString();
    expect([text(given.depsJson), text(given.messageHistoryJson)]).toEqual(["null", "[1]"]);
    expect(given).toMatchObject({ conversationId: "c", metadata: { a: "b" }, model: "m" });
    expect({ ...given, ...bare }).toEqual(bare);
  });

  test("is taken when it is made: what its caller changes later is not seen", () => {
    const deps = { user: { name: "Ada" } };
    const metadata: Record<string, string> = { a: "b" };
    const modelSettings = { stopSequences: ["x"], temperature: 0.5 };
    const encoded = encode({ deps, metadata, modelSettings });
    deps.user.name = "Eve";
    metadata.a = "c";
    modelSettings.stopSequences.push("y");
    modelSettings.temperature = 1;
    expect(Buffer.from(encoded.depsJson).toString()).toBe('{"user":{"name":"Ada"}}');
    expect(encoded.metadata).toEqual({ a: "b" });
    expect(encoded.modelSettings).toMatchObject({ stopSequences: ["x"], temperature: 0.5 });
  });

  test.each<[string, RunOptions]>([
    ["options.deps", { deps: { a: 1n } }],
    ["options.messageHistory", { messageHistory: [Number.NaN] }],
    ["options.modelSettings.maxTokens", { modelSettings: { maxTokens: 0.5 } }],
    ["options.usageLimits.requestLimit", { usageLimits: { requestLimit: -1 } }],
  ])("cannot be made of %s that the contract cannot carry", (field, options) => {
    expect(() => encode(options)).toThrow(expect.objectContaining({ code: "invalid_argument", field }));
  });

  test("that is over the limit names its largest field", () => {
    expect(() => encode({ deps: "x".repeat(limit) })).toThrow(
      expect.objectContaining({ code: "message_too_large", field: "deps" }),
    );
  });
});
