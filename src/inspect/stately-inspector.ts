/** Streams a system to the Stately inspector: a WebSocket server on loopback that speaks the protocol of `@statelyai/inspect`, and a page that frames the inspector. */

import type { IncomingMessage } from "node:http";
import type { Duplex } from "node:stream";
import { type WebSocket, WebSocketServer } from "ws";
import { checkKnownFields, invalidArgument } from "../errors.ts";
import { bridgePage } from "./bridge-page.ts";
import { type FeedBatch, InspectionFeed } from "./feed.ts";
import type { InspectedSystem, SystemInspector } from "./inspected-system.ts";
import { checkLoopbackOptions, type LoopbackOptions, LoopbackServer, tokenOf } from "./loopback-server.ts";
import { checkSanitise, type Sanitise } from "./sanitise.ts";
import type { WireEvent } from "./wire-event.ts";

/** Options of `statelyInspector`. */
export interface StatelyInspectorOptions extends LoopbackOptions {
  /** The inspector that the page frames; default "https://stately.ai/inspect". */
  readonly url?: string | undefined;
  /**
   * Asked for each definition, context and event before it is summarised; what it answers is told in its place. Default: nothing is changed. Texts that are
   * secrets by their name or look, and conversations, are never told.
   */
  readonly sanitise?: Sanitise | undefined;
}

/** An inspector for `startSystem({ inspect })`. It serves while a system runs; several systems may share it. */
export interface StatelyInspector extends SystemInspector {
  /** Settles with the address of the page, token included, when it listens; rejects when it cannot. */
  readonly address: Promise<string>;
  /** Settles with the address for `createWebSocketReceiver({ server })`, token included. */
  readonly socketAddress: Promise<string>;
}

const known = new Set(["port", "host", "token", "url", "sanitise"]);
const defaultUrl = "https://stately.ai/inspect";
/** What may wait for one viewer, in bytes; more is dropped, and it is told anew how all are when it has caught up. */
const maxWaitingBytes = 4 * 1024 * 1024;
/** How long a viewer that reads slowly may keep the end of a system, in milliseconds. */
const closingMs = 300;
/** Viewers at a time. */
const maxViewers = 16;

/**
 * Creates an inspector; it listens when the system starts.
 * @throws CallerError "invalid_argument"
 */
export function statelyInspector(options: StatelyInspectorOptions = {}): StatelyInspector {
  if (typeof options !== "object" || options === null) throw invalidArgument("options", options, "an object");
  checkKnownFields("options", options, known);
  checkLoopbackOptions(options);
  const { url = defaultUrl, sanitise } = options;
  if (typeof url !== "string" || !/^https?:\/\/\S+$/.test(url) || !URL.canParse(url)) {
    throw invalidArgument("options.url", url, "an http or https address");
  }
  checkSanitise(sanitise);
  return new Stately({ ...options, url });
}

class Stately implements StatelyInspector {
  readonly #options: StatelyInspectorOptions & { url: string };
  readonly #token: string;
  readonly #feeds = new Map<InspectedSystem, InspectionFeed>();
  readonly #viewers = new Set<Viewer>();
  readonly #address = Promise.withResolvers<string>();
  readonly #socketAddress = Promise.withResolvers<string>();
  #server: Promise<LoopbackServer> | undefined;

