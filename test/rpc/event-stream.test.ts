import { create, toBinary } from "@bufbuild/protobuf";
import { Code, ConnectError, type HandlerContext } from "@connectrpc/connect";
import { describe, expect, onTestFinished, test, vi } from "vitest";
import type { RunError } from "../../src/errors.ts";
import {
  AgentErrorKind,
  type RunRequest,
  RunResponseChunkSchema,
  RunResponseSchema,
  ToolOutcome,
} from "../../src/gen/synapse_otp/v1/agent_pb.ts";
import type { AgentClient } from "../../src/rpc/agent-client.ts";
import type { WireRunEvent } from "../../src/rpc/run-event.ts";
import { agentStatus, type Chunk, completed, delta, encodedRun, json, rejection, within } from "./agent-server.ts";
import { collect, startConnected } from "./connected.ts";

type Handler = (request: RunRequest, context: HandlerContext) => AsyncIterable<Chunk>;

const start = async (runStream: Handler): Promise<AgentClient> =>
  (await startConnected({ agent: { runStream } })).client;

/** A handler that sends `chunks`, then waits for its cancellation, which it tells. */
function endless(...chunks: Chunk[]) {
  const aborted = Promise.withResolvers<void>();
  const handler: Handler = async function* (_request, context) {
    context.signal.addEventListener("abort", () => aborted.resolve());
    yield* chunks;
    await aborted.promise;
  };
  return { handler, aborted: aborted.promise };
}

describe("the events of a run", () => {
  test("arrive in order, in plain values, and end with the one terminal event", async () => {
    const client = await start(async function* () {
      yield { seq: 1n, event: { case: "started", value: { modelName: "m", conversationId: "c" } } };
      yield { seq: 2n, step: 1, event: { case: "thinkingDelta", value: { partIndex: 0, text: "hm" } } };
      yield delta(3, "Hel");
      const call = { toolCallId: "t1", toolName: "add", argsJson: json({ a: 1 }), argsValid: true };
      yield { seq: 4n, event: { case: "toolCall", value: call } };
      const result = { toolCallId: "t1", toolName: "add", contentJson: json(3), outcome: ToolOutcome.SUCCESS };
      yield { seq: 5n, event: { case: "toolResult", value: result } };
      yield { seq: 6n, event: { case: "partialOutputJson", value: json({ ci: "Os" }) } };
      yield completed(7);
    });
    const events = await collect(client.stream(encodedRun()));
    expect(events).toMatchObject([
      { type: "started", seq: 1, modelName: "m", conversationId: "c" },
      { type: "thinking.delta", seq: 2, text: "hm", step: 1, partIndex: 0 },
      { type: "text.delta", seq: 3, text: "Hel", step: 1, partIndex: 0 },
      { type: "tool.call", seq: 4, toolCallId: "t1", toolName: "add", args: { a: 1 }, argsValid: true },
      { type: "tool.result", seq: 5, toolCallId: "t1", toolName: "add", content: 3, outcome: "success" },
      { type: "output.partial", seq: 6, output: { ci: "Os" } },
      { type: "completed", seq: 7, result: { output: "done" } },
    ]);
  });

  test("10,000 small ones arrive complete", async () => {
    const client = await start(async function* () {
      for (let i = 1; i <= 10_000; i++) yield delta(i, `${i % 10}`);
      yield completed(10_001);
    });
    const events = await collect(client.stream(encodedRun()));
    expect(events.map((event) => event.seq)).toEqual(Array.from({ length: 10_001 }, (_, i) => i + 1));
  });

  test("that this version does not know are skipped, also for consumers that ask ahead", async () => {
    const client = await start(async function* () {
      yield delta(1, "a");
      yield { seq: 2n };
      // A field of a later version: number 99, length 1.
      yield create(RunResponseChunkSchema, {
        seq: 3n,
        $unknown: [{ no: 99, wireType: 2, data: new Uint8Array([1, 0]) }],
      });
      yield delta(4, "b");
      yield delta(5, "c");
      yield completed(6);
    });
    const events = client.stream(encodedRun());
    const answers = await Promise.all(Array.from({ length: 7 }, () => events.next()));
    expect(answers.map((answer) => answer.value?.seq)).toEqual([1, 4, 5, 6, undefined, undefined, undefined]);
    expect(answers.map((answer) => answer.done)).toEqual([false, false, false, false, true, true, true]);
  });

  test("nothing is sent before the first event is asked for", async () => {
    let calls = 0;
    const client = await start(async function* () {
      calls++;
      yield completed(1);
    });
    const unused = client.stream(encodedRun());
    await unused.return();
    expect(await unused.next()).toEqual({ done: true, value: undefined });
    await collect(client.stream(encodedRun()));
    expect(calls).toBe(1);
  });
});

