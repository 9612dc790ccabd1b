/** The mark of a state: a shape and a colour, so that neither alone has to be told apart. */

import type { VNode } from "preact";
import { html } from "./html.ts";

/** What a state means for who looks. */
export type Tone = "good" | "work" | "wait" | "bad" | "rest";

const tones: Readonly<Record<string, Tone>> = {
  ready: "good",
  running: "good",
  active: "good",
  busy: "work",
  starting: "wait",
  initializing: "wait",
  restarting: "wait",
  crashed: "bad",
  error: "bad",
  stopping: "rest",
  stopped: "rest",
  done: "rest",
  terminated: "rest",
};

/** The tone of a state; a state of a machine of the user's own is at work. */
export function toneOf(state: string): Tone {
  return tones[state] ?? "good";
}

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
  // A square.
  rest: html`<rect x="3.5" y="3.5" width="9" height="9" fill="none" stroke="currentColor" stroke-width="2" />`,
};

/** Draws it. */
export function StateMark({ state }: { readonly state: string }): VNode {
  const tone = toneOf(state);
  return html`<svg class=${`mark ${tone}`} viewBox="0 0 16 16" width="14" height="14" aria-hidden="true">${shapes[state] ?? shapes[tone]}</svg>`;
}
