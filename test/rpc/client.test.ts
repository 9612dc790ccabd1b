import { once } from "node:events";
import type { ServerHttp2Stream } from "node:http2";
import { Code, ConnectError, type HandlerContext } from "@connectrpc/connect";
import { afterEach, describe, expect, test } from "vitest";
import { CallerError, RunError } from "../../src/errors.ts";
import { HealthCheckResponse_ServingStatus } from "../../src/gen/grpc_health/v1/health_pb.ts";
import { AgentErrorKind, OutputKind } from "../../src/gen/synapse_agent/v1/agent_pb.ts";
import { type AgentClient, ConnectionLostError } from "../../src/rpc/agent-client.ts";
import { connectAgent } from "../../src/rpc/client.ts";
import type { WireRunEvent } from "../../src/rpc/run-types.ts";
import {
  type AgentServer,
  type AgentServerOptions,
  agentStatus,
  json,
  rejection,
  runSpec,
  startAgentServer,
  within,
} from "./agent-server.ts";

const cleanups: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

async function start(
  options: AgentServerOptions,
  connect: { maxMessageBytes?: number; token?: string } = {},
): Promise<{ client: AgentClient; server: AgentServer }> {
  const server = await startAgentServer(options);
  cleanups.push(() => server[Symbol.asyncDispose]());
  const { socketPath } = server;
  const client = await connectAgent({ socketPath, token: "secret", agentId: "poet", ...connect });
  cleanups.push(async () => {
    client.close();
    await within("the end of the connection", client.closed);
  });
  return { client, server };
}

/** A stream without an event. */
async function* never(): AsyncGenerator<never> {
  yield* [];
}

/** A handler that never answers, and what it sees. */
function hangingHandler() {
  const entered = Promise.withResolvers<HandlerContext>();
  const aborted = Promise.withResolvers<unknown>();
  const hang = async (_request: unknown, context: HandlerContext): Promise<never> => {
    context.signal.addEventListener("abort", () => aborted.resolve(context.signal.reason));
    entered.resolve(context);
    await aborted.promise;
    throw new ConnectError("aborted", Code.Canceled);
  };
  return { entered: entered.promise, aborted: aborted.promise, hang };
}

