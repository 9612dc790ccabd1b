import { fromBinary, toBinary } from "@bufbuild/protobuf";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { FrontendProtocol, RunRequestSchema } from "../../src/gen/synapse_otp/v1/agent_pb.ts";
import { checkRequestSize, toRunRequest } from "../../src/rpc/request.ts";
import type { ModelSettings, RunRequestSpec, UsageLimits } from "../../src/rpc/run-types.ts";
import { runSpec } from "./agent-server.ts";

const what = 'run "r" of agent "a"';

function parse(bytes: Uint8Array): unknown {
  return JSON.parse(Buffer.from(bytes).toString("utf8"));
}

/** A key that collides with no setting of the contract. */
const settingKey = fc.stringMatching(/^(openai|anthropic)_[a-z_]{1,8}$/);
const count = fc.nat();
const json = fc.jsonValue({ noUnicodeString: false }).map((value) => JSON.parse(JSON.stringify(value)) as unknown);
const wellFormed = fc.string({ unit: "grapheme" });

const modelSettings: fc.Arbitrary<ModelSettings> = fc.record(
  {
    maxTokens: count,
    temperature: fc.double({ noNaN: true, noDefaultInfinity: true }),
    topP: fc.double({ min: 0, max: 1, noNaN: true }),
    topK: count,
    timeoutMs: fc.nat({ max: 600_000 }),
    parallelToolCalls: fc.boolean(),
    seed: fc.maxSafeInteger(),
    presencePenalty: fc.double({ min: -2, max: 2, noNaN: true }),
    frequencyPenalty: fc.double({ min: -2, max: 2, noNaN: true }),
    stopSequences: fc.array(wellFormed),
    toolChoice: fc.constantFrom("none", "auto", "required"),
    thinking: fc.constantFrom<NonNullable<ModelSettings["thinking"]>>(true, false, "minimal", "xhigh"),
    extra: fc.dictionary(settingKey, json, { minKeys: 1 }),
  },
  { requiredKeys: [] },
);

const usageLimits: fc.Arbitrary<UsageLimits> = fc.record(
  {
    requestLimit: fc.option(count, { nil: null }),
    toolCallsLimit: count,
    inputTokensLimit: fc.maxSafeNat(),
    outputTokensLimit: count,
    totalTokensLimit: count,
    perRequestInputTokensLimit: count,
    costLimit: fc.constantFrom("0", "0.25", "12"),
    countTokensBeforeRequest: fc.boolean(),
  },
  { requiredKeys: [] },
);

const protocols = { "vercel-ai": FrontendProtocol.VERCEL_AI, "ag-ui": FrontendProtocol.AG_UI };

const spec: fc.Arbitrary<RunRequestSpec> = fc.record(
  {
    agentId: wellFormed,
    prompt: wellFormed,
    runId: fc.uuid(),
    attempt: fc.nat({ max: 0xffffffff }),
    incarnation: fc.nat({ max: 0xffffffff }),
    conversationId: wellFormed,
    messageHistory: fc.array(json),
    deps: json,
    model: wellFormed,
    modelSettings,
    usageLimits,
    instructions: wellFormed,
    metadata: fc.dictionary(wellFormed, wellFormed),
    timeLeftMs: fc.maxSafeNat(),
    partialOutput: fc.boolean(),
    frontend: fc.record({
      protocol: fc.constantFrom("vercel-ai", "ag-ui"),
      body: fc.uint8Array() as fc.Arbitrary<Uint8Array<ArrayBuffer>>,
      serverHistory: fc.boolean(),
      sdkVersion: fc.integer({ min: 5, max: 7 }),
    }),
  },
  { requiredKeys: ["agentId", "prompt", "runId", "attempt", "incarnation"] },
);

