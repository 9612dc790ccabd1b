/** The HTTP/2 connection to one incarnation: one Unix socket, one session, no reconnect, no pings. */

import { once } from "node:events";
import {
  type ClientHttp2Session,
  type ClientHttp2Stream,
  connect,
  constants,
  type OutgoingHttpHeaders,
} from "node:http2";
import { createConnection, type Socket } from "node:net";
import { Code, ConnectError } from "@connectrpc/connect";
import type { GrpcTransportOptions } from "@connectrpc/connect-node";
import { invalidArgument } from "../errors.ts";
import { ConnectionLostError } from "./agent-client.ts";

/** What a gRPC transport of connect-node asks of its session. */
type SessionManager = NonNullable<GrpcTransportOptions["sessionManager"]>;

/** Where an incarnation listens. */
export interface SessionOptions {
  /** Path of the worker's Unix socket, at most 107 bytes (the kernel's limit on Linux). */
  socketPath: string;
  /** Origin that requests name, such as "http://agent-42"; the same as the transport's baseUrl. */
  authority: string;
  /** Quoted in errors. */
  agentId: string;
  /** Time until the server's SETTINGS must have arrived. Milliseconds. */
  connectTimeoutMs: number;
}

/** The errors of calls that the worker has not begun. */
const unbegun = new WeakSet<Error>();

/**
 * Whether an error is that of a call which the worker cannot have begun: it never left, because the connection was gone or about to go, or the
 * server refused its stream, which HTTP/2 allows only before anything has been done with it (RFC 9113, section 8.7).
 */
export function neverBegan(error: unknown): boolean {
  return error instanceof Error && (unbegun.has(error) || unbegun.has(error.cause as Error));
}

/** A live HTTP/2 session. Once lost it stays lost: the next incarnation gets a session of its own. */
export interface Session extends SessionManager {
  /** True when the connection is gone; requests are refused with the reason. */
  readonly lost: boolean;
  /** Settles when the socket is closed, whoever closed it. Never rejects. */
  readonly closed: Promise<void>;
  /** Ends the connection; streams in flight fail with `reason`. Idempotent. */
  destroy(reason: ConnectError): void;
}

/**
 * Connects and waits for the server's first frame, so that a socket whose process is stopped or speaks something else is found here.
 * Rejects with CallerError "invalid_argument" (path) or ConnectionLostError (no socket, refused, no HTTP/2 answer in time).
 */
export async function connectSession(options: SessionOptions): Promise<Session> {
  const { socketPath, authority, agentId, connectTimeoutMs } = options;
  if (socketPath === "" || Buffer.byteLength(socketPath) > 107) {
    throw invalidArgument("socketPath", socketPath, "a path of 1 to 107 bytes");
  }
  const deadline = AbortSignal.timeout(connectTimeoutMs);
  const socket = createConnection({ path: socketPath });
  // A socket reports its error once more when it is destroyed; without a listener that would end the process.
  socket.on("error", ignore);
  try {
    await once(socket, "connect", { signal: deadline });
    const session = connect(authority, {
      createConnection: () => socket,
      settings: { enablePush: false },
      // Node counts queued request bytes and refuses new streams above 10 MB; the bound on requests is the agent's mailbox.
      maxSessionMemory: 1_000_000,
    });
    const answered = new SocketSession(authority, socket, session);
    await once(session, "remoteSettings", { signal: deadline });
    return answered;
  } catch (error) {
    socket.destroy();
    const what = deadline.aborted ? `no HTTP/2 answer within ${connectTimeoutMs} ms` : describe(error);
    throw new ConnectionLostError(
      `cannot connect to agent "${agentId}" at its socket "${socketPath}": ${what}; see how its worker ended`,
      { cause: error },
    );
  }
}

class SocketSession implements Session {
  readonly authority: string;
  readonly closed: Promise<void>;
  readonly #session: ClientHttp2Session;
  #reason: ConnectError | undefined;

  constructor(authority: string, socket: Socket, session: ClientHttp2Session) {
    this.authority = authority;
    this.#session = session;
    // Ahead of node:http2's own listeners, which would end the streams with the ambiguous code CANCEL.
    const lose = (cause?: Error): void => this.destroy(lostError("the worker's end of the socket is gone", cause));
    socket.prependOnceListener("error", lose);
    socket.prependOnceListener("end", lose);
    socket.prependOnceListener("close", () => lose());
    // Permanent: Node emits the reason of destroy() here too, and an error without a listener ends the process.
    session.on("error", lose);
    this.closed = new Promise((resolve) => socket.once("close", () => resolve()));
  }

  get lost(): boolean {
    return this.#reason !== undefined;
  }

  async request(
    method: string,
    path: string,
    headers: OutgoingHttpHeaders,
    options: Parameters<SessionManager["request"]>[3],
  ): Promise<ClientHttp2Stream> {
    if (this.#reason !== undefined) throw unsent(this.#reason);
    // After GOAWAY the session serves its open streams only.
    if (this.#session.closed) throw unsent(lostError("the worker is closing its connection"));
    headers[constants.HTTP2_HEADER_METHOD] = method;
    headers[constants.HTTP2_HEADER_PATH] = path;
    const stream = this.#session.request(headers, options);
    watchUnanswered(stream);
    return stream;
  }

  /** Part of connect-node's contract; used there to time pings, of which there are none. */
  notifyResponseByteRead(): void {
    return;
  }

  destroy(reason: ConnectError): void {
    if (this.#reason !== undefined) return;
    this.#reason = reason;
    // An error of its own for what is in flight: that may have begun, what comes later has not.
    this.#session.destroy(lostError(reason.rawMessage, reason), constants.NGHTTP2_CANCEL);
  }
}

/**
 * Fails a stream that the server resets with NO_ERROR before it answers: it closes without an error, and connect-node waits for ever
 * (https://github.com/connectrpc/connect-es/issues/1678). And knows one that was refused before anything was done with it; those that a GOAWAY
 * leaves out are among them.
 */
function watchUnanswered(stream: ClientHttp2Stream): void {
  let answered = false;
  stream.once("response", () => {
    answered = true;
  });
  stream.once("error", (error) => {
    if (!answered && stream.rstCode === constants.NGHTTP2_REFUSED_STREAM) unbegun.add(error);
  });
  stream.once("close", () => {
    if (!answered && stream.rstCode === constants.NGHTTP2_NO_ERROR) {
      stream.emit("error", lostError("the worker closed the call without an answer"));
    }
  });
}

function unsent(error: ConnectError): ConnectError {
  unbegun.add(error);
  return error;
}

function lostError(message: string, cause?: Error): ConnectError {
  return new ConnectError(message, Code.Unavailable, undefined, undefined, cause);
}

function describe(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** For a socket whose errors reach the caller by once() or by the session. */
function ignore(): void {
  return;
}