describe("run", () => {
  test("sends the request and answers with the result in plain values", async () => {
    let seen: unknown;
    const { client } = await start({
      agent: {
        run(request) {
          seen = [request.agentId, request.prompt, request.runId, request.attempt, request.incarnation];
          return {
            outputJson: json({ city: "Oslo" }),
            kind: OutputKind.STRUCTURED,
            newMessagesJson: json([{ kind: "request" }]),
            usage: { requestTokens: 7n, details: { reasoning: 2n }, cost: "0.01" },
            runId: request.runId,
            conversationId: "c1",
            modelName: "scripted",
            finishReason: "stop",
          };
        },
      },
    });
    const result = await client.run(runSpec());
    expect(seen).toEqual(["poet", "hello", "run-1", 1, 1]);
    expect(result).toMatchObject({ output: { city: "Oslo" }, newMessages: [{ kind: "request" }], runId: "run-1" });
    expect(result).toMatchObject({ conversationId: "c1", modelName: "scripted", finishReason: "stop" });
    expect(result.usage).toMatchObject({ inputTokens: 7, outputTokens: 0, details: { reasoning: 2 }, cost: "0.01" });
  });

  test("sends the token with every call", async () => {
    const seen: (string | null)[] = [];
    const { client } = await start(
      {
        onAuthorization: (value) => seen.push(value),
        agent: { run: () => ({}), runStream: () => never(), describe: () => ({}) },
      },
      { token: "0123abcd" },
    );
    await client.run(runSpec());
    await rejection(client.stream(runSpec()).next());
    await client.describe("poet");
    await client.checkHealth();
    expect(seen).toEqual(Array(4).fill("Bearer 0123abcd"));
  });

  test("a refused token rejects with unauthenticated", async () => {
    const { client } = await start({
      agent: {
        run() {
          throw new ConnectError("bad token", Code.Unauthenticated);
        },
      },
    });
    const error = await rejection(client.run(runSpec()));
    expect(error).toBeInstanceOf(RunError);
    expect(error).toMatchObject({ code: "unauthenticated", agentId: "poet", runId: "run-1" });
  });

  test("an AgentError arrives with its facts and its chain of causes", async () => {
    const { client } = await start({
      agent: {
        run() {
          throw agentStatus(Code.Aborted, {
            kind: AgentErrorKind.OUTPUT_VALIDATION,
            message: "Exceeded maximum output retries (1)",
            retriable: true,
            retryAfterS: 1.5,
            pythonType: "pydantic_ai.exceptions.UnexpectedModelBehavior",
            traceback: "File agent.py, line 3",
            runId: "run-1",
            usage: { requests: 2n },
            messagesJson: json([{ kind: "response" }]),
            causes: [
              {
                kind: AgentErrorKind.VALIDATION,
                message: "1 validation error for City",
                issues: [
                  { type: "missing", locJson: json(["city", 0]), msg: "Field required", inputJson: json({ a: 1 }) },
                ],
                causes: [{ kind: AgentErrorKind.USER_CODE, message: "deep" }],
              },
            ],
          });
        },
      },
    });
    const error = await rejection(client.run(runSpec()));
    expect(error).toBeInstanceOf(RunError);
    expect(error).toMatchObject({
      code: "run_failed",
      message: '[run_failed] agent "poet": Exceeded maximum output retries (1)',
      agentId: "poet",
      runId: "run-1",
      kind: "output_validation",
      retriable: true,
      retryAfterMs: 1500,
      pythonType: "pydantic_ai.exceptions.UnexpectedModelBehavior",
      pythonTraceback: "File agent.py, line 3",
      usage: { requests: 2 },
      messages: [{ kind: "response" }],
      cause: {
        kind: "validation",
        validationErrors: [{ type: "missing", loc: ["city", 0], msg: "Field required", input: { a: 1 } }],
        cause: { kind: "user_code", message: "[run_failed] deep" },
      },
    });
    expect((error as RunError).cause).toBeInstanceOf(RunError);
  });

  test("aborting the signal rejects with run_cancelled and cancels the handler", async () => {
    const handler = hangingHandler();
    const { client } = await start({ agent: { run: handler.hang } });
    const controller = new AbortController();
    const failed = rejection(client.run(runSpec(), { signal: controller.signal }));
    await within("the call's arrival", handler.entered);
    const reason = new Error("user pressed stop");
    controller.abort(reason);
    const error = await failed;
    expect(error).toMatchObject({ code: "run_cancelled", kind: "cancelled", cause: reason });
    await within("the handler's cancellation", handler.aborted);
  });

  test("a signal that is aborted already sends nothing", async () => {
    const seen: unknown[] = [];
    const { client } = await start({ onAuthorization: (value) => seen.push(value) });
    const options = { signal: AbortSignal.abort("early") };
    expect(await rejection(client.run(runSpec(), options))).toMatchObject({ code: "run_cancelled", cause: "early" });
    expect(await rejection(client.stream(runSpec(), options).next())).toMatchObject({ code: "run_cancelled" });
    expect(seen).toEqual([]);
  });

  test("timeoutMs reaches the handler and rejects with deadline_exceeded naming it", async () => {
    const handler = hangingHandler();
    const { client } = await start({ agent: { run: handler.hang } });
    const error = await rejection(client.run(runSpec(), { timeoutMs: 60 }));
    expect(error).toBeInstanceOf(RunError);
    expect(error).toMatchObject({ code: "deadline_exceeded", kind: "deadline", runId: "run-1" });
    expect((error as Error).message).toContain("60 ms");
    const context = await within("the call's arrival", handler.entered);
    expect(context.timeoutMs()).toBeLessThanOrEqual(60);
    await within("the handler's cancellation", handler.aborted);
  });

  test("a timeout of more than eight digits of milliseconds is told in seconds", async () => {
    const headers: (string | null)[] = [];
    const { client } = await start({
      agent: {
        run(_request, context) {
          headers.push(context.requestHeader.get("grpc-timeout"));
          return {};
        },
      },
    });
    await client.run(runSpec(), { timeoutMs: 99_999_999 });
    await client.run(runSpec(), { timeoutMs: 100_000_001 });
    expect(headers).toEqual(["99999999m", "100001S"]);
  });

  test.each([Number.NaN, Number.POSITIVE_INFINITY, 2 ** 31])(
    "a timeout of %s is the caller's mistake",
    async (timeoutMs) => {
      const { client } = await start({});
      const error = await rejection(client.run(runSpec(), { timeoutMs }));
      expect(error).toMatchObject({ code: "invalid_argument", field: "options.timeoutMs" });
    },
  );

  test.each([0, -5])("a timeout of %s ms is a deadline that has passed", async (timeoutMs) => {
    const { client } = await start({ agent: { run: () => ({}) } });
    expect(await rejection(client.run(runSpec(), { timeoutMs }))).toMatchObject({ code: "deadline_exceeded" });
  });

  test("an oversized request is not sent; the error names size, limit and the largest field", async () => {
    const seen: unknown[] = [];
    const { client } = await start({ onAuthorization: (value) => seen.push(value) }, { maxMessageBytes: 1_000 });
    const spec = runSpec({ messageHistory: [{ text: "x".repeat(2_000) }] });
    const error = await rejection(client.run(spec));
    expect(error).toBeInstanceOf(CallerError);
    expect(error).toMatchObject({ code: "message_too_large", field: "messageHistory" });
    expect((error as CallerError).value).toBeGreaterThan(2_000);
    expect((error as Error).message).toMatch(
      /is 20\d\d bytes \(2013 of them in messageHistory\), over the limit of 1000 bytes/,
    );
    expect(await rejection(client.stream(spec).next())).toMatchObject({ code: "message_too_large" });
    expect(seen).toEqual([]);
  });

  test("a request just at the limit is sent", async () => {
    const { client } = await start({ agent: { run: () => ({ result: "ok" }) } }, { maxMessageBytes: 1_000 });
    // 21 bytes: tags, lengths and values of the other fields, and the prompt's own tag and length.
    const { output } = await client.run(runSpec({ prompt: "x".repeat(1_000 - 21) }));
    expect(output).toBe("ok");
    const over = runSpec({ prompt: "x".repeat(1_000 - 20) });
    expect(await rejection(client.run(over))).toMatchObject({ code: "message_too_large", value: 1_001 });
  });

  test("a server that reads less than the client sends rejects with message_too_large", async () => {
    const { client } = await start({ agent: { run: () => ({}) }, readMaxBytes: 500 });
    const error = await rejection(client.run(runSpec({ prompt: "y".repeat(900) })));
    expect(error).toMatchObject({ code: "message_too_large", field: "request", value: 921 });
  });

  test("an oversized answer rejects with message_too_large naming its size", async () => {
    const { client } = await start(
      { agent: { run: () => ({ result: "z".repeat(5_000) }) } },
      { maxMessageBytes: 1_000 },
    );
    const error = await rejection(client.run(runSpec()));
    expect(error).toMatchObject({ code: "message_too_large", field: "answer", value: 5_003 });
    expect((error as Error).message).toContain("limit of 1000 bytes");
  });

  test("several megabytes pass both ways by default", async () => {
    const { client } = await start({ agent: { run: ({ prompt }) => ({ result: prompt }) } });
    const prompt = "m".repeat(8 * 1024 * 1024);
    expect((await client.run(runSpec({ prompt }))).output).toBe(prompt);
  });

  test("a call is not refused while another waits to send megabytes", async () => {
    const held = Promise.withResolvers<ServerHttp2Stream>();
    const { client, server } = await start({ agent: { run: ({ prompt }) => ({ result: prompt.slice(0, 5) }) } });
    for (const session of server.sessions) {
      session.once("stream", (stream) => {
        stream.pause();
        held.resolve(stream);
      });
    }
    const large = client.run(runSpec({ prompt: "L".repeat(30 * 1024 * 1024) }));
    const stream = await within("the large call's arrival", held.promise);
    const small = await Promise.all(Array.from({ length: 5 }, () => client.run(runSpec({ prompt: "small" }))));
    expect(small.map((result) => result.output)).toEqual(Array(5).fill("small"));
    stream.resume();
    expect((await large).output).toBe("LLLLL");
  });

  test("500 concurrent runs under one signal all answer, without a warning", async () => {
    const warnings: Error[] = [];
    const onWarning = (warning: Error): void => void warnings.push(warning);
    process.on("warning", onWarning);
    const all = Promise.withResolvers<void>();
    let arrived = 0;
    const { client } = await start({
      agent: {
        async run({ prompt }) {
          if (++arrived === 500) all.resolve();
          await all.promise;
          return { result: prompt };
        },
      },
    });
    const { signal } = new AbortController();
    const runs = Array.from({ length: 500 }, (_, i) =>
      client.run(runSpec({ prompt: `p${i}` }), { signal, timeoutMs: 20_000 }),
    );
    const outputs = (await Promise.all(runs)).map((result) => result.output);
    expect(outputs).toEqual(Array.from({ length: 500 }, (_, i) => `p${i}`));
    process.off("warning", onWarning);
    expect(warnings).toEqual([]);
  });

  test("a status without an AgentError on a live connection is a failed run of kind internal", async () => {
    const { client } = await start({});
    const error = await rejection(client.run(runSpec()));
    expect(error).toMatchObject({ code: "run_failed", kind: "internal", retriable: false });
    expect((error as Error).message).toContain("Unimplemented");
  });

  test("JSON that is none is a protocol violation naming the field", async () => {
    const { client } = await start({ agent: { run: () => ({ outputJson: new TextEncoder().encode("{") }) } });
    const error = await rejection(client.run(runSpec()));
    expect(error).toMatchObject({ code: "protocol_violation", agentId: "poet", runId: "run-1" });
    expect((error as Error).message).toContain("output_json");
  });
});

