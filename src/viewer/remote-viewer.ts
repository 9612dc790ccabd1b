/** The viewer of a system in another process: each page asks it, through this one, what has happened. */

import { randomUUID } from "node:crypto";
import type { ServerResponse } from "node:http";
import type { AgentAction } from "./agent-control.ts";
import { eventOf, messageEvents } from "./audience.ts";
import { createHandlers, type Spectators } from "./handlers.ts";
import { loadPage } from "./page-files.ts";
import { serveViewer, type Viewer, type ViewerOptions } from "./viewer.ts";

/** What a page is told. */
export interface RemoteLook {
  /** All is told anew: what was told before counts no more. */
  readonly opening: boolean;
  /** The messages of a recording, in their order. */
  readonly messages: readonly object[];
}

/** A system in another process. */
export interface RemoteSystem {
  /** What has happened since this viewer has asked before; rejects when the system does not answer. */
  look(viewer: string): Promise<RemoteLook>;
  /** Does something to an agent; rejects with what the system says against it. */
  act(agentId: string, action: AgentAction): Promise<unknown>;
}

/** How often a page is told what has happened, in milliseconds. */
const everyMs = 200;
/** What may wait for one page, in bytes: one that is slow is asked for less often. */
const maxWaitingBytes = 4 * 1024 * 1024;
/** How long a button waits for what the system says against it, in milliseconds: most of what it does takes longer. */
const saidMs = 1_000;

/**
 * Starts a viewer of a system in another process.
 * @returns rejects as `look` does, and as Node does when it cannot listen
 */
export async function startRemoteViewer(
  system: RemoteSystem,
  options: Omit<ViewerOptions, "sanitise"> = {},
): Promise<Viewer> {
  await system.look(randomUUID());
  const pages = new RemotePages(system);
  const control = (agentId: string, action: AgentAction) => soon(system.act(agentId, action));
  const handlers = createHandlers({ page: loadPage(), audience: pages, control, live: true });
  return serveViewer(options, handlers, () => pages.close());
}

/** The pages that look. */
class RemotePages implements Spectators {
  readonly #system: RemoteSystem;
  readonly #open = new Set<ServerResponse>();

  constructor(system: RemoteSystem) {
    this.#system = system;
  }

  join(response: ServerResponse): void {
    response.writeHead(200, { "Content-Type": "text/event-stream", "X-Accel-Buffering": "no" });
    response.on("error", () => response.destroy());
    response.on("close", () => this.#open.delete(response));
    this.#open.add(response);
    void this.#tell(response);
  }

  close(): void {
    for (const response of this.#open) response.destroy();
  }

  /** Ends with the page, or with the system. Never rejects. */
  async #tell(response: ServerResponse): Promise<void> {
    const viewer = randomUUID();
    try {
      while (this.#open.has(response)) {
        if (response.writableLength < maxWaitingBytes) tell(response, await this.#system.look(viewer));
        await new Promise((resolve) => setTimeout(resolve, everyMs).unref());
      }
    } catch {
      // It has ended, or too many look at it. The page says that its line is lost, and tries again.
      response.end();
    }
  }
}

function tell(response: ServerResponse, { opening, messages }: RemoteLook): void {
  if (response.writableEnded || (!opening && messages.length === 0)) return;
  if (opening) response.write(eventOf("opening", []));
  for (const event of messageEvents(messages)) response.write(event);
  if (opening) response.write(eventOf("opened", []));
}

/** What takes longer has begun, and how it ends is seen. */
async function soon(work: Promise<unknown>): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  const timer = setTimeout(resolve, saidMs);
  try {
    await Promise.race([work, promise]);
  } finally {
    clearTimeout(timer);
    work.catch(() => undefined);
  }
}