describe("the terminal event", () => {
  test("cancelled carries the reason and the usage", async () => {
    const client = await start(async function* () {
      yield { seq: 1n, event: { case: "cancelled", value: { reason: "budget", usage: { requests: 1n } } } };
    });
    expect(await collect(client.stream(encodedRun()))).toMatchObject([
      { type: "cancelled", seq: 1, reason: "budget", usage: { requests: 1 } },
    ]);
  });

  test("failed is preferred over the status that follows it", async () => {
    const client = await start(async function* () {
      const failed = { kind: AgentErrorKind.MODEL_HTTP, message: "in band", retriable: true, httpStatus: 503 };
      yield { seq: 1n, event: { case: "failed", value: failed } };
      throw agentStatus(Code.Unavailable, { kind: AgentErrorKind.MODEL_HTTP, message: "in the trailer" });
    });
    const events = await collect(client.stream(encodedRun()));
    expect(events).toMatchObject([{ type: "failed", seq: 1, error: { code: "run_failed", kind: "model_http" } }]);
    expect(events[0]).toMatchObject({ error: { retriable: true, httpStatus: 503, agentId: "poet", runId: "run-1" } });
    expect((events[0] as { error: RunError }).error.message).toContain("in band");
  });

  test("a status with an AgentError and no failed event becomes the failed event", async () => {
    const client = await start(async function* () {
      for (const seq of [1, 2, 3, 4]) yield delta(seq, "a");
      throw agentStatus(Code.Unknown, { kind: AgentErrorKind.USER_CODE, message: "boom in a tool" });
    });
    const events = await collect(client.stream(encodedRun()));
    expect(events.map((event) => [event.type, event.seq]).slice(3)).toEqual([
      ["text.delta", 4],
      ["failed", 5],
    ]);
    expect(events[4]).toMatchObject({ error: { code: "run_failed", kind: "user_code" } });
  });

  test.each([
    ["lost", [1, 3]],
    ["sent twice", [1, 1]],
    ["not counted from 1", [0]],
  ])("after a chunk that was %s never comes: it is a protocol violation", async (_what, numbers) => {
    const client = await start(async function* () {
      for (const seq of numbers) yield delta(seq, "a");
      yield completed(9);
    });
    const error = await rejection(collect(client.stream(encodedRun())));
    expect(error).toMatchObject({ code: "protocol_violation", runId: "run-1" });
    expect((error as Error).message).toContain(`numbered chunk ${numbers.length} of a stream as ${numbers.at(-1)}`);
  });

  test("missing at the end of a stream is a protocol violation", async () => {
    const client = await start(async function* () {
      yield delta(1, "a");
    });
    const events = client.stream(encodedRun());
    await events.next();
    expect(await rejection(events.next())).toMatchObject({
      code: "protocol_violation",
      agentId: "poet",
      runId: "run-1",
    });
    expect(await events.next()).toEqual({ done: true, value: undefined });
  });

  test("ends the iteration although the server has not ended the call, and does not cancel its handler", async () => {
    const ended = Promise.withResolvers<string>();
    const release = Promise.withResolvers<void>();
    const client = await start(async function* (_request, context) {
      context.signal.addEventListener("abort", () => ended.resolve("cancelled"));
      yield completed(1);
      await release.promise;
      ended.resolve("finished");
    });
    expect(await collect(client.stream(encodedRun()))).toHaveLength(1);
    release.resolve();
    expect(await within("the handler's end", ended.promise)).toBe("finished");
  });

  test("is followed by a cancellation when the server does not end the call within 5 s", async () => {
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
    onTestFinished(() => void vi.useRealTimers());
    const { handler, aborted } = endless(completed(1));
    const client = await start(handler);
    expect(await collect(client.stream(encodedRun()))).toHaveLength(1);
    vi.advanceTimersByTime(5_000);
    vi.useRealTimers();
    await within("the handler's cancellation", aborted);
  });

  test("an event after it is not delivered, and cancels the call", async () => {
    const { handler, aborted } = endless(completed(1), delta(2, "late"));
    const client = await start(handler);
    expect(await collect(client.stream(encodedRun()))).toMatchObject([{ type: "completed" }]);
    await within("the handler's cancellation", aborted);
  });

  test("malformed JSON in an event is a protocol violation and cancels the call", async () => {
    const { handler, aborted } = endless({
      seq: 1n,
      event: { case: "partialOutputJson", value: new Uint8Array([0x7b]) },
    });
    const client = await start(handler);
    expect(await rejection(client.stream(encodedRun()).next())).toMatchObject({ code: "protocol_violation" });
    await within("the handler's cancellation", aborted);
  });
});

