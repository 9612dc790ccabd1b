/** The head of the page: which system, how it is, how much happens. */

import type { VNode } from "preact";
import { count, short } from "./format.ts";
import type { History } from "./history.ts";
import { html } from "./html.ts";
import { StateMark } from "./state-mark.ts";
import type { World } from "./world.ts";

/** Shows it. */
export function Header(props: {
  readonly world: World;
  readonly history: History;
  readonly isLive: boolean;
  readonly isConnected: boolean;
  /** Whether a moment is shown that has been. */
  readonly isPast: boolean;
  readonly theme: string;
  readonly onTheme: () => void;
}): VNode {
  const { world, history, isLive, isConnected, isPast, theme, onTheme } = props;
  const agents = [...world.nodes.values()].filter(({ kind, id }) => kind === "agent" && !id.endsWith("/spare"));
  const serving = agents.filter(({ state }) => state === "ready" || state === "busy").length;
  const waiting = world.runs.waiting.length;
  const health = world.ended ? "stopped" : world.health.text;
  const isLost = isLive && !isConnected && !world.ended;
  const isOn = isLive && !isLost && !isPast && !world.ended;
  const source = isLost
    ? "Connection lost"
    : isPast
      ? "In the past"
      : !isLive
        ? "Recording"
        : world.ended
          ? "Ended"
          : "Live";
  return html`<header>
    <h1>${world.system || "Synapse"}</h1>
    <span class="badge"><${StateMark} state=${health === "serving" ? "ready" : health === "stopped" ? "stopped" : "crashed"} />${health || "…"}</span>
    <span class="badge">${short(serving)} of ${count(agents.length, "agent")} serve</span>
    <span class="badge">${short(world.nodes.size)} in the tree</span>
    <span class="badge rate">${short(history.rateAt(world.atMs))} events/s</span>
    ${waiting > 0 ? html`<span class="badge wait" title="They go on when agent.answer or agent.decline says so: see the tab Runs.">${count(waiting, "run waits", "runs wait")} for an answer</span>` : ""}
    ${world.skipped > 0 ? html`<span class="badge" title="There was more than is shown: under load the viewer samples.">${short(world.skipped)} events not shown</span>` : ""}
    ${isLive && !world.ended ? world.recordings.map((file) => html`<span key=${file} class="badge" title=${`The system is recorded into ${file}`}><i class="dot recording" aria-hidden="true"></i>Recorded into ${file.split("/").at(-1)}</span>`) : ""}
    <span class="space"></span>
    <span class=${`badge source ${isLost ? "lost" : ""}`} role="status"><i class=${isOn ? "dot live" : "dot"} aria-hidden="true"></i>${source}</span>
    <button type="button" onClick=${() => save(history, world.system)}>Save recording</button>
    <button type="button" onClick=${onTheme} aria-label=${`Colours: ${theme}`}>${theme === "dark" ? "Dark" : theme === "light" ? "Light" : "Auto"}</button>
  </header>`;
}

/** What the page knows, as a file that `synapse inspect` opens. */
function save(history: History, system: string): void {
  const lines = history.messages.map((message) => `${JSON.stringify(message)}\n`);
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob(lines, { type: "application/x-ndjson" }));
  link.download = `${system || "system"}-${new Date().toISOString().replaceAll(":", "").slice(0, 17)}.jsonl`;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
}