  constructor(options: StatelyInspectorOptions & { url: string }) {
    this.#options = options;
    this.#token = tokenOf(options);
    // Who does not ask for it is not to hear of it as an unhandled rejection: the start of the system rejects too.
    for (const { promise } of [this.#address, this.#socketAddress]) promise.catch(() => undefined);
  }

  get address(): Promise<string> {
    return this.#address.promise;
  }

  get socketAddress(): Promise<string> {
    return this.#socketAddress.promise;
  }

  async attach(system: InspectedSystem): Promise<void> {
    const feed = new InspectionFeed(system, (batch) => this.#tell(batch), {
      sanitise: this.#options.sanitise,
      paused: this.#viewers.size === 0,
    });
    this.#feeds.set(system, feed);
    this.#server ??= this.#listen();
    try {
      const { address } = await this.#server;
      this.#address.resolve(address);
      this.#socketAddress.resolve(address.replace("http:", "ws:"));
    } catch (error) {
      this.#feeds.delete(system);
      feed.close();
      this.#address.reject(error);
      this.#socketAddress.reject(error);
      throw error;
    }
  }

  async detach(system: InspectedSystem): Promise<void> {
    const feed = this.#feeds.get(system);
    if (feed === undefined) return;
    feed.close();
    this.#feeds.delete(system);
    if (this.#feeds.size > 0) return;
    await Promise.all([...this.#viewers].map((viewer) => viewer.close()));
    const server = this.#server;
    this.#server = undefined;
    await (await server)?.close();
  }

  #listen(): Promise<LoopbackServer> {
    const { html, contentSecurityPolicy } = bridgePage(this.#options.url);
    const sockets = new WebSocketServer({ noServer: true, maxPayload: 1_024 });
    return LoopbackServer.start(
      { ...this.#options, token: this.#token },
      {
        request(_request, response, url) {
          if (url.pathname !== "/") {
            response.writeHead(404).end();
            return;
          }
          response.writeHead(200, {
            "Content-Type": "text/html; charset=utf-8",
            "Content-Security-Policy": contentSecurityPolicy,
          });
          response.end(html);
        },
        upgrade: (request, socket, head) => this.#welcome(sockets, request, socket, head),
      },
    );
  }

  #welcome(sockets: WebSocketServer, request: IncomingMessage, socket: Duplex, head: Buffer): void {
    if (this.#viewers.size >= maxViewers) {
      socket.end("HTTP/1.1 503 Service Unavailable\r\nConnection: close\r\nContent-Length: 0\r\n\r\n");
      return;
    }
    sockets.handleUpgrade(request, socket, head, (webSocket) => {
      const viewer = new Viewer(webSocket, () => [...this.#feeds.values()].flatMap((feed) => feed.replay()));
      for (const feed of this.#feeds.values()) feed.resume();
      viewer.catchUp();
      this.#viewers.add(viewer);
      webSocket.on("close", () => {
        this.#viewers.delete(viewer);
        // While nobody looks nothing is looked at.
        if (this.#viewers.size === 0) for (const feed of this.#feeds.values()) feed.pause();
      });
    });
  }

  #tell({ events }: FeedBatch): void {
    if (this.#viewers.size === 0) return;
    const texts = events.map((event) => JSON.stringify(event));
    for (const viewer of this.#viewers) viewer.tell(texts);
  }
}

/** Somebody who looks. One who is slow is told less, and makes nobody wait. */
class Viewer {
  readonly #socket: WebSocket;
  readonly #replay: () => WireEvent[];
  #behind = false;

  constructor(socket: WebSocket, replay: () => WireEvent[]) {
    this.#socket = socket;
    this.#replay = replay;
    socket.on("error", () => socket.terminate());
  }

  /** Tells how all are now. */
  catchUp(): void {
    this.#behind = false;
    this.#send(this.#replay().map((event) => JSON.stringify(event)));
  }

  tell(texts: readonly string[]): void {
    if (this.#socket.bufferedAmount > maxWaitingBytes) this.#behind = true;
    else if (this.#behind) this.catchUp();
    else this.#send(texts);
  }

  /** Hands over what waits, for a moment at most. */
  async close(): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    const timer = setTimeout(() => this.#socket.terminate(), closingMs);
    this.#socket.on("close", () => resolve());
    this.#socket.close(1_001, "the system has ended");
    if (this.#socket.readyState === this.#socket.CLOSED) resolve();
    await promise;
    clearTimeout(timer);
  }

  #send(texts: readonly string[]): void {
    for (const text of texts) this.#socket.send(text);
  }
}
