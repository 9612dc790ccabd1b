/** A handler of requests in the web's own words, for servers that have Node's: node:http, Express, Fastify's raw request and reply. */

import type { IncomingMessage, ServerResponse } from "node:http";
import { invalidArgument } from "../errors.ts";
import { writeToStderr } from "../stderr.ts";

/** Answers a request in the web's own words. */
export type FetchHandler = (request: Request) => Response | Promise<Response>;

/** A request as node:http gives it. A framework that has read the body already leaves it in `body`. */
export interface NodeRequest extends IncomingMessage {
  readonly body?: unknown;
  /** Express: the whole path, where `url` is what is left of it below a router. */
  readonly originalUrl?: string;
}

/**
 * A handler for node:http of one that answers a `Request` with a `Response`, such as an agent. The request's signal is aborted when the client leaves; a body is
 * written as fast as the client reads it.
 * @returns a function that settles when the answer is written, or its client has left, and never rejects: an error of the handler goes to `next`, where that is given
 * (Express), else it is answered with 500 and told on stderr
 * @throws CallerError "invalid_argument"
 */
export function toNodeHandler(
  handler: FetchHandler | { readonly fetch: FetchHandler },
): (req: NodeRequest, res: ServerResponse, next?: (error: unknown) => void) => Promise<void> {
  if (typeof handler !== "function" && typeof handler?.fetch !== "function") {
    throw invalidArgument("handler", handler, "a function (request) => response, or what has one as fetch");
  }
  const answer: FetchHandler = typeof handler === "function" ? handler : (request) => handler.fetch(request);
  return async (req, res, next) => {
    const left = new AbortController();
    const leave = (): void => left.abort(new DOMException("the client has left", "AbortError"));
    res.once("close", leave);
    try {
      const request = toRequest(req, left.signal);
      if (request === undefined) refuse(res);
      else await write(await answer(request), res);
    } catch (error) {
      if (next !== undefined && !res.headersSent) next(error);
      else fail(res, error);
    } finally {
      res.off("close", leave);
      // What nobody has read of a body stands before the next request of the same connection.
      if (!req.readableEnded) req.resume();
    }
  };
}

/** Undefined: it is none that the web knows, such as a TRACE. */
function toRequest(req: NodeRequest, signal: AbortSignal): Request | undefined {
  const headers = new Headers();
  for (const [name, values] of Object.entries(req.headersDistinct)) {
    // ":method" and its like of HTTP/2 are no headers.
    if (!name.startsWith(":")) for (const value of values ?? []) headers.append(name, value);
  }
  const { method = "GET", originalUrl, url } = req;
  const secure = "encrypted" in req.socket && req.socket.encrypted === true;
  const target = originalUrl ?? url ?? "/";
  // "//elsewhere/" is a path here, no address.
  const origin = `${secure ? "https" : "http"}://${hostOf(req)}`;
  const address = URL.parse(target.startsWith("/") ? `${origin}${target}` : target, origin);
  if (address === null || unknownMethods.has(method.toUpperCase())) return undefined;
  if (method === "GET" || method === "HEAD") return new Request(address, { method, headers, signal });
  return new Request(address, { method, headers, signal, body: bodyOf(req), duplex: "half" });
}

/** Those that a Request refuses to have. */
const unknownMethods: ReadonlySet<string> = new Set(["CONNECT", "TRACE", "TRACK"]);

function hostOf({ headers }: NodeRequest): string {
  const host = headers.host ?? headers[":authority"];
  return typeof host === "string" && URL.canParse(`http://${host}`) ? host : "localhost";
}

function bodyOf(req: NodeRequest): ReadableStream<Uint8Array> | string | Uint8Array<ArrayBuffer> {
  const { body } = req;
  if (body === undefined || (!req.readableEnded && !req.readableDidRead)) return streamOf(req);
  if (typeof body === "string") return body;
  return body instanceof Uint8Array ? new Uint8Array(body) : JSON.stringify(body);
}

/** The body as it comes. Leaving it in the middle leaves the connection alone: the answer that says why has to go there. */
function streamOf(req: NodeRequest): ReadableStream<Uint8Array> {
  const pieces = req.iterator({ destroyOnReturn: false }) as AsyncGenerator<Uint8Array, void, undefined>;
  return new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        const piece = await pieces.next();
        if (piece.done === true) controller.close();
        else controller.enqueue(piece.value);
      },
      cancel() {
        // It settles when the next piece has come, for which nobody waits.
        pieces.return().catch(() => undefined);
      },
    },
    { highWaterMark: 0 },
  );
}

async function write(response: Response, res: ServerResponse): Promise<void> {
  if (res.destroyed) {
    await response.body?.cancel();
    return;
  }
  res.writeHead(response.status, [...response.headers].flat());
  if (response.body === null) {
    res.end();
    return;
  }
  // The client is told that there is an answer before there is anything of it.
  res.flushHeaders();
  const reader = response.body.getReader();
  const leave = (): void => void reader.cancel().catch(() => undefined);
  res.once("close", leave);
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done || res.destroyed) break;
      if (!res.write(value)) await room(res);
    }
    res.end();
  } finally {
    res.off("close", leave);
  }
}

/** Settles when the client has read some of what is waiting, or has left. */
function room(res: ServerResponse): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      res.off("drain", done);
      res.off("close", done);
      resolve();
    };
    res.on("drain", done);
    res.on("close", done);
    if (res.destroyed) done();
  });
}

function refuse(res: ServerResponse): void {
  const body = {
    error: { code: "bad_request", message: "The request has a method or an address that cannot be answered." },
  };
  res.writeHead(400, { "content-type": "application/json" }).end(JSON.stringify(body));
}

function fail(res: ServerResponse, error: unknown): void {
  // A client that has left is no failure of the handler.
  if (res.destroyed) return;
  writeToStderr(`the handler of a request has failed: ${error instanceof Error ? error.stack : String(error)}\n`);
  if (res.headersSent) {
    res.destroy();
    return;
  }
  const body = { error: { code: "internal", message: "The request could not be answered." } };
  res.writeHead(500, { "content-type": "application/json" }).end(JSON.stringify(body));
}
