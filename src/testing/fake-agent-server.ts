/** A gRPC server in this process on a Unix socket in a private directory: where a fake worker serves. */

import { once } from "node:events";
import { createServer, type Http2Server, type ServerHttp2Session } from "node:http2";
import type { Socket } from "node:net";
import { Code, ConnectError, type Interceptor } from "@connectrpc/connect";
import { connectNodeAdapter } from "@connectrpc/connect-node";
import type { FakeAgentService } from "./fake-agent-service.ts";

/** A server that listens. */
export interface FakeAgentServer {
  /** Ends every connection as the death of a process does: no GOAWAY, no status. It keeps listening. */
  disconnect(): void;
  /** Ends every connection when its calls have been answered, and listens no more. Settles when nothing is open. Idempotent. */
  finish(): Promise<void>;
  /** Disconnects and listens no more. Settles when nothing is open. Idempotent. */
  close(): Promise<void>;
}

/**
 * Serves a fake AgentService at `socketPath`; calls without the token are refused as UNAUTHENTICATED. Nothing is taken or answered before `open()` settles,
 * which is asked each time.
 */
export async function startFakeAgentServer(
  service: FakeAgentService,
  options: { socketPath: string; token: string; maxMessageBytes: number; open?: () => Promise<void> },
): Promise<FakeAgentServer> {
  const { socketPath, token, maxMessageBytes, open = async () => undefined } = options;
  const handler = connectNodeAdapter({
    connect: false,
    grpcWeb: false,
    readMaxBytes: maxMessageBytes,
    interceptors: [checkToken(`Bearer ${token}`), heldUp(open)],
    routes: (router) => service.routes(router),
  });
  const http: Http2Server = createServer({ settings: { maxConcurrentStreams: 2_000 } }, handler);
  // Not session.socket: its destroy() is that of the session, which says goodbye.
  const sockets = new Set<Socket>();
  http.on("connection", (socket: Socket) => {
    sockets.add(socket);
    socket.once("close", () => sockets.delete(socket));
  });
  const sessions = new Set<ServerHttp2Session>();
  http.on("session", (session) => {
    sessions.add(session);
    session.once("close", () => sessions.delete(session));
  });
  const disconnect = () => {
    for (const socket of sockets) socket.destroy();
  };
  let closed: Promise<unknown> | undefined;
  const finish = async () => {
    if (closed === undefined) {
      closed = once(http, "close");
      http.close();
      for (const session of sessions) session.close();
    }
    await closed;
  };
  const close = async () => {
    const finished = finish();
    disconnect();
    await finished;
  };
  http.listen(socketPath);
  await once(http, "listening");
  return { disconnect, finish, close };
}

function heldUp(open: () => Promise<void>): Interceptor {
  return (next) => async (request) => {
    await open();
    try {
      const answer = await next(request);
      return answer.stream ? { ...answer, message: heldUpMessages(answer.message, open) } : answer;
    } finally {
      await open();
    }
  };
}

async function* heldUpMessages<T>(messages: AsyncIterable<T>, open: () => Promise<void>): AsyncGenerator<T> {
  try {
    for await (const message of messages) {
      await open();
      yield message;
    }
  } finally {
    await open();
  }
}

function checkToken(expected: string): Interceptor {
  return (next) => (request) => {
    if (request.header.get("authorization") === expected) return next(request);
    throw new ConnectError("the call does not carry this incarnation's token", Code.Unauthenticated);
  };
}
