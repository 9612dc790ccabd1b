/** The pages that look at a system of this process. One that is slow is told less, and makes nobody wait. */

import type { ServerResponse } from "node:http";
import type { WatchMessage } from "../inspect/watch.ts";
import { messagesEvent, type ViewerPage, ViewerPages } from "./pages.ts";

/** How far a page has been told. */
interface Spectator {
  readonly page: ViewerPage;
  /** While it is being told how all are: what has happened meanwhile. */
  late: WatchMessage[] | undefined;
  /** Something was not told: it is told anew how all are when it has caught up. */
  behind: boolean;
}

/** Everybody who looks. */
export class Audience {
  /** Told how many there are, whenever that changes. */
  onSize: (size: number) => void = () => undefined;
  readonly #pages = new ViewerPages();
  readonly #spectators = new Map<ViewerPage, Spectator>();
  #opening: () => Iterable<readonly WatchMessage[]> = () => [];

  /** @param opening what somebody who comes is told first, in parts: each in a turn of its own, so that the first is there at once */
  showFrom(opening: () => Iterable<readonly WatchMessage[]>): void {
    this.#opening = opening;
  }

  /** Welcomes a page. */
  join(response: ServerResponse): void {
    const page = this.#pages.admit(response, (size) => this.onSize(size));
    if (page === undefined) return;
    const spectator: Spectator = { page, late: undefined, behind: false };
    this.#spectators.set(page, spectator);
    page.onClose(() => this.#spectators.delete(page));
    this.#open(spectator);
  }

  /** Tells everybody. Never throws. */
  tell(messages: readonly WatchMessage[]): void {
    if (this.#spectators.size === 0) return;
    const event = messagesEvent(messages);
    for (const spectator of this.#spectators.values()) {
      if (spectator.late !== undefined) spectator.late.push(...messages);
      else if (spectator.page.slow) spectator.behind = true;
      else if (spectator.behind) this.#open(spectator);
      else spectator.page.write(event);
    }
  }

  /** Ends every connection, after what has been told. */
  async close(): Promise<void> {
    await this.#pages.close();
  }

  #open(spectator: Spectator): void {
    const { page } = spectator;
    spectator.behind = false;
    spectator.late = [];
    page.opening();
    const parts = this.#opening()[Symbol.iterator]();
    const step = () => {
      if (page.gone) return;
      const { value: messages, done } = parts.next();
      if (done === true) {
        page.tell(spectator.late ?? []);
        page.opened();
        spectator.late = undefined;
        return;
      }
      // What was told until now is in this part or in those that follow, but for changes of the tree and of runs, which are in the first.
      spectator.late = spectator.late?.filter(({ type }) => ofFirstPart.has(type));
      page.tell(messages);
      setImmediate(step);
    };
    step();
  }
}

const ofFirstPart: ReadonlySet<WatchMessage["type"]> = new Set(["nodes", "health", "recordings", "runs"]);
