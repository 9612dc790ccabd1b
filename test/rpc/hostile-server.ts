/** A worker that lies: an HTTP/2 server on a Unix socket that answers every call with whatever a script says, valid gRPC or not. */

import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { createServer, type OutgoingHttpHeaders, type ServerHttp2Stream } from "node:http2";
import type { Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** What a call is answered with. */
export interface HostileAnswer {
  /** Default: 200, application/grpc+proto. */
  readonly headers?: OutgoingHttpHeaders;
  readonly body?: readonly Uint8Array[];
  /** undefined: the stream ends without trailers. */
  readonly trailers?: OutgoingHttpHeaders;
  /** How it ends after the body; default "end". "hang": not at all. "drop": the connection goes with it. */
  readonly end?: "end" | "hang" | "drop" | { readonly reset: number };
}

/** A running server. */
export interface HostileServer {
  readonly socketPath: string;
  /** What the next calls are answered with. */
  answer: HostileAnswer;
  [Symbol.asyncDispose](): Promise<void>;
}

/** Starts a server. Its socket and directory are gone after dispose. */
export async function startHostileServer(): Promise<HostileServer> {
  const directory = await mkdtemp(join(tmpdir(), "syn-bad-"));
  const socketPath = join(directory, "s");
  const sockets = new Set<Socket>();
  const http = createServer();
  const server: HostileServer = {
    socketPath,
    answer: {},
    async [Symbol.asyncDispose]() {
      const closed = once(http, "close");
      http.close();
      for (const socket of sockets) socket.destroy();
      await closed;
      await rm(directory, { recursive: true, force: true });
    },
  };
  http.on("connection", (socket: Socket) => {
    sockets.add(socket);
    socket.once("close", () => sockets.delete(socket));
  });
  // What the host resets or leaves is nothing to a liar.
  http.on("sessionError", () => undefined);
  http.on("stream", (stream) => reply(stream, server.answer));
  http.listen(socketPath);
  await once(http, "listening");
  return server;
}

function reply(stream: ServerHttp2Stream, { headers, body = [], trailers, end = "end" }: HostileAnswer): void {
  stream.on("error", () => undefined);
  stream.on("wantTrailers", () => stream.sendTrailers(trailers ?? {}));
  const given = { ":status": 200, "content-type": "application/grpc+proto", ...headers };
  stream.respond(given, { waitForTrailers: trailers !== undefined });
  for (const piece of body) stream.write(piece);
  if (end === "end") stream.end();
  else if (end === "drop") stream.session?.destroy();
  else if (end !== "hang") stream.close(end.reset);
}

/** One message of gRPC: a flag, a length, and the message. */
export function frame(message: Uint8Array, flag = 0, length = message.byteLength): Buffer {
  const head = Buffer.alloc(5);
  head.writeUInt8(flag, 0);
  head.writeUInt32BE(length >>> 0, 1);
  return Buffer.concat([head, message]);
}