test("every request survives the way through its binary form", () => {
  fc.assert(
    fc.property(spec, (given) => {
      const wire = fromBinary(RunRequestSchema, toBinary(RunRequestSchema, toRunRequest(given)));
      expect(wire).toMatchObject({
        agentId: given.agentId,
        prompt: given.prompt,
        runId: given.runId,
        attempt: given.attempt,
        incarnation: given.incarnation,
        conversationId: given.conversationId ?? "",
        model: given.model ?? "",
        instructions: given.instructions ?? "",
        deadlineUnixMs: 0n,
      });
      expect(wire.timeLeftMs).toBe(given.timeLeftMs === undefined ? undefined : BigInt(given.timeLeftMs));
      expect(Object.entries(wire.metadata)).toEqual(Object.entries(given.metadata ?? {}));
      expect(wire.stream?.partialOutput ?? false).toBe(given.partialOutput ?? false);
      if (given.messageHistory !== undefined) expect(parse(wire.messageHistoryJson)).toEqual(given.messageHistory);
      if (given.deps === undefined) expect(wire.depsJson).toHaveLength(0);
      else expect(parse(wire.depsJson)).toEqual(given.deps);
      const { protocol, ...frontend } = given.frontend ?? {};
      if (protocol === undefined) expect(wire.frontend).toBe(undefined);
      else expect(wire.frontend).toMatchObject({ ...frontend, protocol: protocols[protocol] });
      expectSettings(wire.modelSettings, given.modelSettings);
      expectLimits(wire.usageLimits, given.usageLimits);
    }),
    { numRuns: 200 },
  );
});

function expectSettings(
  wire: ReturnType<typeof toRunRequest>["modelSettings"],
  given: ModelSettings | undefined,
): void {
  expect(wire === undefined).toBe(given === undefined);
  if (wire === undefined || given === undefined) return;
  expect(wire.maxTokens).toBe(given.maxTokens);
  expect(wire.temperature).toBe(given.temperature);
  expect(wire.topP).toBe(given.topP);
  expect(wire.topK).toBe(given.topK);
  expect(wire.timeoutS).toBe(given.timeoutMs === undefined ? undefined : given.timeoutMs / 1000);
  expect(wire.parallelToolCalls).toBe(given.parallelToolCalls);
  expect(wire.seed).toBe(given.seed === undefined ? undefined : BigInt(given.seed));
  expect(wire.presencePenalty).toBe(given.presencePenalty);
  expect(wire.frequencyPenalty).toBe(given.frequencyPenalty);
  expect(wire.stopSequences).toEqual(given.stopSequences ?? []);
  expect(wire.toolChoice).toBe(given.toolChoice);
  expect(wire.thinking).toBe(given.thinking === undefined ? undefined : String(given.thinking));
  if (given.extra === undefined) expect(wire.extraJson).toHaveLength(0);
  else expect(parse(wire.extraJson)).toEqual(given.extra);
}

function expectLimits(wire: ReturnType<typeof toRunRequest>["usageLimits"], given: UsageLimits | undefined): void {
  expect(wire === undefined).toBe(given === undefined);
  if (wire === undefined || given === undefined) return;
  const big = (value: number | null | undefined): bigint | undefined =>
    typeof value === "number" ? BigInt(value) : undefined;
  expect(wire.noRequestLimit).toBe(given.requestLimit === null);
  expect(wire.requestLimit).toBe(big(given.requestLimit));
  expect(wire.toolCallsLimit).toBe(big(given.toolCallsLimit));
  expect(wire.inputTokensLimit).toBe(big(given.inputTokensLimit));
  expect(wire.outputTokensLimit).toBe(big(given.outputTokensLimit));
  expect(wire.totalTokensLimit).toBe(big(given.totalTokensLimit));
  expect(wire.perRequestInputTokensLimit).toBe(big(given.perRequestInputTokensLimit));
  expect(wire.costLimit).toBe(given.costLimit);
  expect(wire.countTokensBeforeRequest).toBe(given.countTokensBeforeRequest ?? false);
}

test("a setting that the contract does not name is passed on under its own name", () => {
  const settings = { maxTokens: 5, openai_reasoning_effort: "high", extra: { logit_bias: { a: 1 } } } as ModelSettings;
  const wire = toRunRequest(runSpec({ modelSettings: settings }));
  expect(wire.modelSettings?.maxTokens).toBe(5);
  expect(parse(wire.modelSettings?.extraJson ?? new Uint8Array())).toEqual({
    openai_reasoning_effort: "high",
    logit_bias: { a: 1 },
  });
});

