import { create, type DescMessage, type MessageInitShape, toBinary } from "@bufbuild/protobuf";
import fc from "fast-check";
import { afterAll, beforeAll, describe, test } from "vitest";
import { SynapseError } from "../../src/errors.ts";
import {
  DescribeResponseSchema,
  RunResponseChunkSchema,
  RunResponseSchema,
  WorkerMessageSchema,
} from "../../src/gen/synapse_otp/v1/agent_pb.ts";
import { type AgentClient, ConnectionLostError } from "../../src/rpc/agent-client.ts";
import { connectAgent } from "../../src/rpc/client.ts";
import type { HostReply } from "../../src/rpc/host-requests.ts";
import { encodedRun, within } from "./agent-server.ts";
import { frame, type HostileAnswer, type HostileServer, startHostileServer } from "./hostile-server.ts";

let server: HostileServer;
let client: AgentClient | undefined;

beforeAll(async () => {
  server = await startHostileServer();
});
afterAll(async () => {
  client?.close();
  await server[Symbol.asyncDispose]();
});

/** A client of the server; a connection that a lie has ended is made anew. */
async function connected(): Promise<AgentClient> {
  client ??= await connectAgent({ socketPath: server.socketPath, token: "secret", agentId: "poet" });
  void client.closed.then(() => {
    client = undefined;
  });
  return client;
}

/** What a call comes to: its value, or its error, which has to be one of ours. */
async function outcome(call: Promise<unknown>): Promise<unknown> {
  try {
    return await within("the end of the call", call);
  } catch (error) {
    if (error instanceof SynapseError || error instanceof ConnectionLostError) return error;
    throw error;
  }
}

async function drain(events: AsyncIterable<{ type: string }>): Promise<string[]> {
  const types: string[] = [];
  for await (const { type } of events) types.push(type);
  return types;
}

/** Makes every call of the contract once, and looks at each end. */
async function callAll(answer: HostileAnswer): Promise<void> {
  server.answer = answer;
  const reply = async (): Promise<HostReply> => ({ type: "tool.return", value: 1 });
  const options = { timeoutMs: answer.end === "hang" ? 20 : 4_000 };
  const calls: ((one: AgentClient) => Promise<unknown>)[] = [
    (one) => one.run(encodedRun(), options).then(({ allMessages }) => allMessages),
    (one) => drain(one.stream(encodedRun(), options)),
    (one) => drain(one.session(encodedRun(), reply, options)),
    (one) => one.describe("poet", options),
    (one) => one.steer("r1", 1, { content: ["x"], priority: "asap" }, options),
    (one) => one.awaitEnd("r1", 1, options),
    (one) => one.checkHealth(options),
  ];
  for (const call of calls) {
    // An answer that hangs hangs for all of them: two are enough.
    if (answer.end === "hang" && call !== calls[0] && call !== calls[2]) continue;
    await outcome(call(await connected()));
  }
}

const bytes = fc.uint8Array({ maxLength: 40, size: "max" });
const documents = ["", "null", "1", "[]", "{}", "[null]", "[[1]]", '"x"', "NaN", '{"a":', "1e999", "9007199254740993"];
const json = fc.oneof(
  fc.constantFrom(...documents, "[".repeat(10_000), `${"[".repeat(10_000)}9007199254740993${"]".repeat(10_000)}`),
  fc.json(),
);
const document = json.map((text) => Buffer.from(text));
const count = fc.constantFrom(0n, 1n, -1n, 2n ** 53n, -(2n ** 63n), 2n ** 63n - 1n);
const natural = fc.constantFrom(0, 1, 7, 2 ** 32 - 1);
const number = fc.constantFrom(0, 1.5, -1, Number.NaN, Number.POSITIVE_INFINITY);
const text = fc.constantFrom("", "x", "\0", "\u2028", "__proto__", "constructor", "text", "tool-call");
const usage = fc.record({
  requestTokens: count,
  audioSeconds: number,
  cost: fc.constantFrom("", "1.5", "NaN", "much", "-1", "1e5"),
  details: fc.dictionary(text, count),
});
const failure = fc.record({
  kind: fc.integer({ min: -1, max: 60 }),
  message: text,
  retryAfterS: number,
  httpStatus: fc.constantFrom(0, 200, 429, 2 ** 31 - 1, -5),
  extraJson: document,
  messagesJson: document,
  usage,
  issues: fc.array(fc.record({ type: text, locJson: document, msg: text, inputJson: document }), { maxLength: 2 }),
  causes: fc.array(fc.record({ kind: fc.constantFrom(1, 99), message: text }), { maxLength: 2 }),
});
const response = fc.record({
  result: text,
  usage,
  outputJson: document,
  kind: fc.constantFrom(0, 1, 2, 3, 9),
  deferredJson: document,
  newMessagesJson: document,
  allMessagesJson: document,
  outputAt: fc.option(fc.record({ message: natural, part: natural }), { nil: undefined }),
});
const tool = { toolCallId: text, toolName: text, omittedBytes: fc.constantFrom(0n, 1n, 2n ** 63n) };
const event = fc.oneof(
  fc.record({ case: fc.constant("textDelta"), value: fc.record({ partIndex: natural }) }),
  fc.record({ case: fc.constant("started"), value: fc.record({ modelName: text }) }),
  fc.record({ case: fc.constant("partEnd"), value: fc.record({ partKind: text, partJson: document }) }),
  fc.record({ case: fc.constant("citationsDelta"), value: fc.record({ citationsJson: document }) }),
  fc.record({
    case: fc.constantFrom("toolCall", "outputCall"),
    value: fc.record({ ...tool, argsJson: document, argsValid: fc.boolean() }),
  }),
  fc.record({
    case: fc.constantFrom("toolResult", "outputResult"),
    value: fc.record({ ...tool, contentJson: document, outcome: fc.constantFrom(0, 1, 99) }),
  }),
  fc.record({ case: fc.constant("retry"), value: fc.record({ cause: text, contentJson: document }) }),
  fc.record({
    case: fc.constant("pydanticEvent"),
    value: fc.record({
      kind: fc.constantFrom(
        "final_result",
        "custom",
        "capability",
        "part_delta",
        "tool_availability_delta",
        "realtime_x",
      ),
      eventJson: fc.oneof(
        document,
        fc.constantFrom('{"part":5}', '{"name":7}', '{"part":null}').map((s) => Buffer.from(s)),
      ),
    }),
  }),
  fc.record({ case: fc.constantFrom("partialOutputJson", "completedPart"), value: fc.oneof(document, bytes) }),
  fc.record({ case: fc.constant("completed"), value: response }),
  fc.record({ case: fc.constant("failed"), value: failure }),
  fc.record({ case: fc.constant("cancelled"), value: fc.record({ reason: text, messagesJson: document, usage }) }),
);
const chunk = fc.record({ data: text, seq: fc.constantFrom(0n, 1n, 2n, 2n ** 64n - 1n), step: natural, event });
const hostRequest = fc.record({
  id: fc.constantFrom(0n, 1n, 2n ** 64n - 1n),
  request: fc.option(
    fc.record({ case: fc.constant("toolCall"), value: fc.record({ toolName: text, argsJson: document }) }),
    { nil: { case: undefined } },
  ),
});

