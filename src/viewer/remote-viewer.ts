/** The viewer of a system in another process: each page asks it, through this one, what has happened. */

import { randomUUID } from "node:crypto";
import type { ServerResponse } from "node:http";
import type { Look } from "../inspect/watch.ts";
import type { AgentAction } from "./agent-control.ts";
import { createHandlers, type Spectators } from "./handlers.ts";
import { loadPage } from "./page-files.ts";
import { type ViewerPage, ViewerPages } from "./pages.ts";
import { checkViewerOptions, serveViewer, type Viewer, type ViewerOptions } from "./viewer.ts";

/** A system in another process. */
export interface RemoteSystem {
  /** What has happened since this viewer has asked before; rejects when the system does not answer. */
  look(viewer: string): Promise<Look>;
  /** Does something to an agent; rejects with what the system says against it. */
  act(agentId: string, action: AgentAction): Promise<unknown>;
}

/** How often a page is told what has happened, in milliseconds. */
const everyMs = 200;
/** How long a button waits for what the system says against it, in milliseconds: most of what it does takes longer. */
const saidMs = 1_000;

/** Somebody who looks: by the name that the system knows it by. */
interface Looker {
  readonly name: string;
  /** What it was told and has not shown yet. */
  readonly first?: Look;
}

/**
 * Starts a viewer of a system in another process.
 * @returns rejects with CallerError "invalid_argument", as `look` does, and as Node does when it cannot listen
 */
export async function startRemoteViewer(
  system: RemoteSystem,
  options: Omit<ViewerOptions, "sanitise"> = {},
): Promise<Viewer> {
  checkViewerOptions(options);
  const page = loadPage();
  const name = randomUUID();
  const pages = new RemotePages(system, { name, first: await system.look(name) });
  const control = (agentId: string, action: AgentAction) => soon(system.act(agentId, action));
  return serveViewer(options, createHandlers({ page, audience: pages, control, live: true }), () => pages.close());
}

/** The pages that look. */
class RemotePages implements Spectators {
  readonly #system: RemoteSystem;
  readonly #pages = new ViewerPages();
  /** Whom the system was asked for when the viewer started: the first page is shown what was answered. */
  #first: Looker | undefined;

  constructor(system: RemoteSystem, first: Looker) {
    this.#system = system;
    this.#first = first;
  }

  join(response: ServerResponse): void {
    const page = this.#pages.admit(response);
    if (page === undefined) return;
    const looker = this.#first ?? { name: randomUUID() };
    this.#first = undefined;
    void this.#tell(page, looker);
  }

  async close(): Promise<void> {
    await this.#pages.close();
  }

  /** Ends with the page, or with the system. Never rejects. */
  async #tell(page: ViewerPage, { name, first }: Looker): Promise<void> {
    try {
      if (first !== undefined) tell(page, first);
      while (!page.gone) {
        // One that is slow is asked for less often.
        if (!page.slow) tell(page, await this.#system.look(name));
        await new Promise((resolve) => setTimeout(resolve, everyMs).unref());
      }
    } catch {
      // It has ended, or too many look at it. The page says that its line is lost, and tries again.
      page.end();
    }
  }
}

function tell(page: ViewerPage, { opening, messages }: Look): void {
  if (opening) page.opening();
  page.tell(messages);
  if (opening) page.opened();
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
