import { afterEach, describe, expect, test } from "vitest";
import { connectAgent } from "../../src/rpc/client.ts";
import { startFakeAgentServer } from "../../src/testing/fake-agent-server.ts";
import type { FakeAnswer, FakeRun } from "../../src/testing/index.ts";
import {
  createFakeAgentService,
  createFakeLauncher,
  type FakeLauncher,
  fakeRunError,
} from "../../src/testing/index.ts";
import { createSocketDirectory } from "../../src/worker/socket-directory.ts";
import { encodedRun, rejection } from "../rpc/agent-server.ts";
import { collect } from "../rpc/connected.ts";
import { readyOf } from "../worker/fixture-worker.ts";
import { describeServiceContract } from "./agent-service-contract.ts";
import { controllableAnswer } from "./controllable-answer.ts";

let launcher: FakeLauncher;
const cancellations = new Map<string, PromiseWithResolvers<void>>();

function cancellation(prompt: string): PromiseWithResolvers<void> {
  const known = cancellations.get(prompt) ?? Promise.withResolvers<void>();
  cancellations.set(prompt, known);
  return known;
}

describeServiceContract("fake", {
  start() {
    launcher = createFakeLauncher({
      script: { answer: controllableAnswer((prompt) => cancellation(prompt).resolve()) },
    });
    const worker = launcher.launch({
      agentId: "served",
      incarnation: 1,
      interpreter: "/nowhere/python",
      entry: "served.py:agent",
      cwd: "/",
      env: {},
      startTimeoutMs: 30_000,
      maxMessageBytes: 1024 * 1024,
      onLog: () => undefined,
    });
    return readyOf(worker);
  },
  end: () => launcher.close(),
  cancelled: (prompt) => cancellation(prompt).promise,
});

describe("a fake AgentService", () => {
  const served: (() => Promise<void>)[] = [];

  afterEach(async () => {
    for (const end of served.splice(0)) await end();
  });

  async function serve(answer?: FakeAnswer) {
    const service = createFakeAgentService({ ...(answer === undefined ? {} : { answer }), modelName: "parrot" });
    const directory = createSocketDirectory();
    const { socketPath } = directory;
    const server = await startFakeAgentServer(service, { socketPath, token: "secret", maxMessageBytes: 1024 * 1024 });
    const client = await connectAgent({ socketPath, token: "secret", agentId: "poet" });
    served.push(async () => {
      client.close();
      await server.close();
      directory.remove();
    });
    return { service, client };
  }

  test("echoes the prompt unless it is told otherwise, and keeps the runs it has seen", async () => {
    const { service, client } = await serve();
    const request = encodedRun({
      prompt: "say this",
      deps: { user: 7 },
      messageHistory: [{ kind: "request" }],
      metadata: { a: "b" },
      attempt: 2,
    });
    expect((await client.run(request)).output).toBe("say this");
    expect(service.runs).toMatchObject([
      {
        prompt: "say this",
        deps: { user: 7 },
        messageHistory: [{ kind: "request" }],
        metadata: { a: "b" },
        attempt: 2,
      },
    ]);
    expect(service.runs[0]).toMatchObject({ agentId: "poet", runId: "run-1", streaming: false });
    expect(service.inProgress).toBe(0);
  });

  test("structured output comes whole, and in a stream after its snapshots", async () => {
    const output = { name: "Lima", population: 10 };
    const { client } = await serve(() => ({ output, partial: [{ name: "Li" }, { name: "Lima" }] }));
    expect((await client.run(encodedRun())).output).toEqual(output);
    const events = await collect(client.stream(encodedRun()));
    expect(events.map((event) => (event.type === "output.partial" ? event.output : event.type))).toEqual([
      "started",
      { name: "Li" },
      { name: "Lima" },
      "completed",
    ]);
    expect(events[0]).toMatchObject({ modelName: "parrot" });
    expect(events.at(-1)).toMatchObject({ result: { output, modelName: "parrot" } });
  });

  test("chunks answer a unary run as one text", async () => {
    const { client } = await serve(() => ({ chunks: ["a ", "b ", "c"] }));
    expect((await client.run(encodedRun())).output).toBe("a b c");
  });

  test("a typed error keeps its kind, and another throw is the user's code failing", async () => {
    const { client } = await serve(({ prompt }: FakeRun) => {
      if (prompt === "retry") throw fakeRunError("model_http", "502 from the model", { retriable: true });
      throw new TypeError("no such thing");
    });
    expect(await rejection(client.run(encodedRun({ prompt: "retry" })))).toMatchObject({
      kind: "model_http",
      retriable: true,
      message: '[run_failed] agent "poet": 502 from the model',
    });
    expect(await rejection(client.run(encodedRun()))).toMatchObject({ kind: "user_code", pythonType: "TypeError" });
  });

  test("while it drains it finishes what it has and refuses the rest", async () => {
    const reply = Promise.withResolvers<string>();
    const { service, client } = await serve(() => reply.promise);
    const held = client.run(encodedRun());
    await expect.poll(() => service.inProgress).toBe(1);
    service.beginDrain();
    expect(await rejection(client.run(encodedRun()))).toMatchObject({ kind: "draining", retriable: true });
    const [event] = await collect(client.stream(encodedRun()));
    expect(event).toMatchObject({ type: "failed", error: { kind: "draining" } });
    expect(await client.checkHealth()).toBe("not_serving");
    const idle = service.idle();
    reply.resolve("done");
    expect((await held).output).toBe("done");
    await idle;
  });

  test("a source that hangs does not keep a cancelled stream", async () => {
    const { service, client } = await serve(() => ({
      chunks: {
        [Symbol.asyncIterator]: () => ({ next: () => new Promise<never>(() => undefined) }),
      },
    }));
    const events = client.stream(encodedRun());
    expect((await events.next()).value).toMatchObject({ type: "started" });
    await events.return();
    await service.idle();
    expect(service.runs[0]?.signal.aborted).toBe(true);
  });
});
