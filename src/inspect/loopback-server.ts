/**
 * A web server that only this machine's user can use: it listens on a loopback address, wants a token, and answers no page but its own, whatever name that
 * page has made this machine's address answer to (DNS rebinding).
 */

import { randomBytes, timingSafeEqual } from "node:crypto";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo, Socket } from "node:net";
import type { Duplex } from "node:stream";
import { invalidArgument } from "../errors.ts";

/** Where a server listens, and what it wants to be told. */
export interface LoopbackOptions {
  /** Default 0: any port that is free. */
  readonly port?: number | undefined;
  /** "127.0.0.1" (default), "::1" or "localhost". */
  readonly host?: string | undefined;
  /** What whoever asks has to know: 16 characters at least. Default: random. */
  readonly token?: string | undefined;
}

/** Answers requests that may be answered. */
export interface LoopbackHandlers {
  /** A request with the token. `url` is without it. */
  request(request: IncomingMessage, response: ServerResponse, url: URL): void;
  /** A WebSocket with the token. Absent: there is none. */
  upgrade?(request: IncomingMessage, socket: Duplex, head: Buffer): void;
}

const hosts = ["127.0.0.1", "::1", "localhost"];
const cookieName = "synapse-token";

/** @throws CallerError "invalid_argument" */
export function checkLoopbackOptions({ port, host, token }: LoopbackOptions): void {
  if (port !== undefined && !(Number.isInteger(port) && port >= 0 && port <= 65_535)) {
    throw invalidArgument("options.port", port, "an integer from 0 to 65,535");
  }
  if (host !== undefined && !hosts.includes(host)) {
    throw invalidArgument("options.host", host, 'a loopback address: "127.0.0.1", "::1" or "localhost"');
  }
  if (token !== undefined && !(typeof token === "string" && /^[A-Za-z0-9_-]{16,200}$/.test(token))) {
    throw invalidArgument("options.token", "(hidden)", "16 to 200 letters, digits, - or _");
  }
}

/** The token that is given, or a random one. */
export function tokenOf({ token }: LoopbackOptions): string {
  return token ?? randomBytes(24).toString("base64url");
}

/** A server that listens. */
export class LoopbackServer {
  readonly #server: Server;
  readonly #token: string;
  readonly #sockets = new Set<Socket>();

  private constructor(server: Server, token: string) {
    this.#server = server;
    this.#token = token;
    server.on("connection", (socket) => {
      this.#sockets.add(socket);
      socket.on("close", () => this.#sockets.delete(socket));
    });
  }

  /** Rejects when it cannot listen. */
  static async start(
    options: LoopbackOptions & { token: string },
    handlers: LoopbackHandlers,
  ): Promise<LoopbackServer> {
    const server = createServer({ requestTimeout: 30_000 });
    const started = new LoopbackServer(server, options.token);
    server.on("request", (request, response) => started.#answer(request, response, handlers));
    server.on("upgrade", (request, socket, head) => started.#upgrade(request, socket, head, handlers));
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    server.once("error", reject);
    server.listen({ port: options.port ?? 0, host: options.host ?? hosts[0], exclusive: true }, resolve);
    await promise;
    server.off("error", reject);
    // A server that looks on keeps no program from ending.
    server.unref();
    return started;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  /** "127.0.0.1:4711", as it stands in an address. */
  get authority(): string {
    const { address, port } = this.#server.address() as AddressInfo;
    return address.includes(":") ? `[${address}]:${port}` : `${address}:${port}`;
  }

  /** What a browser is given: with the token. */
  get address(): string {
    return `http://${this.authority}/?token=${this.#token}`;
  }

  /** Ends every connection. Idempotent; does not reject. */
  async close(): Promise<void> {
    if (!this.#server.listening) return;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#server.close(() => resolve());
    for (const socket of this.#sockets) socket.destroy();
    await promise;
  }

  #answer(request: IncomingMessage, response: ServerResponse, handlers: LoopbackHandlers): void {
    response.setHeader("X-Content-Type-Options", "nosniff");
    response.setHeader("Referrer-Policy", "no-referrer");
    response.setHeader("Cache-Control", "no-store");
    const url = urlOf(request);
    const refusal = url === undefined ? "not found" : this.#refusal(request, url);
    if (url === undefined || refusal !== undefined) {
      response
        .writeHead(url === undefined ? 404 : 403, { "Content-Type": "text/plain; charset=utf-8" })
        .end(`${refusal}\n`);
      return;
    }
    // So that the token need not stay in the address bar.
    if (url.searchParams.has("token")) {
      const cookie = `${cookieName}-${this.port}=${this.#token}; Path=/; HttpOnly; SameSite=Strict`;
      response.setHeader("Set-Cookie", cookie);
      url.searchParams.delete("token");
    }
    try {
      handlers.request(request, response, url);
    } catch {
      // An error here is nobody's but the asker's: it must not reach the host.
      response.writeHead(500, { "Content-Type": "text/plain; charset=utf-8" }).end("that went wrong\n");
    }
  }

  #upgrade(request: IncomingMessage, socket: Duplex, head: Buffer, { upgrade }: LoopbackHandlers): void {
    socket.on("error", () => socket.destroy());
    const url = urlOf(request);
    if (upgrade === undefined || url === undefined || this.#refusal(request, url) !== undefined) {
      socket.end("HTTP/1.1 403 Forbidden\r\nConnection: close\r\nContent-Length: 0\r\n\r\n");
      return;
    }
    upgrade(request, socket, head);
  }

  /** Why a request is not answered; undefined when it is. */
  #refusal(request: IncomingMessage, url: URL): string | undefined {
    const { host, origin } = request.headers;
    if (host === undefined || !this.#isOwn(`http://${host}`)) return "this server answers to its own address only";
    if (origin !== undefined && !this.#isOwn(origin)) return "other pages have no business here";
    const from = request.headers["sec-fetch-site"] ?? "none";
    if (from !== "none" && from !== "same-origin") {
      const isVisit = request.headers["sec-fetch-mode"] === "navigate" && request.method === "GET";
      if (!isVisit) return "other pages have no business here";
    }
    const given = url.searchParams.get("token") ?? this.#cookie(request) ?? "";
    if (!equal(given, this.#token)) return "the address lacks its token: open the one that the program has printed";
    return undefined;
  }

  #isOwn(address: string): boolean {
    try {
      const { hostname, port, protocol } = new URL(address);
      return (
        protocol === "http:" && Number(port || 80) === this.port && hosts.includes(hostname.replace(/^\[|\]$/g, ""))
      );
    } catch {
      return false; // "null", or what is no address.
    }
  }

  #cookie(request: IncomingMessage): string | undefined {
    const name = `${cookieName}-${this.port}=`;
    const cookies = (request.headers.cookie ?? "").split("; ");
    return cookies.find((cookie) => cookie.startsWith(name))?.slice(name.length);
  }
}

function urlOf(request: IncomingMessage): URL | undefined {
  const path = request.url ?? "";
  if (!path.startsWith("/") || path.startsWith("//")) return undefined;
  try {
    return new URL(path, "http://loopback");
  } catch {
    return undefined; // A path that is none.
  }
}

/** Compares in constant time. */
function equal(given: string, wanted: string): boolean {
  const [one, other] = [Buffer.from(given), Buffer.from(wanted)];
  return one.length === other.length && timingSafeEqual(one, other);
}
