import { create, type MessageInitShape } from "@bufbuild/protobuf";
import { describe, expect, test } from "vitest";
import { DescribeResponseSchema, OutputKind, RunResponseSchema } from "../../src/gen/synapse_otp/v1/agent_pb.ts";
import { beginCall } from "../../src/rpc/call.ts";
import { toDescription, toRunResult } from "../../src/rpc/convert.ts";
import { json } from "./agent-server.ts";

const call = beginCall('run "r" of agent "a"', { agentId: "a", runId: "r" }, {});

function result(init: MessageInitShape<typeof RunResponseSchema>) {
  return toRunResult(create(RunResponseSchema, init), call);
}

const violation = (text: string) =>
  expect.objectContaining({ code: "protocol_violation", runId: "r", message: expect.stringContaining(text) });

describe("a result", () => {
  test.each<[unknown, MessageInitShape<typeof RunResponseSchema>]>([
    ["text", { outputJson: json("text"), result: "text", kind: OutputKind.TEXT }],
    [{ a: [1, null] }, { outputJson: json({ a: [1, null] }), kind: OutputKind.STRUCTURED }],
    [null, { outputJson: json(null), kind: OutputKind.STRUCTURED }],
    ["only result", { result: "only result" }],
    ["", { kind: OutputKind.TEXT }],
  ])("has the output %j", (output, init) => {
    expect(result(init).output).toEqual(output);
  });

  test.each<[string, MessageInitShape<typeof RunResponseSchema>]>([
    ["output_json", { kind: OutputKind.STRUCTURED }],
    ["output_json", { outputJson: new Uint8Array([0xff]) }],
    ["new_messages_json", { newMessagesJson: new Uint8Array([0x5b]) }],
    ["new_messages_json", { newMessagesJson: json({ not: "a list" }) }],
    ["usage.requests", { usage: { requests: 2n ** 53n } }],
    ["usage.odd", { usage: { details: { odd: -(2n ** 60n) } } }],
  ])("that breaks the contract in %s is a protocol violation", (field, init) => {
    expect(() => result(init)).toThrow(violation(field));
  });

  test("without usage and messages has zeros and none", () => {
    expect(result({})).toMatchObject({ newMessages: [], usage: { requests: 0, totalTokens: 0, details: {} } });
    expect(result({}).usage).not.toHaveProperty("cost");
  });
});

test("a description without a deps schema has none; a schema that is not JSON is a protocol violation", () => {
  const description = toDescription(create(DescribeResponseSchema, { outputSchemaJson: json({}) }), call);
  expect(description).toMatchObject({ outputSchema: {}, depsSchema: undefined, tools: [] });
  const broken = create(DescribeResponseSchema, { tools: [{ parametersSchemaJson: new Uint8Array([1]) }] });
  expect(() => toDescription(broken, call)).toThrow(violation("parameters_schema_json"));
});

describe("the whole conversation", () => {
  const given = json([{ kind: "request", parts: [{ content: "before" }] }]);
  const added = [{ kind: "response", id: "new" }];
  const read = (init: MessageInitShape<typeof RunResponseSchema>) =>
    toRunResult(create(RunResponseSchema, { newMessagesJson: json(added), ...init }), { ...call, historyJson: given });

  test("is what the run was given and what it has added", () => {
    const { allMessages } = read({});
    expect(allMessages).toEqual([{ kind: "request", parts: [{ content: "before" }] }, ...added]);
    expect(result({ newMessagesJson: json(added) }).allMessages).toEqual(added);
  });

  test("is Python's own where Python has made something else of it", () => {
    expect(read({ allMessagesJson: json(["shortened", ...added]) }).allMessages).toEqual(["shortened", ...added]);
  });

  test("is read when it is asked for, and once", () => {
    const finished = read({ allMessagesJson: new Uint8Array([0x5b]) });
    expect(() => finished.allMessages).toThrow(violation("all_messages_json"));
    const whole = read({});
    expect(whole.allMessages).toBe(whole.allMessages);
  });
});

