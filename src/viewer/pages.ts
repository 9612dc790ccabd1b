/** The browsers' pages that look, each over server-sent events: who they are, and what each can be told. */

import type { ServerResponse } from "node:http";

/** Pages at a time. */
const maxPages = 16;
/** What may wait for one page, in bytes: it is slow then. */
const maxWaitingBytes = 4 * 1024 * 1024;
/** Messages of one event. */
const chunk = 2_000;
/** How often a page hears that the connection lives, in milliseconds. */
const beatMs = 15_000;
/** How long a page that reads slowly may keep the end of a system, in milliseconds. */
const closingMs = 300;

/** One page. */
export class ViewerPage {
  readonly #response: ServerResponse;

  constructor(response: ServerResponse) {
    this.#response = response;
    response.writeHead(200, { "Content-Type": "text/event-stream", "X-Accel-Buffering": "no" });
    response.on("error", () => response.destroy());
  }

  /** Whether nobody is there any more. */
  get gone(): boolean {
    return this.#response.destroyed || this.#response.writableEnded;
  }

  /** Whether it reads more slowly than it is told. */
  get slow(): boolean {
    return this.#response.writableLength > maxWaitingBytes;
  }

  /** Tells it that all is told anew, until `opened`: what was told before counts no more. */
  opening(): void {
    this.write(eventOf("opening", []));
  }

  /** Tells it that all there was has been told. */
  opened(): void {
    this.write(eventOf("opened", []));
  }

  /** Tells it messages, in events that are not too long each. */
  tell(messages: readonly object[]): void {
    for (let first = 0; first < messages.length; first += chunk) {
      this.write(messagesEvent(messages.slice(first, first + chunk)));
    }
  }

  /** Writes an event as it is. */
  write(event: string): void {
    if (!this.gone) this.#response.write(event);
  }

  /** Lets it know that the line lives, where nothing else is on its way. */
  beat(): void {
    if (this.#response.writableLength === 0) this.write(": beat\n\n");
  }

  /** Ends the line after what has been told; the page says that it is lost, and tries again. */
  end(): void {
    this.#response.end();
  }

  /** Ends the line, and does not wait for long until all has been read. */
  close(): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(() => this.#response.destroy(), closingMs);
      this.onClose(() => {
        clearTimeout(timer);
        resolve();
      });
      this.end();
    });
  }

  /** Calls this when nobody is there any more. */
  onClose(listener: () => void): void {
    if (this.#response.closed) listener();
    else this.#response.on("close", listener);
  }
}

/** All of them. */
export class ViewerPages {
  readonly #pages = new Set<ViewerPage>();
  #beat: NodeJS.Timeout | undefined;

  /**
   * Lets a page in; undefined when there are as many as may be, which it is told.
   * @param onSize told how many there are, now and when this one leaves
   */
  admit(response: ServerResponse, onSize: (size: number) => void = () => undefined): ViewerPage | undefined {
    if (this.#pages.size >= maxPages) {
      response.writeHead(503, { "Content-Type": "text/plain" }).end("too many look already\n");
      return undefined;
    }
    const page = new ViewerPage(response);
    this.#pages.add(page);
    this.#beat ??= setInterval(() => this.#sendBeat(), beatMs).unref();
    page.onClose(() => {
      this.#pages.delete(page);
      if (this.#pages.size === 0) {
        clearInterval(this.#beat);
        this.#beat = undefined;
      }
      onSize(this.#pages.size);
    });
    onSize(this.#pages.size);
    return page;
  }

  /** Ends every line, after what has been told. */
  async close(): Promise<void> {
    await Promise.all([...this.#pages].map((page) => page.close()));
  }

  #sendBeat(): void {
    for (const page of this.#pages) page.beat();
  }
}

/** Messages as one event. */
export function messagesEvent(messages: readonly object[]): string {
  return eventOf("messages", messages);
}

function eventOf(name: string, messages: readonly object[]): string {
  return `event: ${name}\ndata: ${JSON.stringify(messages)}\n\n`;
}
