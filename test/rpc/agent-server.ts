/** A real gRPC server of the contract on a Unix socket in a private directory, in this process: the double of a worker. */

import { EventEmitter, once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { createServer, type Http2Server, type ServerHttp2Session } from "node:http2";
import type { Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { create, type MessageInitShape } from "@bufbuild/protobuf";
import { type Code, ConnectError, type ConnectRouter, type ServiceImpl } from "@connectrpc/connect";
import { connectNodeAdapter } from "@connectrpc/connect-node";
import { Health, HealthCheckResponse_ServingStatus } from "../../src/gen/grpc_health/v1/health_pb.ts";
import { AgentErrorSchema, AgentService, type RunResponseChunkSchema } from "../../src/gen/synapse_otp/v1/agent_pb.ts";
import type { EncodedRun } from "../../src/rpc/encoded-run.ts";
import { encodeRun } from "../../src/rpc/request.ts";
import type { RunRequestSpec } from "../../src/rpc/run-types.ts";

/** What a test lets the worker do; calls of other methods are answered with Unimplemented. */
export interface AgentServerOptions {
  agent?: Partial<ServiceImpl<typeof AgentService>>;
  health?: Partial<ServiceImpl<typeof Health>>;
  routes?: (router: ConnectRouter) => void;
  /** Largest request the server reads. Bytes. */
  readMaxBytes?: number;
  /** Header values of "authorization" in the order of the calls. */
  onAuthorization?: (value: string | null) => void;
}

/** A running server. */
export interface AgentServer {
  socketPath: string;
  http: Http2Server;
  sessions: Set<ServerHttp2Session>;
  /** Ends every connection as the death of a process does: no GOAWAY, no status. */
  kill(): void;
  /** Resolves when no connection is open. */
  idle(): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
}

/** Starts a server. Its socket and directory are gone after dispose. */
export async function startAgentServer(options: AgentServerOptions = {}): Promise<AgentServer> {
  const directory = await mkdtemp(join(tmpdir(), "syn-rpc-"));
  const socketPath = join(directory, "s");
  const emptied = new EventEmitter();
  const sessions = new Set<ServerHttp2Session>();
  const handler = connectNodeAdapter({
    connect: false,
    grpcWeb: false,
    ...(options.readMaxBytes !== undefined && { readMaxBytes: options.readMaxBytes }),
    interceptors: [
      (next) => (request) => {
        options.onAuthorization?.(request.header.get("authorization"));
        return next(request);
      },
    ],
    routes(router) {
      router.service(AgentService, withRun(options.agent ?? {}));
      router.service(Health, {
        check: () => ({ status: HealthCheckResponse_ServingStatus.SERVING }),
        ...options.health,
      });
      options.routes?.(router);
    },
  });
  const http = createServer({ settings: { maxConcurrentStreams: 2_000 } }, handler);
  http.on("session", (session) => {
    sessions.add(session);
    session.once("close", () => {
      sessions.delete(session);
      if (sessions.size === 0) emptied.emit("idle");
    });
  });
  http.listen(socketPath);
  await once(http, "listening");
  // Not session.socket: its destroy() is that of the session, which says goodbye.
  const sockets = new Set<Socket>();
  http.on("connection", (socket: Socket) => {
    sockets.add(socket);
    socket.once("close", () => sockets.delete(socket));
  });
  const kill = (): void => {
    for (const socket of sockets) socket.destroy();
  };
  return {
    socketPath,
    http,
    sessions,
    kill,
    async idle() {
      if (sessions.size > 0) await once(emptied, "idle");
    },
    async [Symbol.asyncDispose]() {
      const closed = once(http, "close");
      http.close();
      for (const session of sessions) session.destroy();
      await closed;
      await rm(directory, { recursive: true, force: true });
    },
  };
}

/** A run that wants nothing but its end is a stream of one message: here `run` says what that is. */
function withRun(agent: Partial<ServiceImpl<typeof AgentService>>): Partial<ServiceImpl<typeof AgentService>> {
  const { run, runStream } = agent;
  if (run === undefined) return agent;
  return {
    ...agent,
    async *runStream(request, context) {
      if (request.stream?.terminalOnly === true) {
        yield { seq: 1n, event: { case: "completed", value: await run(request, context) } };
      } else if (runStream !== undefined) {
        yield* runStream(request, context);
      }
    },
  };
}

/** A small valid run request; `changes` replace its fields. */
export function runSpec(changes: Partial<RunRequestSpec> = {}): RunRequestSpec {
  return { agentId: "poet", prompt: "hello", runId: "run-1", attempt: 1, incarnation: 1, ...changes };
}

/** The same, encoded. */
export function encodedRun(changes: Partial<RunRequestSpec> = {}): EncodedRun {
  return encodeRun(runSpec(changes));
}

/** A gRPC status with an AgentError in its details, as the Python servicer sends it. */
export function agentStatus(code: Code, error: MessageInitShape<typeof AgentErrorSchema>): ConnectError {
  const value = create(AgentErrorSchema, error);
  return new ConnectError(value.message, code, undefined, [{ desc: AgentErrorSchema, value }]);
}

/** One message of RunStream. */
export type Chunk = MessageInitShape<typeof RunResponseChunkSchema>;

/** A text delta. */
export function delta(seq: number, data: string): Chunk {
  return { seq: BigInt(seq), data, step: 1, event: { case: "textDelta", value: { partIndex: 0 } } };
}

/** The terminal event of a run that answered "done". */
export function completed(seq: number): Chunk {
  return { seq: BigInt(seq), event: { case: "completed", value: { result: "done" } } };
}

/** The bytes of a JSON document. */
export function json(value: unknown): Uint8Array<ArrayBuffer> {
  return new TextEncoder().encode(JSON.stringify(value));
}

/** Resolves or rejects as `promise` does, but rejects with `what` after 5 seconds. */
export async function within<T>(what: string, promise: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`${what} did not happen within 5 s`)), 5_000);
  });
  return Promise.race([promise, late]).finally(() => clearTimeout(timer));
}

/** What a promise rejects with; fails when it resolves. */
export async function rejection(promise: Promise<unknown>): Promise<unknown> {
  return within("the rejection", promise).then(
    (value) => {
      throw new Error(`expected a rejection, got ${JSON.stringify(value)}`);
    },
    (error: unknown) => error,
  );
}