/** The message in its binary form. What is made at random fits the types, which TypeScript cannot see. */
function binary<Desc extends DescMessage>(schema: Desc, init: unknown): Uint8Array {
  return toBinary(schema, create(schema, init as MessageInitShape<Desc>));
}

const messages = fc.oneof(
  response.map((value) => binary(RunResponseSchema, value)),
  chunk.map((value) => binary(RunResponseChunkSchema, value)),
  chunk.map((value) => binary(WorkerMessageSchema, { message: { case: "chunk", value } })),
  hostRequest.map((value) => binary(WorkerMessageSchema, { message: { case: "request", value } })),
  fc.record({ agentId: text, outputSchemaJson: document }).map((value) => binary(DescribeResponseSchema, value)),
);
const wrong = fc.oneof(
  bytes,
  fc.tuple(messages, fc.nat(), fc.nat(255)).map(([message, at, byte]) => {
    const changed = Buffer.from(message);
    if (changed.length > 0) changed[at % changed.length] = byte;
    return changed;
  }),
  fc.tuple(messages, fc.nat()).map(([message, at]) => message.subarray(0, at % (message.length + 1))),
);
const trailers = fc.record(
  {
    "grpc-status": fc.constantFrom("0", "0", "1", "2", "13", "14", "99", "-1", "x", ""),
    "grpc-message": fc.constantFrom("plain", "%", "%zz", "%ff%fe", "x".repeat(5_000)),
    "grpc-status-details-bin": fc.oneof(
      fc.constantFrom("", "!!!", "AAAA", "____"),
      bytes.map((value) => Buffer.from(value).toString("base64")),
    ),
  },
  { requiredKeys: [] },
);
const ending = fc.oneof(
  { weight: 30, arbitrary: fc.constant("end" as const) },
  { weight: 2, arbitrary: fc.constantFrom("hang" as const, "drop" as const) },
  { weight: 5, arbitrary: fc.constantFrom(0, 1, 2, 7, 8, 11).map((reset) => ({ reset })) },
);
const rounds = Number(process.env.FUZZ_ROUNDS ?? 60);

describe("a worker that lies", () => {
  test("with any messages of the contract, in any order, ends every call by a value or a typed error", async () => {
    const property = fc.asyncProperty(fc.array(messages, { maxLength: 5 }), trailers, async (sent, ended) => {
      await callAll({ body: sent.map((message) => frame(message)), trailers: ended });
    });
    await fc.assert(property, { numRuns: rounds });
  });

  test("with bytes that are no messages, or frames that are none, ends every call by a value or a typed error", async () => {
    const flag = fc.constantFrom(0, 0, 0, 1, 2, 128);
    const length = fc.option(fc.constantFrom(0, 1, 2 ** 31, 2 ** 32 - 1), { nil: undefined, freq: 5 });
    const piece = fc.oneof(
      fc.tuple(wrong, flag, length).map(([message, mark, said]) => frame(message, mark, said)),
      bytes,
    );
    const headers = fc.record(
      {
        ":status": fc.constantFrom(200, 200, 204, 404, 503),
        "content-type": fc.constantFrom("application/grpc", "text/html", "application/json", ""),
        "grpc-encoding": fc.constantFrom("identity", "gzip", "zstd"),
        "grpc-status": fc.constantFrom("0", "13", "x"),
      },
      { requiredKeys: [] },
    );
    const answer = fc.record({
      headers,
      body: fc.array(piece, { maxLength: 4 }),
      trailers: fc.option(trailers, { nil: undefined }),
      end: ending,
    });
    await fc.assert(
      fc.asyncProperty(answer, (given) => callAll(given as HostileAnswer)),
      { numRuns: rounds },
    );
  });
});
