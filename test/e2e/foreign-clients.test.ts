import {
  type Client,
  credentials,
  loadPackageDefinition,
  Metadata,
  type ServiceClientConstructor,
  status,
} from "@grpc/grpc-js";
import { loadSync } from "@grpc/proto-loader";
import { afterEach, expect, test } from "vitest";
import { RunError } from "../../src/errors.ts";
import { connectAgent } from "../../src/rpc/client.ts";
import { encodeRun } from "../../src/rpc/request.ts";
import { serve } from "./served.ts";
import { rejection } from "./support.ts";

// grpc-js with proto-loader shares no code with our client: it reads the .proto and speaks for itself.
interface Answer {
  result: string;
  usage: { total_tokens: string };
  run_id: string;
}
interface Chunk {
  data: string;
  seq: string;
  event: string;
  completed?: Answer;
}
type Stub = Client & {
  Run(
    request: object,
    metadata: Metadata,
    done: (error: (Error & { code: number }) | null, answer: Answer) => void,
  ): void;
  RunStream(request: object, metadata: Metadata): AsyncIterable<Chunk>;
};

const open: { close(): void; kill?(): void }[] = [];

afterEach(async () => {
  for (const one of open.splice(0)) one.close();
});

async function stubFor(token?: string) {
  const { worker, ready } = await serve();
  const definition = loadSync("proto/synapse_otp/v1/agent.proto", { keepCase: true, oneofs: true });
  const root = loadPackageDefinition(definition) as unknown as {
    synapse_otp: { v1: { AgentService: ServiceClientConstructor } };
  };
  const stub = new root.synapse_otp.v1.AgentService(
    `unix:${ready.socketPath}`,
    credentials.createInsecure(),
  ) as unknown as Stub;
  open.push({
    close() {
      stub.close();
      worker.kill();
    },
  });
  const metadata = new Metadata();
  metadata.set("authorization", `Bearer ${token ?? ready.token}`);
  return { stub, metadata, worker, ready };
}

function run(stub: Stub, metadata: Metadata, prompt: string): Promise<Answer> {
  return new Promise((resolve, reject) => {
    stub.Run({ agent_id: "served", prompt, run_id: "r1", attempt: 1 }, metadata, (error, answer) => {
      if (error === null) resolve(answer);
      else reject(error);
    });
  });
}

test("an independent gRPC client can call Run", async () => {
  const { stub, metadata, worker } = await stubFor();
  const answer = await run(stub, metadata, "echo:hello from grpc-js");
  expect(answer).toMatchObject({ result: "hello from grpc-js", run_id: "r1" });
  expect(Number(answer.usage.total_tokens)).toBeGreaterThan(0);
  worker.kill();
  await worker.exited;
});

test("an independent gRPC client can call RunStream, and data alone adds up to the answer", async () => {
  const { stub, metadata, worker } = await stubFor();
  const chunks: Chunk[] = [];
  const request = { agent_id: "served", prompt: "stream:20:1", run_id: "r2", attempt: 1 };
  for await (const chunk of stub.RunStream(request, metadata)) chunks.push(chunk);
  expect(chunks.map(({ seq }) => Number(seq))).toEqual(chunks.map((_chunk, index) => index + 1));
  expect(chunks.at(-1)?.completed?.result).toBe(chunks.map(({ data }) => data).join(""));
  worker.kill();
  await worker.exited;
});

test.each([
  ["wrong", "00".repeat(32)],
  ["empty", ""],
])("a call with a %s token is refused, unary and stream alike", async (_what, token) => {
  const { stub, metadata, worker } = await stubFor(token === "" ? " " : token);
  expect(await rejection(run(stub, metadata, "echo:x"))).toMatchObject({ code: status.UNAUTHENTICATED });
  const reading = (async () => {
    for await (const _chunk of stub.RunStream({ prompt: "echo:x" }, metadata));
  })();
  expect(await rejection(reading)).toMatchObject({ code: status.UNAUTHENTICATED });
  worker.kill();
  await worker.exited;
});

test("our own client with a wrong token gets a typed error, health check included", async () => {
  const { worker, ready } = await serve();
  const client = await connectAgent({ socketPath: ready.socketPath, token: "11".repeat(32), agentId: "served" });
  const request = encodeRun({ agentId: "served", prompt: "echo:x", runId: "r", attempt: 1, incarnation: 1 });
  const error = await rejection(client.run(request));
  expect(error).toBeInstanceOf(RunError);
  expect(error).toMatchObject({ code: "unauthenticated" });
  expect(await rejection(client.checkHealth())).toMatchObject({ code: "unauthenticated" });
  client.close();
  worker.kill();
  await worker.exited;
});

test("a request meant for another incarnation is refused", async () => {
  const { worker, ready } = await serve();
  const client = await connectAgent({ socketPath: ready.socketPath, token: ready.token, agentId: "served" });
  const request = encodeRun({ agentId: "served", prompt: "echo:x", runId: "r", attempt: 1, incarnation: 7 });
  expect(await rejection(client.run(request))).toMatchObject({ code: "run_failed" });
  client.close();
  worker.kill();
  await worker.exited;
});
