import { expect, test } from "vitest";
import { checkRunOptions, requestOf } from "../../src/agent/run-options.ts";

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

test("the request has what was given and nothing else", () => {
  const bare = requestOf("poet", "r1", "hi", {});
  expect(bare).toEqual({ agentId: "poet", runId: "r1", prompt: "hi", attempt: 1, incarnation: 0 });
  const options = { deps: null, conversationId: "c", messageHistory: [1], metadata: { a: "b" }, model: "m" };
  expect(requestOf("poet", "r1", "hi", { ...options, timeoutMs: 5 })).toEqual({ ...bare, ...options });
});
