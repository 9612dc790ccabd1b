/** Reads the stream of a viewer, as its page does. */

import type { WatchMessage } from "../../src/inspect/watch.ts";
import { World } from "../../src/viewer/page/world.ts";

/** What a page has been told. */
export interface Reading {
  readonly world: World;
  readonly messages: WatchMessage[];
  /** Settles when the stream has ended. */
  readonly ended: Promise<void>;
  leave(): void;
}

/** Asks for the page's stream and applies it to a world. */
export async function readViewer(address: string): Promise<Reading> {
  const { origin, search } = new URL(address);
  const leaving = new AbortController();
  const response = await fetch(`${origin}/messages${search}`, { signal: leaving.signal });
  if (response.status !== 200 || response.body === null) throw new Error(`the viewer answers ${response.status}`);
  const world = new World();
  const messages: WatchMessage[] = [];
  const { body } = response;
  const read = async () => {
    let text = "";
    const decoder = new TextDecoder();
    for await (const chunk of body) {
      text += decoder.decode(chunk, { stream: true });
      const events = text.split("\n\n");
      text = events.pop() ?? "";
      for (const event of events) {
        const data = /^data: (.*)$/m.exec(event)?.[1];
        if (data === undefined) continue;
        for (const message of JSON.parse(data) as WatchMessage[]) {
          messages.push(message);
          world.apply(message);
        }
      }
    }
  };
  const ended = read().catch(() => undefined);
  return { world, messages, ended, leave: () => leaving.abort() };
}