describe("a lost connection", () => {
  test("rejects a run in flight with ConnectionLostError and settles closed", async () => {
    const handler = hangingHandler();
    const { client, server } = await start({ agent: { run: handler.hang } });
    const failed = rejection(client.run(runSpec(), { timeoutMs: 60_000 }));
    await within("the call's arrival", handler.entered);
    const killedAt = performance.now();
    server.kill();
    const error = await failed;
    expect(performance.now() - killedAt).toBeLessThan(500);
    expect(error).toBeInstanceOf(ConnectionLostError);
    expect(error).toMatchObject({ cause: { code: Code.Unavailable } });
    expect((error as Error).message).toContain('agent "poet"');
    await within("the settling of closed", client.closed);
  });

  test("rejects a stream in flight after the events that arrived", async () => {
    const { client, server } = await start({
      agent: {
        async *runStream(_request, context) {
          yield { seq: 1n, data: "half", event: { case: "textDelta" as const, value: {} } };
          await once(context.signal, "abort");
        },
      },
    });
    const events = client.stream(runSpec());
    expect((await events.next()).value).toMatchObject({ type: "text.delta", text: "half" });
    const failed = rejection(events.next());
    server.kill();
    expect(await failed).toBeInstanceOf(ConnectionLostError);
    expect(await events.next()).toEqual({ done: true, value: undefined });
  });

  test("rejects a request that is being sent", async () => {
    const { client, server } = await start({ agent: { run: () => ({}) } });
    const arrived = Promise.withResolvers<void>();
    for (const session of server.sessions) {
      session.once("stream", (stream) => {
        stream.pause();
        arrived.resolve();
      });
    }
    const failed = rejection(client.run(runSpec({ prompt: "q".repeat(20 * 1024 * 1024) })));
    await within("the call's arrival", arrived.promise);
    server.kill();
    expect(await failed).toBeInstanceOf(ConnectionLostError);
  });

  test("refuses calls made afterwards", async () => {
    const { client, server } = await start({});
    server.kill();
    await within("the settling of closed", client.closed);
    expect(await rejection(client.run(runSpec()))).toBeInstanceOf(ConnectionLostError);
    expect(await rejection(client.stream(runSpec()).next())).toBeInstanceOf(ConnectionLostError);
    expect(await rejection(client.describe("poet"))).toBeInstanceOf(ConnectionLostError);
    expect(await rejection(client.checkHealth())).toBeInstanceOf(ConnectionLostError);
  });

  test("of a destroyed HTTP/2 session is told in the same way", async () => {
    const handler = hangingHandler();
    const { client, server } = await start({ agent: { run: handler.hang } });
    const failed = rejection(client.run(runSpec()));
    await within("the call's arrival", handler.entered);
    for (const session of server.sessions) session.destroy();
    expect(await failed).toBeInstanceOf(ConnectionLostError);
    await within("the settling of closed", client.closed);
  });

  test("a session that is closed gracefully finishes its runs and refuses new ones", async () => {
    const release = Promise.withResolvers<void>();
    const entered = Promise.withResolvers<void>();
    const { client, server } = await start({
      agent: {
        async run() {
          entered.resolve();
          await release.promise;
          return { result: "finished" };
        },
      },
    });
    const running = client.run(runSpec());
    await within("the call's arrival", entered.promise);
    for (const session of server.sessions) session.close();
    const refused = await rejection(
      (async () => {
        for (;;) await client.checkHealth({ timeoutMs: 2_000 });
      })(),
    );
    expect(refused).toBeInstanceOf(ConnectionLostError);
    release.resolve();
    expect((await running).output).toBe("finished");
    await within("the settling of closed", client.closed);
  });

  test("a call that the server resets without an answer and without an error is lost, not waited for", async () => {
    const { client, server } = await start({});
    for (const session of server.sessions) session.once("stream", (stream) => stream.close(0));
    expect(await rejection(client.run(runSpec()))).toBeInstanceOf(ConnectionLostError);
  });

  test("close rejects calls in flight, is idempotent and leaves nothing on the server", async () => {
    const handler = hangingHandler();
    const { client, server } = await start({ agent: { run: handler.hang } });
    const failed = rejection(client.run(runSpec()));
    await within("the call's arrival", handler.entered);
    client.close();
    client.close();
    expect(await failed).toBeInstanceOf(ConnectionLostError);
    await within("the settling of closed", client.closed);
    await within("the handler's cancellation", handler.aborted);
    await within("the server's end", server.idle());
  });
});