describe("a value that the contract cannot carry is the caller's mistake", () => {
  const circular: { self?: unknown } = {};
  circular.self = circular;
  test.each<[string, Partial<RunRequestSpec>]>([
    ["prompt", { prompt: 7 as unknown as string }],
    ["attempt", { attempt: -1 }],
    ["attempt", { attempt: 1.5 }],
    ["incarnation", { incarnation: 2 ** 32 }],
    ["deps", { deps: circular }],
    ["deps", { deps: () => 1 }],
    ["deps", { deps: 1n }],
    ["messageHistory", { messageHistory: [circular] }],
    ["prompt", { prompt: "half an emoji: \ud83d" }],
    ["instructions", { instructions: "\ude00" }],
    ["metadata.user", { metadata: { user: "\ud83d" } }],
    ["metadata", { metadata: { "\ud83d": "key" } }],
    ["metadata", { metadata: "text" as unknown as Record<string, string> }],
    ["modelSettings.parallelToolCalls", { modelSettings: { parallelToolCalls: 1 as unknown as boolean } }],
    ["modelSettings.thinking", { modelSettings: { thinking: {} as unknown as boolean } }],
    ["modelSettings.thinking", { modelSettings: { thinking: "enormous" as "high" } }],
    ["modelSettings.toolChoice", { modelSettings: { toolChoice: "sometimes" as "auto" } }],
    ["modelSettings.timeoutMs", { modelSettings: { timeoutMs: -1 } }],
    ["modelSettings.extra", { modelSettings: { extra: new Map([["a", 1]]) as object as Record<string, unknown> } }],
    ["metadata", { metadata: new Map([["user", "a"]]) as object as Record<string, string> }],
    ["modelSettings.stopSequences", { modelSettings: { stopSequences: "a" as unknown as string[] } }],
    ["usageLimits.countTokensBeforeRequest", { usageLimits: { countTokensBeforeRequest: 1 as unknown as boolean } }],
    ["metadata.user", { metadata: { user: 3 as unknown as string } }],
    ["timeLeftMs", { timeLeftMs: Number.NaN }],
    ["modelSettings.maxTokens", { modelSettings: { maxTokens: 2 ** 31 } }],
    ["modelSettings.temperature", { modelSettings: { temperature: Number.NaN } }],
    ["modelSettings.seed", { modelSettings: { seed: 0.5 } }],
    ["modelSettings.stopSequences[1]", { modelSettings: { stopSequences: ["a", 1 as unknown as string] } }],
    ["modelSettings.extra", { modelSettings: { extra: { a: 1n } } }],
    ["usageLimits.requestLimit", { usageLimits: { requestLimit: -1 } }],
    ["usageLimits.toolCallsLimit", { usageLimits: { toolCallsLimit: Number.POSITIVE_INFINITY } }],
    ["usageLimits.requestLimits", { usageLimits: { requestLimits: 1 } as object }],
    ["usageLimits.costLimit", { usageLimits: { costLimit: "one dollar" } }],
  ])("%s in %o", (field, changes) => {
    expect(() => toRunRequest(runSpec(changes))).toThrow(expect.objectContaining({ code: "invalid_argument", field }));
  });
});

test("the size check agrees with the encoded size, to the byte", () => {
  fc.assert(
    fc.property(spec, (given) => {
      const request = toRunRequest(given);
      const { byteLength } = toBinary(RunRequestSchema, request);
      expect(() => checkRequestSize(request, byteLength, what)).not.toThrow();
      expect(() => checkRequestSize(request, byteLength - 1, what)).toThrow(
        expect.objectContaining({ code: "message_too_large", value: byteLength }),
      );
    }),
    { numRuns: 200 },
  );
});

test.each<[string, Partial<RunRequestSpec>]>([
  ["prompt", { prompt: "ü".repeat(300) }],
  ["messageHistory", { messageHistory: ["x".repeat(300)] }],
  ["deps", { deps: "x".repeat(300) }],
  ["instructions", { instructions: "x".repeat(300) }],
  ["metadata", { metadata: { a: "x".repeat(300) } }],
  ["body", { frontend: { protocol: "ag-ui", body: new Uint8Array(300), serverHistory: false, sdkVersion: 7 } }],
  ["modelSettings", { modelSettings: { extra: { a: "x".repeat(300) } } }],
])("an oversized request names its largest field: %s", (field, changes) => {
  expect(() => checkRequestSize(toRunRequest(runSpec(changes)), 200, what)).toThrow(
    expect.objectContaining({ code: "message_too_large", field, rule: "at most 200 bytes in all" }),
  );
});
