import { Code, ConnectError } from "@connectrpc/connect";
import { expect, onTestFinished, test } from "vitest";
import { connectWorker } from "../../src/agent/connect-worker.ts";
import { textSchema } from "../../src/agent/text-schema.ts";
import { HealthCheckResponse_ServingStatus } from "../../src/gen/grpc_health/v1/health_pb.ts";
import { realClock } from "../../src/otp/scheduler/clock.ts";
import type { Worker, WorkerExit, WorkerReady } from "../../src/worker/launcher.ts";
import { type AgentServerOptions, startAgentServer } from "../rpc/agent-server.ts";
import { workerExit } from "./values.ts";

function workerOf(started: { ready: WorkerReady } | { exit: WorkerExit }): Worker & { released: number } {
  return {
    incarnation: 1,
    pid: 4_194_999,
    started: Promise.resolve(started),
    exited: new Promise(() => undefined),
    released: 0,
    releaseSocket() {
      this.released += 1;
    },
    stop: () => new Promise(() => undefined),
    kill: () => undefined,
    usage: () => undefined,
    dumpStacks: () => Promise.resolve([]),
  };
}

const poet = { agentId: "poet", maxMessageBytes: 100_000 };
const nothing = { output: undefined, tools: undefined, contract: undefined };

const readyAt = (socketPath: string): WorkerReady => ({
  pid: 4_194_999,
  socketPath,
  token: "secret",
  agentName: "poet",
  modelName: undefined,
  versions: {},
});

async function serve(options: AgentServerOptions = {}) {
  const server = await startAgentServer(options);
  onTestFinished(() => server[Symbol.asyncDispose]());
  return { server, worker: workerOf({ ready: readyAt(server.socketPath) }) };
}

test("a ready worker that answers is connected, and its socket is released", async () => {
  const { worker } = await serve();
  const outcome = await connectWorker(worker, poet, nothing, realClock);
  expect(outcome.type).toBe("connected");
  expect(worker.released).toBe(1);
  if (outcome.type === "connected") outcome.client.close();
});

test("a worker that ended first is told as its exit", async () => {
  const exit = workerExit({ exitCode: 3 });
  expect(await connectWorker(workerOf({ exit }), poet, nothing, realClock)).toEqual({
    type: "exited",
    exit,
  });
});

test("a socket where nobody listens is unreachable, not a throw", async () => {
  const worker = workerOf({ ready: readyAt("/tmp/synapse-no-such-socket") });
  const outcome = await connectWorker(worker, poet, nothing, realClock);
  expect(outcome).toMatchObject({ type: "unreachable", error: { name: "ConnectionLostError" } });
  expect(worker.released).toBe(0);
});

test("a worker whose health is not SERVING is unreachable, and its connection is closed", async () => {
  const { NOT_SERVING } = HealthCheckResponse_ServingStatus;
  const { server, worker } = await serve({ health: { check: () => ({ status: NOT_SERVING }) } });
  const outcome = await connectWorker(worker, poet, nothing, realClock);
  expect(outcome.type).toBe("unreachable");
  expect(String(outcome.type === "unreachable" && outcome.error)).toContain("not SERVING");
  await server.idle();
});

test("a socket that another process serves is unreachable, and gets no token", async () => {
  const { server, worker } = await serve();
  const outcome = await connectWorker({ ...worker, pid: process.ppid }, poet, nothing, realClock);
  expect(String(outcome.type === "unreachable" && outcome.error)).toContain(`is not served by process ${process.ppid}`);
  await server.idle();
});

test("a worker whose agent is not what is expected of it is told as that, and its connection is closed", async () => {
  const { server, worker } = await serve({
    agent: {
      describe: ({ agentId }) => ({ agentId, outputSchemaJson: new TextEncoder().encode('{"type":"integer"}') }),
    },
  });
  const outcome = await connectWorker(worker, poet, { ...nothing, output: textSchema }, realClock);
  expect(outcome).toEqual({
    type: "mismatched",
    faults: ["output: the agent says integer, the definition string"],
  });
  await server.idle();
});

test("a worker that says that its agent answers with texts is asked no more where that is all that is expected", async () => {
  const { server, worker } = await serve({
    agent: {
      describe: ({ agentId }) => ({ agentId, outputSchemaJson: new TextEncoder().encode('{"type":"integer"}') }),
    },
  });
  const texts = workerOf({ ready: { ...readyAt(server.socketPath), answersText: true } });
  const outcome = await connectWorker(texts, poet, { ...nothing, output: textSchema }, realClock);
  expect(outcome.type).toBe("connected");
  if (outcome.type === "connected") outcome.client.close();
  expect((await connectWorker(worker, poet, { ...nothing, output: textSchema }, realClock)).type).toBe("mismatched");
});

test("a worker that cannot say what its agent is serves", async () => {
  const { worker } = await serve({
    agent: {
      describe: () => {
        throw new ConnectError("no", Code.Internal);
      },
    },
  });
  const outcome = await connectWorker(worker, poet, { ...nothing, output: textSchema }, realClock);
  expect(outcome.type).toBe("connected");
  if (outcome.type === "connected") outcome.client.close();
});