describe("describe and checkHealth", () => {
  test("describe answers with parsed schemas", async () => {
    const { client } = await start({
      agent: {
        describe: ({ agentId }) => ({
          agentId,
          name: "Poet",
          outputSchemaJson: json({ type: "string" }),
          tools: [{ name: "rhyme", description: "Finds one", parametersSchemaJson: json({ type: "object" }) }],
          protocolVersion: 1,
        }),
      },
    });
    expect(await client.describe("poet")).toMatchObject({
      agentId: "poet",
      name: "Poet",
      outputSchema: { type: "string" },
      depsSchema: undefined,
      tools: [{ name: "rhyme", description: "Finds one", parametersSchema: { type: "object" } }],
      protocolVersion: 1,
    });
  });

  test("checkHealth tells serving from everything else", async () => {
    let status: HealthCheckResponse_ServingStatus = HealthCheckResponse_ServingStatus.SERVING;
    const { client } = await start({ health: { check: () => ({ status }) } });
    expect(await client.checkHealth()).toBe("serving");
    status = HealthCheckResponse_ServingStatus.NOT_SERVING;
    expect(await client.checkHealth()).toBe("not_serving");
    status = HealthCheckResponse_ServingStatus.UNKNOWN;
    expect(await client.checkHealth()).toBe("not_serving");
  });

  test("checkHealth of a blocked loop rejects with deadline_exceeded", async () => {
    const handler = hangingHandler();
    const { client } = await start({ health: { check: handler.hang } });
    expect(await rejection(client.checkHealth({ timeoutMs: 40 }))).toMatchObject({ code: "deadline_exceeded" });
  });
});

describe("cleanliness", () => {
  test("a signal keeps no listener of calls that have ended", async () => {
    const { client } = await start({
      agent: {
        run: () => ({}),
        async *runStream() {
          yield { seq: 1n, event: { case: "completed" as const, value: {} } };
        },
      },
    });
    const { signal } = new AbortController();
    const counts = { added: 0, removed: 0 };
    const add = signal.addEventListener.bind(signal);
    const remove = signal.removeEventListener.bind(signal);
    signal.addEventListener = (...args: Parameters<typeof add>) => {
      counts.added++;
      add(...args);
    };
    signal.removeEventListener = (...args: Parameters<typeof remove>) => {
      counts.removed++;
      remove(...args);
    };
    await client.run(runSpec(), { signal });
    const events: WireRunEvent[] = [];
    for await (const event of client.stream(runSpec(), { signal })) events.push(event);
    expect(events.map((event) => event.type)).toEqual(["completed"]);
    expect(counts).toEqual({ added: 2, removed: 2 });
  });
});
