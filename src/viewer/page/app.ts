/** The page of the local viewer. */

import { render, type VNode } from "preact";
import { useEffect, useMemo, useState } from "preact/hooks";
import { ChartPane } from "./chart-pane.ts";
import { type About, askAbout, connect } from "./connection.ts";
import { DetailPane } from "./detail-pane.ts";
import { Header } from "./header.ts";
import { History } from "./history.ts";
import { html } from "./html.ts";
import { SequencePane } from "./sequence-pane.ts";
import { TimeLine } from "./time-line.ts";
import { TreePane } from "./tree-pane.ts";

/** At most that often the page is drawn anew, in milliseconds. */
const drawMs = 80;
const themes = ["auto", "light", "dark"] as const;
const history = new History();

function App(): VNode {
  const [, draw] = useState(0);
  const [about, setAbout] = useState<About>({ live: true, actions: [] });
  const [isConnected, setConnected] = useState(true);
  const [chosen, setChosen] = useState<string>();
  const [atMs, setAtMs] = useState<number>();
  const [theme, setTheme] = useState<(typeof themes)[number]>("auto");

  useEffect(() => {
    let waits = false;
    const drawSoon = () => {
      if (waits) return;
      waits = true;
      setTimeout(() => {
        waits = false;
        draw((times) => times + 1);
      }, drawMs);
    };
    askAbout().then(setAbout, () => setConnected(false));
    connect({
      opening: () => history.clear(),
      messages(messages, characters) {
        history.add(messages, characters);
        drawSoon();
      },
      opened: drawSoon,
      connected: setConnected,
    });
    // Ages are shown, and they grow.
    const timer = setInterval(drawSoon, 1_000);
    return () => clearInterval(timer);
  }, []);
  useEffect(() => {
    document.documentElement.dataset.theme = theme;
  }, [theme]);

  const { live } = history;
  const world = useMemo(() => (atMs === undefined ? live : history.at(atMs)), [atMs, live]);
  const path = chosen !== undefined && world.nodes.has(chosen) ? chosen : firstOf(world.nodes.keys(), world);
  const node = world.nodes.get(path);
  const actor = world.byPath.get(path);
  const nowMs = atMs ?? (about.live && !world.ended ? Math.max(Date.now(), world.atMs) : world.atMs);
  const nextTheme = () => setTheme(themes[(themes.indexOf(theme) + 1) % themes.length] ?? "auto");
  return html`<div class=${`app${atMs === undefined ? "" : " past"}`}>
    <${Header} world=${world} history=${history} isLive=${about.live} isConnected=${isConnected} isPast=${atMs !== undefined} theme=${theme} onTheme=${nextTheme} />
    <main>
      <${TreePane} world=${world} selected=${path} onSelect=${setChosen} />
      <div class="centre">
        <${ChartPane} actor=${actor} nowMs=${nowMs} />
        <${SequencePane} world=${world} selected=${path} />
      </div>
      <${DetailPane} selected=${{ world, path, node, actor, nowMs }} actions=${about.live && atMs === undefined && !world.ended ? about.actions : []} />
    </main>
    <${TimeLine} history=${history} atMs=${atMs} onMove=${setAtMs} />
  </div>`;
}

/** The first agent: it has the most to tell. */
function firstOf(paths: Iterable<string>, { nodes }: History["live"]): string {
  let first: string | undefined;
  for (const path of paths) {
    first ??= path;
    if (nodes.get(path)?.kind === "agent") return path;
  }
  return first ?? "";
}

const root = document.getElementById("app");
if (root !== null) render(html`<${App} />`, root);
