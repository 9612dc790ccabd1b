import { create, type MessageInitShape } from "@bufbuild/protobuf";
import { expect, test } from "vitest";
import {
  type HostAnswer,
  type HostMessage,
  type HostRequestSchema,
  RunRequestSchema,
  type WorkerMessage,
  WorkerMessageSchema,
} from "../../src/gen/synapse_otp/v1/agent_pb.ts";
import type { HostReply, HostRequest, HostRequestHandler } from "../../src/rpc/host-requests.ts";
import { RunSession } from "../../src/rpc/run-session.ts";

type Message = MessageInitShape<typeof WorkerMessageSchema>["message"] & object;

/** What a worker sends, message by message, and how often it was asked for the next. */
function worker() {
  const queue: (Message | Error)[] = [];
  let wake: () => void = () => undefined;
  let asked = 0;
  let ended = false;
  const incoming: AsyncIterable<WorkerMessage> = {
    [Symbol.asyncIterator]: () => ({
      async next() {
        asked += 1;
        for (;;) {
          const message = queue.shift();
          if (message instanceof Error) throw message;
          if (message !== undefined) return { done: false, value: create(WorkerMessageSchema, { message }) };
          if (ended) return { done: true, value: undefined };
          await new Promise<void>((resolve) => {
            wake = resolve;
          });
        }
      },
    }),
  };
  const put = (...messages: (Message | Error)[]) => {
    queue.push(...messages);
    wake();
  };
  const end = () => {
    ended = true;
    wake();
  };
  return { incoming, put, end, asked: () => asked };
}

const toolCall = (id: bigint, toolName = "add", args = "{}"): Message => ({
  case: "request",
  value: { id, request: { case: "toolCall", value: { toolName, toolCallId: `c${id}`, argsJson: Buffer.from(args) } } },
});
const nameOf = (request: HostRequest) => (request.type === "tool.call" ? request.toolName : request.name);
const chunk = (seq: number): Message => ({ case: "chunk", value: { seq: BigInt(seq) } });

function open(handler: HostRequestHandler, maxMessageBytes = 10_000) {
  const request = create(RunRequestSchema, { runId: "r1" });
  const call = { what: "run", agentId: "a1", startedAtMs: 0 };
  const session = new RunSession({ request, call, handler, maxMessageBytes });
  const sent = session.outgoing[Symbol.asyncIterator]();
  const next = async () => ((await sent.next()).value as HostMessage | undefined)?.message;
  const answer = async () => (await next())?.value as HostAnswer;
  return { session, next, answer };
}

test("the request goes first, and each answer names what it answers", async () => {
  const asked: HostRequest[] = [];
  const { session, next, answer } = open(async (request): Promise<HostReply> => {
    asked.push(request);
    return { type: "tool.return", value: { sum: 3 } };
  });
  const { incoming, put } = worker();
  session.chunks(incoming);
  expect(await next()).toMatchObject({ case: "start", value: { runId: "r1" } });
  put(toolCall(7n, "add", '{"a":1}'));
  const { requestId, answer: reply } = await answer();
  expect([requestId, reply.case]).toEqual([7n, "toolReturn"]);
  expect(asked).toEqual([{ type: "tool.call", toolName: "add", toolCallId: "c7", args: { a: 1 }, retry: 0, step: 0 }]);
});

test("a request of a kind that this version does not know is answered so, and an unknown message is ignored", async () => {
  const { session, next, answer } = open(() => Promise.reject(new Error("not asked")));
  const { incoming, put } = worker();
  session.chunks(incoming);
  await next();
  put({ case: undefined }, { case: "request", value: { id: 1n } as MessageInitShape<typeof HostRequestSchema> });
  expect((await answer()).answer.case).toBe("unknown");
});

test("an id that is used again ends the session with a protocol violation", async () => {
  const { session, next, answer } = open(async () => ({ type: "tool.return", value: 1 }));
  const { incoming, put } = worker();
  const chunks = session.chunks(incoming)[Symbol.asyncIterator]();
  await next();
  put(toolCall(1n));
  await answer();
  put(toolCall(1n));
  await expect(chunks.next()).rejects.toMatchObject({
    code: "protocol_violation",
    message: expect.stringContaining("asked twice with the id 1"),
  });
  expect(await next()).toBeUndefined();
});

test("what cannot be answered is an error of the tool: no JSON, too large, or a handler that throws", async () => {
  const replies: Record<string, () => Promise<HostReply>> = {
    odd: async () => ({ type: "tool.return", value: Number.NaN }),
    large: async () => ({ type: "tool.return", value: "x".repeat(200) }),
    thrown: () => Promise.reject(new Error("broken handler")),
  };
  const { session, next, answer } = open((request) => (replies[nameOf(request)] as () => Promise<HostReply>)(), 100);
  const { incoming, put } = worker();
  session.chunks(incoming);
  await next();
  const said: unknown[] = [];
  for (const [index, name] of Object.keys(replies).entries()) {
    put(toolCall(BigInt(index + 1), name));
    said.push((await answer()).answer.value);
  }
  expect(said).toMatchObject([
    { message: expect.stringContaining('the result of tool "odd" is NaN') },
    { message: expect.stringContaining("a message may be at most 100 bytes") },
    { message: "broken handler" },
  ]);
});

