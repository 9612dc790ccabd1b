/** The sequence of events between actors: one lifeline for each, an arrow for each event, newest below. */

import type { VNode } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import { clockTime } from "./format.ts";
import { html } from "./html.ts";
import { toneOf } from "./shown-state.ts";
import type { EventRow, World } from "./world.ts";

/** Rows in the list: what is older is in the time line. */
const mostRows = 120;
/** Lifelines side by side. */
const mostLines = 5;
const outside = "outside";

/** Shows it. */
export function SequencePane({ world, selected }: { readonly world: World; readonly selected: string }): VNode {
  const [all, setAll] = useState(false);
  const list = useRef<HTMLDivElement>(null);
  const follows = useRef(true);
  const rows = newest(world.rows, all ? undefined : selected);
  const lifelines = lifelinesOf(rows);
  const lastNumber = rows.at(-1)?.number;
  useEffect(() => {
    const element = list.current;
    if (element !== null && follows.current) element.scrollTop = element.scrollHeight;
  }, [lastNumber, all]);
  const onScroll = ({ currentTarget: { scrollTop, scrollHeight, clientHeight } }: { currentTarget: HTMLElement }) => {
    follows.current = scrollTop + clientHeight > scrollHeight - 30;
  };
  const columns = `86px repeat(${Math.max(2, lifelines.length)}, minmax(0, 1fr))`;
  return html`<section class="pane sequence" aria-label="Sequence of events">
    <div class="bar">
      <h2>Events</h2>
      <label class="switch"><input type="checkbox" checked=${all} onChange=${() => setAll(!all)} /> of all actors</label>
    </div>
    ${
      rows.length === 0
        ? ""
        : html`<div class="lifelines" style=${`grid-template-columns: ${columns}`} aria-hidden="true">
      <span></span>${lifelines.map((name) => html`<span key=${name} class="lifeline" title=${name}>${name}</span>`)}
    </div>`
    }
    <div class="events" ref=${list} onScroll=${onScroll} tabindex="0" role="log" aria-live="off" aria-label="Events, newest last">
      ${rows.map((row) => html`<${Row} key=${row.number} row=${row} lifelines=${lifelines} columns=${columns} />`)}
      ${rows.length === 0 ? html`<p class="nothing">No event has been seen yet.</p>` : ""}
    </div>
  </section>`;
}

function Row({ row, lifelines, columns }: { row: EventRow; lifelines: readonly string[]; columns: string }): VNode {
  const from = lifelines.indexOf(row.source ?? outside);
  const to = lifelines.indexOf(row.target);
  const [left, right] = [Math.min(from, to), Math.max(from, to)];
  const isSelf = from === to;
  const said = `${row.source ?? outside} to ${row.target}: ${row.event.type}${row.state === undefined ? "" : `, now ${row.state}`}`;
  const chip = row.state === undefined ? "" : html`<span class=${`chip ${toneOf(row.state)}`}>${row.state}</span>`;
  const place = `grid-column: ${left + 2} / ${right + 3}; --inset: ${50 / (right - left + 1)}%`;
  return html`<div class="event" style=${`grid-template-columns: ${columns}`} title=${JSON.stringify(row.event)}>
    <time>${clockTime(row.atMs)}</time>
    ${lifelines.map((name, index) => html`<i key=${name} class="thread" style=${`grid-column: ${index + 2}`}></i>`)}
    <span class="visually-hidden">${said}</span>
    <span class=${`arrow${isSelf ? " self" : to < from ? " back" : ""}`} style=${place} aria-hidden="true"><b>${row.event.type}</b>${chip}</span>
  </div>`;
}

function newest(rows: readonly EventRow[], path: string | undefined): EventRow[] {
  const found: EventRow[] = [];
  for (let index = rows.length - 1; index >= 0 && found.length < mostRows; index -= 1) {
    const row = rows[index] as EventRow;
    if (path === undefined || row.targetPath === path || row.sourcePath === path) found.push(row);
  }
  return found.reverse();
}

/** Those with the most events, in the order in which they appear. */
function lifelinesOf(rows: readonly EventRow[]): string[] {
  const counts = new Map<string, number>();
  for (const { source = outside, target } of rows) {
    counts.set(source, (counts.get(source) ?? 0) + 1);
    counts.set(target, (counts.get(target) ?? 0) + 1);
  }
  const most = [...counts].sort(([, a], [, b]) => b - a).slice(0, mostLines);
  return [...counts.keys()].filter((name) => most.some(([other]) => other === name));
}
