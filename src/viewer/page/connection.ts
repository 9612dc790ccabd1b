/** The page's line to its server. */

import type { WatchMessage } from "../../inspect/watch.ts";

/** What the server said of itself. */
export interface About {
  readonly live: boolean;
  readonly actions: readonly string[];
}

/** Who is told what comes. */
export interface Listener {
  /** All is told anew from here on. */
  opening(): void;
  /** @param characters of their JSON */
  messages(messages: readonly WatchMessage[], characters: number): void;
  /** All that there was has been told. */
  opened(): void;
  connected(isConnected: boolean): void;
}

/** Listens to the server; a lost line is taken up again by the browser. */
export function connect(listener: Listener): void {
  const source = new EventSource("/messages");
  source.addEventListener("open", () => listener.connected(true));
  source.addEventListener("error", () => listener.connected(false));
  source.addEventListener("opening", () => listener.opening());
  source.addEventListener("opened", () => listener.opened());
  source.addEventListener("messages", ({ data }) => {
    const text = String(data);
    listener.messages(JSON.parse(text) as WatchMessage[], text.length);
  });
}

/** Asks what the server shows. */
export async function askAbout(): Promise<About> {
  const response = await fetch("/about");
  return (await response.json()) as About;
}

/** Presses a button. Answers what the server said against it; undefined when it is being done. */
export async function press(agentId: string, action: string): Promise<string | undefined> {
  try {
    const path = `/agents/${encodeURIComponent(agentId)}/${action}`;
    const response = await fetch(path, { method: "POST", headers: { "X-Synapse-Viewer": "1" } });
    return response.ok ? undefined : (await response.text()).trim();
  } catch {
    return "the system does not answer";
  }
}
