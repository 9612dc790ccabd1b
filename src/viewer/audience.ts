/** The pages that look, each over server-sent events. One that is slow is told less, and makes nobody wait. */

import type { ServerResponse } from "node:http";
import type { WatchMessage } from "../inspect/watch.ts";

/** What may wait for one page, in bytes; more is dropped, and it is told anew how all are when it has caught up. */
const maxWaitingBytes = 4 * 1024 * 1024;
/** How long a page that reads slowly may keep the end of a system, in milliseconds. */
const closingMs = 300;
/** Pages at a time. */
const maxPages = 16;
/** Messages of one event. */
const chunk = 2_000;
/** How often a page hears that the connection lives, in milliseconds. */
const beatMs = 15_000;

interface Page {
  readonly response: ServerResponse;
  /** While it is being told how all are: what has happened meanwhile. */
  late: WatchMessage[] | undefined;
  behind: boolean;
}

/** Everybody who looks. */
export class Audience {
  /** Told how many there are, whenever that changes. */
  onSize: (size: number) => void = () => undefined;
  readonly #pages = new Set<Page>();
  #opening: () => Iterable<readonly WatchMessage[]> = () => [];
  #beat: NodeJS.Timeout | undefined;

  /** @param opening what somebody who comes is told first, in parts: each in a turn of its own, so that the first is there at once */
  showFrom(opening: () => Iterable<readonly WatchMessage[]>): void {
    this.#opening = opening;
  }

  /** Welcomes a page. */
  join(response: ServerResponse): void {
    if (this.#pages.size >= maxPages) {
      response.writeHead(503, { "Content-Type": "text/plain" }).end("too many look already\n");
      return;
    }
    response.writeHead(200, { "Content-Type": "text/event-stream", "X-Accel-Buffering": "no" });
    const page: Page = { response, late: undefined, behind: false };
    response.on("error", () => response.destroy());
    response.on("close", () => {
      this.#pages.delete(page);
      this.onSize(this.#pages.size);
      if (this.#pages.size > 0) return;
      clearInterval(this.#beat);
      this.#beat = undefined;
    });
    this.#beat ??= setInterval(() => this.#sendBeat(), beatMs).unref();
    this.#pages.add(page);
    this.onSize(this.#pages.size);
    this.#open(page);
  }

  /** Tells everybody. Never throws. */
  tell(messages: readonly WatchMessage[]): void {
    if (this.#pages.size === 0) return;
    const text = eventOf("messages", messages);
    for (const page of this.#pages) {
      if (page.late !== undefined) page.late.push(...messages);
      else if (page.response.writableLength > maxWaitingBytes) page.behind = true;
      else if (page.behind) this.#open(page);
      else page.response.write(text);
    }
  }

  /** Ends every connection, after what has been told. */
  async close(): Promise<void> {
    const ends = [...this.#pages].map(
      ({ response }) =>
        new Promise<void>((resolve) => {
          const timer = setTimeout(() => response.destroy(), closingMs);
          response.on("close", () => {
            clearTimeout(timer);
            resolve();
          });
          response.end();
        }),
    );
    await Promise.all(ends);
  }

  #open(page: Page): void {
    page.behind = false;
    page.late = [];
    const { response } = page;
    response.write(eventOf("opening", []));
    const parts = this.#opening()[Symbol.iterator]();
    const step = () => {
      if (response.destroyed || response.writableEnded) return;
      const { value: messages, done } = parts.next();
      if (done === true) {
        response.write(eventOf("messages", page.late ?? []));
        response.write(eventOf("opened", []));
        page.late = undefined;
        return;
      }
      // What was told until now is in this part or in those that follow, but for changes of the tree, which is in the first.
      page.late = page.late?.filter(({ type }) => type === "nodes" || type === "health" || type === "recordings");
      for (const event of messageEvents(messages)) response.write(event);
      setImmediate(step);
    };
    step();
  }

  #sendBeat(): void {
    for (const { response } of this.#pages) if (response.writableLength === 0) response.write(": beat\n\n");
  }
}

/** Messages as events, which are not too long each. */
export function* messageEvents(messages: readonly object[]): Generator<string> {
  for (let first = 0; first < messages.length; first += chunk) {
    yield eventOf("messages", messages.slice(first, first + chunk));
  }
}

/** One event of the page's stream. */
export function eventOf(name: string, messages: readonly object[]): string {
  return `event: ${name}\ndata: ${JSON.stringify(messages)}\n\n`;
}
