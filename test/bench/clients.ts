/** Three ways to one Python process: ours, bare Connect, and grpc-js. All send the same requests and check the same answers. */

import { randomUUID } from "node:crypto";
import { createConnection } from "node:net";
import { create } from "@bufbuild/protobuf";
import { createClient } from "@connectrpc/connect";
import { createGrpcTransport, Http2SessionManager } from "@connectrpc/connect-node";
import { credentials, Client as GrpcClient, Metadata, type MethodDefinition } from "@grpc/grpc-js";
import { loadSync } from "@grpc/proto-loader";
import { AgentService, RunRequestSchema } from "../../src/gen/synapse_otp/v1/agent_pb.ts";
import type { Agent, RunEvent } from "../../src/index.ts";

export const clientNames = ["agent", "connect", "grpcJs"] as const;
/** "agent": agent.run and agent.stream. "connect": a generated client over createGrpcTransport. "grpcJs": @grpc/grpc-js with proto-loader. */
export type ClientName = (typeof clientNames)[number];

/** One way to the process. */
export interface BenchClient {
  readonly name: ClientName;
  /** One unary run; settles with its text. */
  run(prompt: string): Promise<string>;
  /** One streamed run, read to its end; settles with the number of its text deltas. */
  countDeltas(prompt: string): Promise<number>;
  close(): void;
}

/** Where the process listens. */
export interface Endpoint {
  readonly agentId: string;
  readonly socketPath: string;
  readonly token: string;
}

/** How long a text delta of the benchmark's agent is. One that waits on its way is joined to the one before, so that texts are counted and not messages. */
const deltaChars = 5;

/** What every user of this package does. */
export function createAgentClient(agent: Agent<string>): BenchClient {
  return {
    name: "agent",
    run: async (prompt) => (await agent.run(prompt)).output,
    countDeltas: (prompt) => countDeltasOf(agent.stream(prompt)),
    close: () => undefined,
  };
}

/** The text deltas of a run's events. */
export async function countDeltasOf(events: AsyncIterable<RunEvent>): Promise<number> {
  let deltas = 0;
  for await (const event of events) if (event.type === "text.delta") deltas += event.text.length / deltaChars;
  return deltas;
}

/** Connect and the generated service, with nothing of ours; tuned as ours is (no compression is offered), so that it is no straw man. */
export function createConnectClient({ agentId, socketPath, token }: Endpoint): BenchClient {
  const baseUrl = "http://bench";
  const sessionManager = new Http2SessionManager(
    baseUrl,
    {},
    { createConnection: () => createConnection({ path: socketPath }) },
  );
  const transport = createGrpcTransport({
    baseUrl,
    sessionManager,
    acceptCompression: [],
    interceptors: [
      (next) => (request) => {
        request.header.set("authorization", `Bearer ${token}`);
        return next(request);
      },
    ],
  });
  const client = createClient(AgentService, transport);
  const request = (prompt: string) =>
    create(RunRequestSchema, { agentId, prompt, runId: randomUUID(), attempt: 1, incarnation: 1 });
  return {
    name: "connect",
    run: async (prompt) => (await client.run(request(prompt))).result,
    async countDeltas(prompt) {
      let deltas = 0;
      for await (const { event, data } of client.runStream(request(prompt))) {
        if (event.case === "textDelta") deltas += data.length / deltaChars;
      }
      return deltas;
    },
    close: () => sessionManager.abort(),
  };
}

interface GrpcRequest {
  agentId: string;
  prompt: string;
  runId: string;
  attempt: number;
  incarnation: number;
}

/** grpc-js and proto-loader, with no generated code at all. */
export function createGrpcJsClient({ agentId, socketPath, token }: Endpoint, protoDirectory: string): BenchClient {
  const definitions = loadSync("synapse_otp/v1/agent.proto", { includeDirs: [protoDirectory] });
  const service = definitions["synapse_otp.v1.AgentService"];
  if (service === undefined || !("Run" in service) || !("RunStream" in service)) {
    throw new Error("agent.proto has no service AgentService with Run and RunStream");
  }
  const run = service.Run as MethodDefinition<GrpcRequest, { result: string }>;
  const runStream = service.RunStream as MethodDefinition<GrpcRequest, { data?: string }>;
  const client = new GrpcClient(`unix:${socketPath}`, credentials.createInsecure());
  const metadata = new Metadata();
  metadata.set("authorization", `Bearer ${token}`);
  const request = (prompt: string) => ({ agentId, prompt, runId: randomUUID(), attempt: 1, incarnation: 1 });
  return {
    name: "grpcJs",
    run: (prompt) =>
      new Promise((resolve, reject) => {
        const { path, requestSerialize, responseDeserialize } = run;
        client.makeUnaryRequest(
          path,
          requestSerialize,
          responseDeserialize,
          request(prompt),
          metadata,
          (error, answer) => {
            if (answer === undefined) reject(error);
            else resolve(answer.result);
          },
        );
      }),
    countDeltas: (prompt) =>
      new Promise((resolve, reject) => {
        const { path, requestSerialize, responseDeserialize } = runStream;
        let deltas = 0;
        client
          .makeServerStreamRequest(path, requestSerialize, responseDeserialize, request(prompt), metadata)
          .on("data", ({ data = "" }: { data?: string }) => {
            deltas += data.length / deltaChars;
          })
          .on("error", reject)
          .on("end", () => resolve(deltas));
      }),
    close: () => client.close(),
  };
}
