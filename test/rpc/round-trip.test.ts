import type { MessageInitShape } from "@bufbuild/protobuf";
import fc from "fast-check";
import { expect, test } from "vitest";
import { CallerError } from "../../src/errors.ts";
import { OutputKind, type RunRequest, type WorkerMessageSchema } from "../../src/gen/synapse_otp/v1/agent_pb.ts";
import type { ContentPart } from "../../src/rpc/content.ts";
import type { HostReply, HostRequest, ToolCallRequest } from "../../src/rpc/host-requests.ts";
import type { RunRequestSpec } from "../../src/rpc/run-types.ts";
import { encodedRun } from "./agent-server.ts";
import { collect, startConnected } from "./connected.ts";

/** Everything that JavaScript has, and what is hard about it. */
const anything = fc.anything({
  withBigInt: true,
  withBoxedValues: true,
  withDate: true,
  withMap: true,
  withSet: true,
  withNullPrototype: true,
  withSparseArray: true,
  withTypedArray: true,
  withUnicodeString: true,
  values: [
    fc.string({ unit: "binary" }),
    fc.double(),
    fc.integer(),
    fc.boolean(),
    fc.constantFrom(
      null,
      undefined,
      -0,
      Number.MAX_SAFE_INTEGER,
      2 ** 53,
      1e21,
      5e-324,
      "\ud83d",
      "NaN",
      "\u2028",
      /x/,
    ),
    fc.bigInt(),
    fc.string({ unit: fc.constantFrom("\ud83d", "\ude00", "a") }),
  ],
} as fc.ObjectConstraints);

class Unfit extends Error {}

/** What is to arrive: the oracle, which shares no code with the encoder. Throws Unfit for what JSON would change. */
function expected(value: unknown, bigints: boolean): unknown {
  if (value === null || typeof value === "boolean") return value;
  if (typeof value === "string" && !/\p{Surrogate}/u.test(value)) return value;
  // Beyond 2^53 it has the digits that JavaScript shows of it, and comes back by the rule "bigint"; from 1e21 on it is written as a fraction is.
  if (typeof value === "number" && Number.isInteger(value) && Math.abs(value) >= 2 ** 53 && Math.abs(value) < 1e21) {
    return BigInt(String(value));
  }
  if (typeof value === "number" && Math.abs(value) < Number.POSITIVE_INFINITY) return value;
  if (typeof value === "bigint" && bigints) return BigInt.asIntN(54, value) === value ? Number(value) : value;
  if (typeof value !== "object") throw new Unfit();
  if (value instanceof Number || value instanceof String) return expected(value.valueOf(), bigints);
  if (value instanceof Boolean) return value.valueOf();
  if (value instanceof Date && !Number.isNaN(value.getTime())) return value.toISOString();
  if (Array.isArray(value)) return Array.from(value, (item) => expected(item, bigints));
  const prototype = Object.getPrototypeOf(value);
  if (prototype !== null && prototype !== Object.prototype) throw new Unfit();
  const fields = Object.entries(value).filter(([, field]) => field !== undefined);
  if (fields.some(([key]) => /\p{Surrogate}/u.test(key))) throw new Unfit();
  return Object.fromEntries(fields.map(([key, field]) => [key, expected(field, bigints)]));
}

/** What is expected, or undefined where the caller is to be told. */
function fits(value: unknown, bigints = false): { value: unknown } | undefined {
  try {
    return { value: expected(value, bigints) };
  } catch (error) {
    if (error instanceof Unfit) return undefined;
    throw error;
  }
}

/** The request, or undefined when it was refused by name. */
function encode(field: string, changes: Partial<RunRequestSpec>) {
  try {
    return encodedRun(changes);
  } catch (error) {
    expect(error).toBeInstanceOf(CallerError);
    expect(error).toMatchObject({ code: "invalid_argument", field: expect.stringMatching(`^${field}`) });
    return undefined;
  }
}

/** A worker that answers with what `tell` makes of the request. */
async function echoing(tell: (request: RunRequest) => Uint8Array | string) {
  const { client } = await startConnected(
    {
      agent: {
        run(request) {
          const told = tell(request);
          const outputJson = typeof told === "string" ? Buffer.from(told) : told;
          return { kind: OutputKind.STRUCTURED, outputJson, newMessagesJson: Buffer.from("[]") };
        },
      },
      // The numbers that JSON does not hold are wanted exactly.
    },
    { unsafeNumbers: "bigint" },
  );
  return client;
}

const numRuns = Number(process.env.FUZZ_ROUNDS ?? 300);

