import { Code, ConnectError } from "@connectrpc/connect";
import { describe, expect, test } from "vitest";
import { RunError } from "../../src/errors.ts";
import { HealthCheckResponse_ServingStatus } from "../../src/gen/grpc_health/v1/health_pb.ts";
import { AgentErrorKind, OutputKind } from "../../src/gen/synapse_otp/v1/agent_pb.ts";
import type { WireRunEvent } from "../../src/rpc/run-event.ts";
import { agentStatus, encodedRun, json, rejection, within } from "./agent-server.ts";
import { hangingHandler, startConnected as start } from "./connected.ts";

/** A stream without an event. */
async function* never(): AsyncGenerator<never> {
  yield* [];
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
    const result = await client.run(encodedRun());
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
    await client.run(encodedRun());
    await rejection(client.stream(encodedRun()).next());
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
    const error = await rejection(client.run(encodedRun()));
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
    const error = await rejection(client.run(encodedRun()));
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
    const failed = rejection(client.run(encodedRun(), { signal: controller.signal }));
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
    expect(await rejection(client.run(encodedRun(), options))).toMatchObject({ code: "run_cancelled", cause: "early" });
    expect(await rejection(client.stream(encodedRun(), options).next())).toMatchObject({ code: "run_cancelled" });
    expect(seen).toEqual([]);
  });

  test("timeoutMs reaches the handler and rejects with deadline_exceeded naming it", async () => {
    const handler = hangingHandler();
    const { client } = await start({ agent: { run: handler.hang } });
    const error = await rejection(client.run(encodedRun(), { timeoutMs: 60 }));
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
    await client.run(encodedRun(), { timeoutMs: 99_999_999 });
    await client.run(encodedRun(), { timeoutMs: 100_000_001 });
    expect(headers).toEqual(["99999999m", "100001S"]);
  });

  test.each([Number.NaN, Number.POSITIVE_INFINITY, 2 ** 31])(
    "a timeout of %s is the caller's mistake",
    async (timeoutMs) => {
      const { client } = await start({});
      const error = await rejection(client.run(encodedRun(), { timeoutMs }));
      expect(error).toMatchObject({ code: "invalid_argument", field: "options.timeoutMs" });
    },
  );

  test.each([0, -5])("a timeout of %s ms is a deadline that has passed", async (timeoutMs) => {
    const { client } = await start({ agent: { run: () => ({}) } });
    expect(await rejection(client.run(encodedRun(), { timeoutMs }))).toMatchObject({ code: "deadline_exceeded" });
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
      client.run(encodedRun({ prompt: `p${i}` }), { signal, timeoutMs: 20_000 }),
    );
    const outputs = (await Promise.all(runs)).map((result) => result.output);
    expect(outputs).toEqual(Array.from({ length: 500 }, (_, i) => `p${i}`));
    process.off("warning", onWarning);
    expect(warnings).toEqual([]);
  });

  test("a status without an AgentError on a live connection is a failed run of kind internal", async () => {
    const { client } = await start({});
    const error = await rejection(client.run(encodedRun()));
    expect(error).toMatchObject({ code: "run_failed", kind: "internal", retriable: false });
    expect((error as Error).message).toContain("Unimplemented");
  });

  test("JSON that is none is a protocol violation naming the field", async () => {
    const { client } = await start({ agent: { run: () => ({ outputJson: new TextEncoder().encode("{") }) } });
    const error = await rejection(client.run(encodedRun()));
    expect(error).toMatchObject({ code: "protocol_violation", agentId: "poet", runId: "run-1" });
    expect((error as Error).message).toContain("output_json");
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
    await client.run(encodedRun(), { signal });
    const events: WireRunEvent[] = [];
    for await (const event of client.stream(encodedRun(), { signal })) events.push(event);
    expect(events.map((event) => event.type)).toEqual(["completed"]);
    expect(counts).toEqual({ added: 2, removed: 2 });
  });
});
