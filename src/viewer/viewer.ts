/** The local viewer: a page on loopback that shows a system while it runs, or a recording of one. */

import { CallerError, checkKnownFields, invalidArgument } from "../errors.ts";
import { checkSanitise, type Sanitise } from "../inspect/definition-text.ts";
import type { InspectedSystem, SystemInspector } from "../inspect/inspected-system.ts";
import {
  checkLoopbackOptions,
  type LoopbackHandlers,
  type LoopbackOptions,
  LoopbackServer,
  tokenOf,
} from "../inspect/loopback-server.ts";
import { readRecording } from "../inspect/record.ts";
import { SystemWatch, type WatchMessage } from "../inspect/watch.ts";
import { System } from "../system.ts";
import { createAgentControl } from "./agent-control.ts";
import { Audience } from "./audience.ts";
import { createHandlers } from "./handlers.ts";
import { loadPage } from "./page-files.ts";

/** Options of a viewer. */
export interface ViewerOptions extends LoopbackOptions {
  /** As of `statelyInspector`. */
  readonly sanitise?: Sanitise | undefined;
}

/** A viewer that serves its page. */
export interface Viewer extends AsyncDisposable {
  /** Of the page, token included: for a browser on this machine. */
  readonly address: string;
  /** Ends it; the system goes on. Idempotent. A viewer ends with its system by itself. */
  stop(): Promise<void>;
}

const known = new Set(["port", "host", "token", "sanitise"]);

/**
 * Starts a viewer of a running system.
 * @returns rejects with CallerError "invalid_argument" or "stopped", and as Node does when it cannot listen
 */
export async function startViewer(system: System, options: ViewerOptions = {}): Promise<Viewer> {
  if (!(system instanceof System)) throw invalidArgument("system", system, "what startSystem answers");
  checkViewerOptions(options);
  const token = tokenOf(options);
  const audience = new Audience();
  const control = createAgentControl(system);
  const handlers = createHandlers({ page: loadPage(), audience, control, live: true });
  const server = await LoopbackServer.start({ ...options, token }, handlers);
  const inspector = showing(audience, server, options.sanitise);
  let detach: () => Promise<void>;
  try {
    detach = await system.inspect(inspector);
  } catch (error) {
    await server.close();
    throw error;
  }
  return viewerOf(server, detach);
}

/**
 * Starts a viewer of a recording: nothing runs, and there is nothing to press.
 * @returns rejects with CallerError as `readRecording` does, and as Node does when it cannot listen
 */
export async function viewRecording(file: string, options: Omit<ViewerOptions, "sanitise"> = {}): Promise<Viewer> {
  checkViewerOptions(options);
  const messages: WatchMessage[] = [];
  for await (const message of readRecording(file)) {
    if (messages.length >= maxMessages) messages.splice(1, messages.length - maxMessages + 1_000);
    messages.push(message);
  }
  if (messages.length === 0)
    throw new CallerError("invalid_argument", `"${file}" is empty`, { field: "file", value: file });
  const audience = new Audience();
  audience.showFrom(() => [messages]);
  return serveViewer(options, createHandlers({ page: loadPage(), audience, live: false }), () => audience.close());
}

/**
 * Serves a page with these handlers.
 * @param options that have been checked
 * @param end ends what the page is told from
 * @returns rejects as Node does when it cannot listen
 */
export async function serveViewer(
  options: ViewerOptions,
  handlers: LoopbackHandlers,
  end: () => void | Promise<void>,
): Promise<Viewer> {
  const server = await LoopbackServer.start({ ...options, token: tokenOf(options) }, handlers);
  return viewerOf(server, async () => {
    await end();
    await server.close();
  });
}

/** More than that no page is handed. */
const maxMessages = 300_000;

/** @throws CallerError "invalid_argument" */
export function checkViewerOptions(options: ViewerOptions): void {
  if (typeof options !== "object" || options === null) throw invalidArgument("options", options, "an object");
  checkKnownFields("options", options, known);
  checkLoopbackOptions(options);
  checkSanitise(options.sanitise);
}

/** Shows a system to an audience. While nobody is there, actors and tree are left alone. */
function showing(audience: Audience, server: LoopbackServer, sanitise: Sanitise | undefined): SystemInspector {
  let watch: SystemWatch | undefined;
  return {
    attach(system: InspectedSystem) {
      const opened = new SystemWatch(system, (messages) => audience.tell(messages), { sanitise, paused: true });
      watch = opened;
      audience.onSize = (size) => {
        if (size > 0) opened.resume();
        else opened.pause();
      };
      audience.showFrom(() => opened.opening());
    },
    async detach() {
      watch?.close();
      await audience.close();
      await server.close();
    },
  };
}

function viewerOf({ address }: LoopbackServer, end: () => Promise<void>): Viewer {
  let ended: Promise<void> | undefined;
  const stop = (): Promise<void> => {
    ended ??= end();
    return ended;
  };
  return { address, stop, [Symbol.asyncDispose]: stop };
}