test("a request that is called off has its signal aborted, and its late answer goes nowhere", async () => {
  const late = Promise.withResolvers<HostReply>();
  const aborted = Promise.withResolvers<void>();
  const { session, next, answer } = open((request, signal) => {
    if (nameOf(request) === "quick") return Promise.resolve({ type: "tool.return", value: 1 });
    signal.addEventListener("abort", () => aborted.resolve());
    return late.promise;
  });
  const { incoming, put } = worker();
  session.chunks(incoming);
  await next();
  put(toolCall(1n, "slow"), { case: "requestCancelled", value: { id: 1n, reason: "its time has passed" } });
  await aborted.promise;
  late.resolve({ type: "tool.return", value: "late" });
  put(toolCall(2n, "quick"));
  expect((await answer()).requestId).toBe(2n);
});

test.each(["the worker's end", "the loss of the worker", "a cancelled call"])(
  "%s aborts what is open, and ends both directions",
  async (how) => {
    const begun = Promise.withResolvers<AbortSignal>();
    const { session, next } = open((_request, signal) => {
      begun.resolve(signal);
      return new Promise(() => undefined);
    });
    const { incoming, put, end } = worker();
    const chunks = session.chunks(incoming)[Symbol.asyncIterator]();
    await next();
    put(chunk(1), toolCall(1n));
    const signal = await begun.promise;
    const lost = new Error("connection lost");
    if (how === "the worker's end") end();
    else if (how === "the loss of the worker") put(lost);
    else session.end("its caller left", lost);
    await expect.poll(() => signal.aborted).toBe(true);
    expect((signal.reason as Error).name).toBe("AbortError");
    expect((await chunks.next()).value?.seq).toBe(1n); // what was read before is not lost
    if (how === "the worker's end") expect(await chunks.next()).toEqual({ done: true, value: undefined });
    else await expect(chunks.next()).rejects.toBe(lost);
    expect(await next()).toBeUndefined();
  },
);

test("requests behind unread events are answered, and a reader that pauses slows the worker all the same", async () => {
  const { session, next, answer } = open(async () => ({ type: "tool.return", value: 1 }));
  const { incoming, put, asked } = worker();
  const chunks = session.chunks(incoming)[Symbol.asyncIterator]();
  await next();
  put(...Array.from({ length: 10 }, (_value, index) => chunk(index + 1)), toolCall(1n));
  expect((await answer()).requestId).toBe(1n);
  put(...Array.from({ length: 200 }, (_value, index) => chunk(index + 11)));
  await expect.poll(() => asked()).toBe(65); // 64 events and a request
  for (let seq = 1; seq <= 210; seq += 1) expect((await chunks.next()).value?.seq).toBe(BigInt(seq));
});

test("no more than 256 requests are open at a time", async () => {
  let open_ = 0;
  const release = Promise.withResolvers<HostReply>();
  const { session, next, answer } = open(() => {
    open_ += 1;
    return release.promise;
  });
  const { incoming, put } = worker();
  session.chunks(incoming);
  await next();
  put(...Array.from({ length: 300 }, (_value, index) => toolCall(BigInt(index + 1))));
  await expect.poll(() => open_).toBe(256);
  release.resolve({ type: "tool.return", value: 1 });
  for (let count = 0; count < 300; count += 1) await answer();
  expect(open_).toBe(300);
});

test("a wait is handed over with its time and what it is about, and answered or declined", async () => {
  const asked: HostRequest[] = [];
  const replies: HostReply[] = [
    { type: "wait.answered", valueJson: new TextEncoder().encode("[7]") },
    { type: "wait.declined", reason: "nobody is in" },
  ];
  const { session, next, answer } = open(async (request) => {
    asked.push(request);
    return replies[asked.length - 1] as HostReply;
  });
  const { incoming, put } = worker();
  session.chunks(incoming);
  await next();
  const requestsJson = Buffer.from('{"approvals":[],"calls":[{"tool_call_id":"c1","tool_name":"ticket","args":{}}]}');
  const wait = (id: bigint, value: object): Message => ({
    case: "request",
    value: { id, timeLeftMs: 90n, request: { case: "wait", value } },
  });
  put(wait(1n, { token: "t1", name: "one", requestsJson }));
  expect((await answer()).answer).toMatchObject({
    case: "waitAnswered",
    value: { valueJson: new Uint8Array(Buffer.from("[7]")) },
  });
  put(wait(2n, { token: "t2", name: "two" }));
  expect((await answer()).answer).toMatchObject({ case: "waitDeclined", value: { reason: "nobody is in" } });
  const ticket = { kind: "external", toolCallId: "c1", toolName: "ticket", args: {}, metadata: undefined };
  expect(asked).toEqual([
    { type: "wait", token: "t1", name: "one", requests: [ticket], timeLeftMs: 90 },
    { type: "wait", token: "t2", name: "two", requests: undefined, timeLeftMs: 90 },
  ]);
});
