/** The runs of a running system on a terminal of 80 columns: those that have not ended, with what they wait for, and how many have. */

import { askText } from "../inspect/ask-text.ts";
import type { ToldRun } from "../inspect/inspected-system.ts";
import { cut, durationText } from "./terminal-text.ts";

/** A run, with its age when it was asked for, in milliseconds. */
export type ShownRun = ToldRun & { readonly ageMs?: number };

const columns = [8, 16, 9, 12] as const;
const heading = ["RUN", "AGENT", "STATE", "AGE", "WAITS FOR"];

/**
 * Runs as lines; none where there are none.
 * @param leftOut runs beside them, of which nothing is known
 * @param width of the terminal
 * @param most how many runs are shown; the others are counted
 */
export function runsText(runs: readonly ShownRun[], leftOut: number, width: number, most: number): string[] {
  const open = runs.filter(({ state }) => !isOver(state));
  const shown = open.slice(0, most);
  const ended = runs.length - open.length;
  const rest = [
    open.length > shown.length ? [`${open.length - shown.length} more have not ended`] : [],
    ended > 0 ? [`${ended} ${ended === 1 ? "has" : "have"} ended`] : [],
    leftOut > 0 ? [`${leftOut} older ones`] : [],
  ].flat();
  return [
    ...(shown.length === 0 ? [] : [line(heading, width), ...shown.map((run) => line(cellsOf(run), width))]),
    ...(rest.length === 0 ? [] : [`${shown.length === 0 ? "runs" : "of the others"}: ${rest.join(", ")}`]),
  ];
}

/** A paused one has ended too, and somebody has to answer. */
function isOver(state: ToldRun["state"]): boolean {
  return state === "completed" || state === "failed" || state === "cancelled";
}

function cellsOf({ runId, agentId, state, ageMs, waits = [], asks = [] }: ShownRun): string[] {
  const names = [
    ...waits.flatMap((wait) => (wait.asks === undefined ? [`"${wait.name}"`] : wait.asks.map(askText))),
    ...asks.map(askText),
  ];
  return [runId.slice(0, 8), agentId, state, ageMs === undefined ? "" : durationText(ageMs), names.join(", ")];
}

function line(cells: readonly string[], width: number): string {
  const room = width - columns.reduce((sum, column) => sum + column + 1, 0);
  return cells
    .map((cell, index) => cut(cell, columns[index] ?? room))
    .join(" ")
    .trimEnd();
}