test("deps arrive as they are, or are refused by name before anything is sent", async () => {
  const client = await echoing(({ depsJson }) => depsJson);
  const property = fc.asyncProperty(anything, async (deps) => {
    fc.pre(deps !== undefined);
    const wanted = fits(deps);
    const run = encode("deps", { deps });
    expect(run === undefined).toBe(wanted === undefined);
    if (run !== undefined) expect((await client.run(run)).output).toEqual(wanted?.value);
  });
  await fc.assert(property, { numRuns });
});

test("messages arrive as they are, with all digits of a bigint, or are refused by name", async () => {
  const client = await echoing(({ messageHistoryJson }) => messageHistoryJson);
  const property = fc.asyncProperty(fc.array(anything), async (messageHistory) => {
    const wanted = fits(messageHistory, true);
    const run = encode("messageHistory", { messageHistory });
    expect(run === undefined).toBe(wanted === undefined);
    if (run === undefined) return;
    const result = await client.run(run);
    expect(result.output).toEqual(wanted?.value);
    expect(result.allMessages).toEqual(wanted?.value);
  });
  await fc.assert(property, { numRuns });
});

test("texts, metadata and content arrive as they are, or are refused by name", async () => {
  const client = await echoing(({ prompt, instructions, metadata, content }) =>
    JSON.stringify({
      prompt,
      instructions,
      metadata,
      content: content.map(({ part }) =>
        part.case === "binary" ? [...part.value.data] : part.case === "url" ? part.value.url : part.value,
      ),
    }),
  );
  const text = fc.string({ unit: "binary" });
  const part: fc.Arbitrary<ContentPart> = fc.oneof(
    text,
    fc.uint8Array().map((data) => ({ type: "image" as const, data, mediaType: "image/png" })),
    fc.webUrl().map((url) => ({ type: "document" as const, url })),
    text.map((end) => ({ type: "audio" as const, url: `https://a/${end}` })),
  );
  const given = fc.record({
    prompt: fc.oneof(text, fc.array(part, { minLength: 1, maxLength: 3 })),
    instructions: text,
    metadata: fc.dictionary(text, text),
  });
  const property = fc.asyncProperty(given, async ({ prompt, instructions, metadata }) => {
    const parts = typeof prompt === "string" ? [] : prompt;
    const texts = parts.map((one) => (typeof one === "string" ? one : "url" in one ? String(one.url) : ""));
    const whole = [prompt, instructions, ...Object.entries(metadata).flat(), ...texts].every(
      (one) => typeof one !== "string" || one.isWellFormed(),
    );
    const run = encode("(prompt|instructions|metadata)", { prompt, instructions, metadata });
    expect(run === undefined).toBe(!whole);
    if (run === undefined) return;
    const content = parts.map((one) =>
      typeof one === "string" ? one : "url" in one ? one.url : "data" in one ? [...one.data] : "",
    );
    const wanted = { prompt: typeof prompt === "string" ? prompt : "", instructions, metadata, content };
    expect(JSON.stringify((await client.run(run)).output)).toBe(JSON.stringify(wanted));
  });
  await fc.assert(property, { numRuns });
});

test("arguments and results of tools arrive as they are; a result that JSON would change fails the run by name", async () => {
  let args = "";
  const { client } = await startConnected({
    agent: {
      async *runSession(messages): AsyncGenerator<MessageInitShape<typeof WorkerMessageSchema>> {
        const incoming = messages[Symbol.asyncIterator]();
        await incoming.next();
        const value = { toolName: "t", argsJson: Buffer.from(args) };
        yield { message: { case: "request", value: { id: 1n, request: { case: "toolCall", value } } } };
        const { message } = (await incoming.next()).value ?? {};
        const answer = message?.case === "answer" ? message.value.answer : undefined;
        const result = answer?.case === "toolReturn" ? Buffer.from(answer.value.valueJson).toString() : answer?.case;
        yield {
          message: { case: "chunk", value: { seq: 1n, event: { case: "completed", value: { result: result ?? "" } } } },
        };
      },
    },
  });
  const property = fc.asyncProperty(anything, fc.jsonValue(), async (result, given) => {
    args = JSON.stringify(given);
    fc.pre(!/(^|[[:,])-?\d{16}/.test(args)); // larger integers are told by the agent's rule
    let seen: ToolCallRequest | undefined;
    const answer = async (request: HostRequest): Promise<HostReply> => {
      if (request.type === "tool.call") seen = request;
      return { type: "tool.return", value: result };
    };
    const [event] = await collect(client.session(encodedRun(), answer));
    expect(seen?.args).toEqual(JSON.parse(args));
    const wanted = result === undefined ? { value: null } : fits(result, true);
    const told = event?.type === "completed" ? String(event.result.output) : "";
    if (wanted === undefined) expect(told).toBe("toolError");
    else if (!told.match(/\d{16}/)) expect(JSON.parse(told)).toEqual(wanted.value);
  });
  await fc.assert(property, { numRuns });
});
