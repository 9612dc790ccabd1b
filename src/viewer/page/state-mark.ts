/** The mark of a state: a shape and a colour, so that neither alone has to be told apart. */

import type { VNode } from "preact";
import { html } from "./html.ts";
import { toneOf } from "./shown-state.ts";

const shapes: Readonly<Record<string, VNode>> = {
  // A disk.
  good: html`<circle cx="8" cy="8" r="5.5" />`,
  // A disk with a ring round it.
  work: html`<g><circle cx="8" cy="8" r="3.2" /><circle cx="8" cy="8" r="6" fill="none" stroke="currentColor" stroke-width="1.8" /></g>`,
  // A ring that is open.
  wait: html`<circle cx="8" cy="8" r="5.5" fill="none" stroke="currentColor" stroke-width="2.2" stroke-dasharray="8.6 3" />`,
  // A triangle that points to the right.
  restarting: html`<path d="M3.5 2.5 13.5 8 3.5 13.5Z" />`,
  // A cross.
  bad: html`<path d="M3.2 3.2 12.8 12.8M12.8 3.2 3.2 12.8" stroke="currentColor" stroke-width="3.4" stroke-linecap="round" />`,
  // A square with a cross in it.
  "left down": html`<g fill="none" stroke="currentColor" stroke-width="2"><rect x="2" y="2" width="12" height="12" /><path d="M5.5 5.5 10.5 10.5M10.5 5.5 5.5 10.5" /></g>`,
  // A square.
  rest: html`<rect x="3.5" y="3.5" width="9" height="9" fill="none" stroke="currentColor" stroke-width="2" />`,
};

/** Draws it. */
export function StateMark({ state }: { readonly state: string }): VNode {
  const tone = toneOf(state);
  return html`<svg class=${`mark ${tone}`} viewBox="0 0 16 16" width="14" height="14" aria-hidden="true">${shapes[state] ?? shapes[tone]}</svg>`;
}
