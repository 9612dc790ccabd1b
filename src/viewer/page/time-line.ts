/** The time line: how much happened when, where agents crashed, and a handle that goes back to any moment. */

import type { VNode } from "preact";
import { clockTime, duration } from "./format.ts";
import type { History } from "./history.ts";
import { html } from "./html.ts";

/** Shows it. `atMs` is the moment that is shown; undefined while the page follows what happens. */
export function TimeLine(props: {
  readonly history: History;
  readonly atMs: number | undefined;
  readonly onMove: (atMs: number | undefined) => void;
}): VNode {
  const { history, atMs, onMove } = props;
  const { firstMs, lastMs, marks } = history;
  const span = Math.max(1, lastMs - firstMs);
  const density = history.density();
  const highest = Math.max(1, ...density);
  const width = 1_000;
  const bar = width / density.length;
  const placeOf = (ms: number) => Math.min(width, Math.max(0, ((ms - firstMs) / span) * width));
  const shown = atMs ?? lastMs;
  const crashes = marks.length === 1 ? "1 crash" : `${marks.length} crashes`;
  const step = (direction: 1 | -1) => {
    const others = marks.map((mark) => mark.atMs).filter((ms) => (direction === 1 ? ms > shown : ms < shown));
    if (others.length > 0) onMove(direction === 1 ? Math.min(...others) : Math.max(...others));
  };
  return html`<section class="time-line" aria-label="Time line">
    <button type="button" onClick=${() => step(-1)} disabled=${!marks.some((mark) => mark.atMs < shown)} title="To the crash before" aria-label="To the crash before">⟨ ✕</button>
    <div class="strip">
      <svg viewBox=${`0 0 ${width} 40`} preserveAspectRatio="none" aria-hidden="true">
        ${density.map((value, index) => html`<rect key=${index} class="density" x=${index * bar} width=${bar * 0.8} y=${32 - (value / highest) * 30} height=${(value / highest) * 30} />`)}
        <line class="base" x1="0" x2=${width} y1="32" y2="32" />
      </svg>
      ${marks.map((mark, index) => html`<i key=${index} class="crash" style=${`left: ${placeOf(mark.atMs) / 10}%`} title=${`${clockTime(mark.atMs)} ${mark.text}`} aria-hidden="true">✕</i>`)}
      <input
        type="range" min=${firstMs} max=${lastMs} step="1" value=${shown} aria-label="Moment that is shown"
        aria-valuetext=${`${clockTime(shown)}, ${crashes} in all`}
        onInput=${({ currentTarget }: { currentTarget: HTMLInputElement }) => onMove(Number(currentTarget.value))}
      />
    </div>
    <button type="button" onClick=${() => step(1)} disabled=${!marks.some((mark) => mark.atMs > shown)} title="To the next crash" aria-label="To the next crash">✕ ⟩</button>
    <div class="moment">
      <output>${clockTime(shown)}</output>
      <span>${crashes} in ${duration(span)}</span>
    </div>
    <button type="button" class=${atMs === undefined ? "live on" : "live"} aria-pressed=${String(atMs === undefined)} onClick=${() => onMove(undefined)}>${atMs === undefined ? "Newest" : "To newest"}</button>
  </section>`;
}