describe("leaving early", () => {
  test("break cancels the handler", async () => {
    const { handler, aborted } = endless(delta(1, "a"), delta(2, "b"));
    const client = await start(handler);
    for await (const event of client.stream(encodedRun())) {
      expect(event.seq).toBe(1);
      break;
    }
    await within("the handler's cancellation", aborted);
  });

  test("an exception in the loop cancels the handler", async () => {
    const { handler, aborted } = endless(delta(1, "a"));
    const client = await start(handler);
    const loop = async (): Promise<void> => {
      for await (const _event of client.stream(encodedRun())) throw new Error("consumer of this test failed");
    };
    expect(await rejection(loop())).toMatchObject({ message: "consumer of this test failed" });
    await within("the handler's cancellation", aborted);
  });

  test("throw and dispose cancel the handler", async () => {
    for (const leave of [
      (events: AsyncGenerator<WireRunEvent>) => rejection(events.throw(new Error("thrown in by this test"))),
      (events: AsyncGenerator<WireRunEvent>) => events[Symbol.asyncDispose](),
    ]) {
      const { handler, aborted } = endless(delta(1, "a"));
      const client = await start(handler);
      const events = client.stream(encodedRun());
      await events.next();
      await leave(events);
      await within("the handler's cancellation", aborted);
    }
  });

  test("return answers a next() that waits with done", async () => {
    const { handler, aborted } = endless(delta(1, "a"));
    const client = await start(handler);
    const events = client.stream(encodedRun());
    await events.next();
    const waiting = events.next();
    expect(await events.return()).toEqual({ done: true, value: undefined });
    expect(await within("the answer", waiting)).toEqual({ done: true, value: undefined });
    await within("the handler's cancellation", aborted);
  });

  test("return while the call is being opened sends no events to anyone", async () => {
    const { handler } = endless(delta(1, "a"));
    const client = await start(handler);
    const events = client.stream(encodedRun());
    const waiting = events.next();
    await events.return();
    expect(await within("the answer", waiting)).toEqual({ done: true, value: undefined });
  });

  test("aborting the signal rejects with run_cancelled, also when events wait to be read", async () => {
    const { handler, aborted } = endless(delta(1, "a"), delta(2, "b"), delta(3, "c"));
    const client = await start(handler);
    const controller = new AbortController();
    const events = client.stream(encodedRun(), { signal: controller.signal });
    await events.next();
    controller.abort("stop");
    expect(await rejection(events.next())).toMatchObject({ code: "run_cancelled", cause: "stop" });
    await within("the handler's cancellation", aborted);
  });

  test("timeoutMs rejects a stream that stalls with deadline_exceeded", async () => {
    const { handler, aborted } = endless(delta(1, "a"));
    const client = await start(handler);
    const events = client.stream(encodedRun(), { timeoutMs: 80 });
    await events.next();
    expect(await rejection(events.next())).toMatchObject({ code: "deadline_exceeded", runId: "run-1" });
    await within("the handler's cancellation", aborted);
  });

  test("a slow consumer holds the producer back", async () => {
    // connect-node's server prints the write that the reset interrupts.
    const printed = vi.spyOn(console, "error").mockImplementation(() => undefined);
    onTestFinished(() => printed.mockRestore());
    let produced = 0;
    const { promise: stopped, resolve } = Promise.withResolvers<void>();
    const client = await start(async function* (_request, context) {
      context.signal.addEventListener("abort", () => resolve());
      for (let i = 1; i <= 100_000 && !context.signal.aborted; i++) {
        yield delta(i, "x".repeat(1_000));
        produced = i;
      }
    });
    const events = client.stream(encodedRun());
    await events.next();
    // Answered health checks show that the server's loop had its turns.
    for (let i = 0; i < 50; i++) await client.checkHealth();
    expect(produced).toBeLessThan(5_000);
    await events.return();
    await within("the handler's cancellation", stopped);
  });
});

test("an answer that comes in pieces is put together", async () => {
  const answer = toBinary(RunResponseSchema, create(RunResponseSchema, { result: "a long answer", runId: "run-1" }));
  const client = await start(async function* () {
    yield delta(1, "a long answer");
    for (let at = 0; at < answer.length; at += 5) {
      yield { event: { case: "completedPart", value: answer.slice(at, at + 5) } };
    }
    yield { seq: 2n, event: { case: "completed", value: {} } };
  });
  const events = await collect(client.stream(encodedRun()));
  expect(events.map(({ type }) => type)).toEqual(["text.delta", "completed"]);
  expect(events.at(-1)).toMatchObject({ seq: 2, result: { output: "a long answer", runId: "run-1" } });
});

test("pieces that are no answer are a protocol violation", async () => {
  const client = await start(async function* () {
    yield { event: { case: "completedPart", value: new Uint8Array([0xff]) } };
    yield { seq: 1n, event: { case: "completed", value: {} } };
  });
  const reading = collect(client.stream(encodedRun()));
  expect(await rejection(reading)).toMatchObject({ code: "protocol_violation" });
});

test("a failed open is told by the first next(), typed", async () => {
  const client = await start(() => {
    throw new ConnectError("not for you", Code.FailedPrecondition);
  });
  const events = await collect(client.stream(encodedRun()));
  expect(events).toMatchObject([{ type: "failed", seq: 1, error: { code: "run_failed", kind: "internal" } }]);
});