test("usage has every count that pydantic-ai gives, and the cost where it is known", () => {
  const usage = {
    reasoningTokens: 3n,
    cacheWrite1hTokens: 4n,
    audioSeconds: 1.5,
    unmeasuredRequests: 1n,
    cost: "0.0012",
  };
  expect(result({ usage }).usage).toMatchObject({
    reasoningTokens: 3,
    cacheWrite1hTokens: 4,
    audioSeconds: 1.5,
    unmeasuredRequests: 1,
    cost: "0.0012",
  });
});

describe("an output that the messages hold", () => {
  const messages = [
    { parts: [{ part_kind: "user-prompt", content: "hi" }] },
    {
      parts: [
        { part_kind: "text", content: "long" },
        { part_kind: "tool-call", args: { a: 1 } },
        { part_kind: "tool-call", args: '{"id":9007199254740993}' },
      ],
    },
  ];
  test.each<[number, unknown]>([
    [0, "long"],
    [1, { a: 1 }],
    [2, { id: "9007199254740993" }],
  ])("is found in part %i", (part, output) => {
    const outputAt = { message: 1, part };
    expect(result({ outputAt, newMessagesJson: json(messages) }).output).toEqual(output);
  });

  test("is refused for a number of its own by the rule error, and not for one elsewhere in the messages", () => {
    const exact = (text: string) => new TextEncoder().encode(text);
    const read = (document: string, part: number) =>
      toRunResult(
        create(RunResponseSchema, { outputAt: { message: 0, part }, newMessagesJson: exact(document) }),
        beginCall('run "r" of agent "a"', { agentId: "a", runId: "r" }, {}, "error"),
      );
    const around =
      '[{"id":9007199254740993,"parts":[{"part_kind":"tool-call","args":{"deep":[{"id":9007199254740995}]}},';
    const harmless = `${around}{"part_kind":"tool-call","args":{"id":7}},{"part_kind":"text","content":"long"}]}]`;
    expect(read(harmless, 1)).toMatchObject({ output: { id: 7 }, newMessages: [{ id: "9007199254740993" }] });
    expect(read(harmless, 2).output).toBe("long");
    expect(() => read(harmless, 0)).toThrow(
      expect.objectContaining({ code: "output_invalid", message: expect.stringContaining("9007199254740995") }),
    );
    const asText = `${around}{"part_kind":"tool-call","args":"{\\"id\\":9007199254740997}"}]}]`;
    expect(() => read(asText, 1)).toThrow(expect.objectContaining({ code: "output_invalid" }));
  });

  test("and is not where it is said to be is a protocol violation", () => {
    const outputAt = { message: 0, part: 0 };
    expect(() => result({ outputAt, newMessagesJson: json(messages) })).toThrow(violation("points to an output"));
    expect(() => result({ outputAt: { message: 7, part: 0 }, newMessagesJson: json(messages) })).toThrow(
      violation("points to an output"),
    );
  });
});

describe("a number that JavaScript's JSON does not hold", () => {
  const outputJson = new TextEncoder().encode('{"id":9007199254740993}');
  const read = (unsafeNumbers: "string" | "bigint" | "error", init: MessageInitShape<typeof RunResponseSchema> = {}) =>
    toRunResult(
      create(RunResponseSchema, { outputJson, kind: OutputKind.STRUCTURED, ...init }),
      beginCall('run "r" of agent "a"', { agentId: "a", runId: "r" }, {}, unsafeNumbers),
    );

  test("is read by the agent's rule", () => {
    expect(read("string").output).toEqual({ id: "9007199254740993" });
    expect(read("bigint").output).toEqual({ id: 9007199254740993n });
  });

  test("refused in an output, is told with what the run has used and said", () => {
    const newMessagesJson = new TextEncoder().encode('[{"id":9007199254740993}]');
    expect(() => read("error", { usage: { requests: 2n }, newMessagesJson })).toThrow(
      expect.objectContaining({
        code: "output_invalid",
        message: expect.stringContaining("the number 9007199254740993"),
        usage: expect.objectContaining({ requests: 2 }),
        messages: [{ id: "9007199254740993" }],
      }),
    );
  });
});
