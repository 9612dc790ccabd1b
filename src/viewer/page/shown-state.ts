/** What a state is called, and what it means for who looks. */

import type { NodeStatus } from "../../inspect/inspected-system.ts";

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
  "left down": "bad",
  stopping: "rest",
  stopped: "rest",
  done: "rest",
  terminated: "rest",
};

/** The tone of a state; a state of a machine of the user's own is at work. */
export function toneOf(state: string): Tone {
  return tones[state] ?? "good";
}

/** Why its policy has left a place down; undefined: it has not. A state is known before the reason is, or is gone. */
export function whyDown({ state, leftDown }: NodeStatus): string | undefined {
  return state === "stopped" ? leftDown : undefined;
}

/** The state of a place as it is shown: one that its policy has left down has not just stopped. */
export function shownState(node: NodeStatus): string {
  return whyDown(node) === undefined ? node.state : "left down";
}
