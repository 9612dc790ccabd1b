/** Viewers in other processes: each asks again and again what has happened, and one that does not ask any more is forgotten. */

import { CallerError } from "../errors.ts";
import type { InspectedSystem } from "./inspected-system.ts";
import { type Look, SystemWatch, type WatchMessage } from "./watch.ts";

/** Viewers at a time. */
const maxViewers = 4;
/** Messages that are kept for one until it asks; when there are more, all is told anew. */
const maxWaiting = 20_000;
/** A viewer that has not asked for so long is gone, in milliseconds. */
const goneAfterMs = 5_000;

interface RemoteViewer {
  readonly watch: SystemWatch;
  waiting: WatchMessage[];
  /** Whether more has happened than is kept. */
  behind: boolean;
  timer: NodeJS.Timeout;
}

/** Those of one system. While there are none, its actors and tree are left alone. */
export class RemoteViewers {
  readonly #system: InspectedSystem;
  readonly #viewers = new Map<string, RemoteViewer>();

  constructor(system: InspectedSystem) {
    this.#system = system;
  }

  /**
   * What has happened since this one has asked before; at first how all is.
   * @throws CallerError "queue_full" when as many look as may
   */
  look(name: string): Look {
    const known = this.#viewers.get(name);
    known?.timer.refresh();
    const viewer = known ?? this.#welcome(name);
    const opening = known === undefined || viewer.behind;
    if (!opening) return { opening, messages: viewer.waiting.splice(0) };
    const messages = [...viewer.watch.opening()].flat();
    // What was told until now is in it.
    viewer.waiting = [];
    viewer.behind = false;
    return { opening, messages };
  }

  /** The system ends. */
  close(): void {
    for (const name of this.#viewers.keys()) this.#forget(name);
  }

  #welcome(name: string): RemoteViewer {
    if (this.#viewers.size >= maxViewers) {
      throw new CallerError("queue_full", `${maxViewers} viewers look at system "${this.#system.name}" already`);
    }
    const viewer: RemoteViewer = {
      watch: new SystemWatch(this.#system, (messages) => keep(viewer, messages)),
      waiting: [],
      behind: false,
      timer: setTimeout(() => this.#forget(name), goneAfterMs).unref(),
    };
    this.#viewers.set(name, viewer);
    return viewer;
  }

  #forget(name: string): void {
    const viewer = this.#viewers.get(name);
    this.#viewers.delete(name);
    clearTimeout(viewer?.timer);
    viewer?.watch.close();
  }
}

function keep(viewer: RemoteViewer, messages: readonly WatchMessage[]): void {
  if (viewer.waiting.length + messages.length > maxWaiting) viewer.behind = true;
  if (viewer.behind) viewer.waiting = [];
  else viewer.waiting.push(...messages);
}
