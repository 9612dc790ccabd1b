/** Connect's gRPC transport over our own session: no compression, one size limit for both directions, the incarnation's token. */

import type { Interceptor, Transport } from "@connectrpc/connect";
import { createGrpcTransport } from "@connectrpc/connect-node";
import { invalidArgument } from "../errors.ts";
import type { Session } from "./session.ts";

/** Limit of one message in bytes when none is given: 64 MiB. gRPC's own 4 MiB breaks histories with images. */
export const DEFAULT_MAX_MESSAGE_BYTES = 64 * 1024 * 1024;

/** How a session is spoken to. */
export interface TransportOptions {
  session: Session;
  /** The incarnation's secret: visible ASCII. Sent as "authorization: Bearer <token>" with every call. */
  token: string;
  /** Largest message in either direction. Bytes, 1 to 4,294,967,295. */
  maxMessageBytes: number;
}

/** Makes the transport. Throws CallerError "invalid_argument" for a token or a limit that breaks its rule. */
export function createTransport(options: TransportOptions): Transport {
  const { session, token, maxMessageBytes } = options;
  if (!/^[\x21-\x7e]+$/.test(token)) throw invalidArgument("token", "(hidden)", "visible ASCII characters");
  if (!Number.isInteger(maxMessageBytes) || maxMessageBytes < 1 || maxMessageBytes > 0xffffffff) {
    throw invalidArgument("maxMessageBytes", maxMessageBytes, "an integer from 1 to 4294967295");
  }
  return createGrpcTransport({
    baseUrl: session.authority,
    sessionManager: session,
    interceptors: [prepareHeaders(`Bearer ${token}`)],
    acceptCompression: [],
    readMaxBytes: maxMessageBytes,
    writeMaxBytes: maxMessageBytes,
  });
}

/**
 * The origin by which requests name the agent; it shows in the worker's access logs. Ids may hold any text, hosts may not:
 * other characters become "-", and a host that URL parsers would take for a number or for punycode gets a prefix.
 */
export function authorityOf(agentId: string): string {
  const host = agentId
    .toLowerCase()
    .replace(/[^a-z0-9_-]+/g, "-")
    .slice(0, 63);
  return `http://${/^(?!xn--)[a-z]/.test(host) ? host : `agent-${host}`}`;
}

/** gRPC allows eight digits in a timeout; above 99,999,999 ms (27 hours) it has to be told in seconds. */
function prepareHeaders(authorization: string): Interceptor {
  return (next) => (request) => {
    request.header.set("authorization", authorization);
    const timeout = request.header.get("grpc-timeout");
    if (timeout !== null && timeout.length > 9) {
      request.header.set("grpc-timeout", `${Math.ceil(Number.parseInt(timeout, 10) / 1000)}S`);
    }
    return next(request);
  };
}
