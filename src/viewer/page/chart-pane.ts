/** The statechart of what is selected: where it is, and by which arrow it came. */

import type { VNode } from "preact";
import { useMemo } from "preact/hooks";
import { activeStates, anyState, type Chart, type ChartEdge, layOut } from "./chart.ts";
import { duration, stateName } from "./format.ts";
import { html } from "./html.ts";
import { toneOf } from "./shown-state.ts";
import type { ActorView } from "./world.ts";

/** Layouts by definition: machines of one kind share theirs. */
const layouts = new Map<string, Chart | undefined>();

function layoutOf(definition: string): Chart | undefined {
  if (!layouts.has(definition)) layouts.set(definition, layOut(definition));
  if (layouts.size > 100) layouts.delete(layouts.keys().next().value ?? "");
  return layouts.get(definition);
}

/** Draws it. */
export function ChartPane({ actor, nowMs }: { readonly actor: ActorView | undefined; readonly nowMs: number }): VNode {
  const definition = actor?.definition ?? "";
  const chart = useMemo(() => layoutOf(definition), [definition]);
  const value = actor?.snapshot.value;
  const state = stateName(value, actor?.snapshot.status);
  const { moved } = actor ?? {};
  const since = moved === undefined ? "" : `${moved.from} → ${moved.to} by ${moved.event}, ${ago(nowMs - moved.atMs)}`;
  return html`<section class="pane chart" aria-label="Statechart">
    <div class="bar">
      <h2>${actor === undefined ? "Nothing is selected" : actor.path}</h2>
      ${actor === undefined ? "" : html`<span class=${`chip ${toneOf(state)}`}>${state}</span>`}
      <span class="moved" title=${since}>${since}</span>
    </div>
    <div class="drawing">
      ${
        chart === undefined
          ? html`<p class="nothing">${actor === undefined ? "Select something in the tree." : "It has no statechart: it is drawn by its state alone."}</p>`
          : html`<${Drawing} chart=${chart} value=${value} moved=${moved} state=${state} />`
      }
    </div>
    ${chart === undefined ? "" : html`<${Exits} chart=${chart} value=${value} />`}
  </section>`;
}

function Drawing(props: { chart: Chart; value: unknown; moved: ActorView["moved"]; state: string }): VNode {
  const { chart, value, moved, state } = props;
  const active = new Set(activeStates(value));
  const led = (edge: ChartEdge, from: string | undefined) =>
    moved !== undefined &&
    edge.from === from &&
    edge.to === moved.to &&
    (edge.events.includes(moved.event) || moved.event === "");
  // What the root defines counts where no state does.
  const isOwn = chart.edges.some((edge) => led(edge, moved?.from));
  const isLast = (edge: ChartEdge) => led(edge, isOwn ? moved?.from : anyState);
  const isNear = (edge: ChartEdge) => active.has(edge.from) || isLast(edge);
  const edges = [...chart.edges].sort((a, b) => Number(isNear(a)) - Number(isNear(b)));
  const label = `Statechart of ${chart.states.filter(({ isAny }) => !isAny).length} states; now ${state}`;
  return html`<svg viewBox=${`0 0 ${chart.width} ${chart.height}`} role="img" aria-label=${label} preserveAspectRatio="xMidYMid meet">
    <defs>
      ${["far", "near", "last"].map(
        (kind) =>
          html`<marker id=${`tip-${kind}`} class=${kind} viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" markerHeight="7" orient="auto-start-reverse"><path d="M0 0 8 4 0 8Z" /></marker>`,
      )}
    </defs>
    ${chart.states
      .filter(({ isGroup }) => isGroup)
      .map(
        (box) => html`<g key=${box.id} class=${`box group${active.has(box.id) ? " active" : ""}`}>
        <rect x=${box.x - box.width / 2} y=${box.y - box.height / 2} width=${box.width} height=${box.height} rx="8" />
        <text x=${box.x - box.width / 2 + 8} y=${box.y - box.height / 2 + 14}>${box.name}</text>
      </g>`,
      )}
    ${edges.map((edge) => {
      const kind = isLast(edge) ? "last" : isNear(edge) ? "near" : "far";
      return html`<path key=${`${edge.from} ${edge.to}`} class=${`edge ${kind}`} d=${pathOf(edge.points)} marker-end=${`url(#tip-${kind})`}><title>${edge.from} → ${edge.to}: ${edge.events.join(", ")}</title></path>`;
    })}
    ${chart.states
      .filter(({ isGroup }) => !isGroup)
      .map(
        (
          box,
        ) => html`<g key=${box.id} class=${`box ${box.isAny ? "any" : toneOf(box.name)}${active.has(box.id) ? " active" : ""}`}>
        <rect x=${box.x - box.width / 2} y=${box.y - box.height / 2} width=${box.width} height=${box.height} rx="8" />
        ${box.isFinal ? html`<rect class="inner" x=${box.x - box.width / 2 + 3} y=${box.y - box.height / 2 + 3} width=${box.width - 6} height=${box.height - 6} rx="6" />` : ""}
        ${box.isInitial ? html`<circle class="initial" cx=${box.x - box.width / 2 + 9} cy=${box.y} r="3" />` : ""}
        <text x=${box.x} y=${box.y + 5} text-anchor="middle">${box.name}</text>
      </g>`,
      )}
  </svg>`;
}

/** What may happen next: where one can go from here, and by what. */
function Exits({ chart, value }: { chart: Chart; value: unknown }): VNode {
  const active = new Set(activeStates(value));
  const exits = chart.edges.filter(({ from }) => active.has(from) || (from === anyState && active.size > 0));
  if (exits.length === 0) return html`<p class="exits faint">Nothing leads out of this state.</p>`;
  return html`<ul class="exits" aria-label="What may happen next">${exits.map(
    ({ from, to, events }) => html`<li key=${`${from} ${to}`}><code>${events.join(", ")}</code> → <b>${to}</b></li>`,
  )}</ul>`;
}

/** A line through the points, rounded between them. */
function pathOf(points: ChartEdge["points"]): string {
  const [first, ...rest] = points;
  if (first === undefined) return "";
  const last = rest.pop() ?? first;
  const bends = rest.map((point, index) => {
    const next = rest[index + 1] ?? last;
    return `Q${point.x} ${point.y} ${(point.x + next.x) / 2} ${(point.y + next.y) / 2}`;
  });
  return `M${first.x} ${first.y}${bends.join("")}L${last.x} ${last.y}`;
}

function ago(ms: number): string {
  return ms < 1_000 ? "just now" : `${duration(ms)} ago`;
}
