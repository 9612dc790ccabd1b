/** How a running system reads on a terminal of 80 columns: its tree, a line for each node, and its runs. */

import type { ControlStatus, StatusRow } from "../control/protocol.ts";
import { runsText, type ShownRun } from "./runs-text.ts";
import { cut, durationText, sizeText } from "./terminal-text.ts";

/** A row, with what the asker has found out itself. */
export type ShownRow = StatusRow & { readonly memoryBytes?: number };

/** A system as it is shown. */
export interface ShownSystem extends Pick<ControlStatus, "status" | "leftOut" | "runsLeftOut"> {
  readonly system: string;
  readonly pid: number;
  readonly upMs: number;
  readonly rows: readonly ShownRow[];
  readonly runs: readonly ShownRun[];
}

/** The narrowest terminal that it fits, in columns. */
const leastColumns = 80;

/** Runs that are shown at most. */
const mostRuns = 10;

/** The columns beside the name: heading, width, what stands in it. Numbers are to the right. */
const cells: readonly (readonly [
  heading: string,
  width: number,
  text: (row: ShownRow) => string | number | undefined,
])[] = [
  ["STATE", -10, ({ state, loop }) => (loop === "unresponsive" ? "hangs" : state)],
  ["PID", 8, ({ pid }) => pid],
  ["WORKER", 6, ({ incarnation }) => incarnation],
  ["RESTARTS", 8, ({ restarts }) => restarts],
  ["WAIT", 5, ({ queueLength }) => queueLength],
  ["RUNS", 4, ({ inFlight }) => inFlight],
  ["MEMORY", 7, ({ memoryBytes }) => (memoryBytes === undefined ? undefined : sizeText(memoryBytes))],
];
const cellsWidth = cells.reduce((sum, [, width]) => sum + Math.abs(width) + 1, 0);

/**
 * A system as lines.
 * @param columns of the terminal; default, and at least, 80
 * @param most how many lines of tree and runs there is room for; default: all
 */
export function statusText(shown: ShownSystem, columns = leastColumns, most = Number.POSITIVE_INFINITY): string {
  const { system, pid, upMs, status, rows } = shown;
  const width = Math.max(leastColumns, columns);
  const nameWidth = width - cellsWidth;
  const heading = [`${cut("NAME", nameWidth)}`, ...cells.map(([name, width]) => pad(name, width))].join(" ");
  const names = treeNames(rows);
  const runs = runsText(
    shown.runs,
    shown.runsLeftOut,
    width,
    Math.max(1, Math.min(mostRuns, Math.floor(most / 2) - 2)),
  );
  const lines = rows.slice(0, Math.max(1, most - runs.length)).map((row, index) => {
    const own = cells.map(([, width, text]) => pad(String(text(row) ?? ""), width));
    return [cut(names[index] ?? row.id, nameWidth, endOf(row.id)), ...own].join(" ").trimEnd();
  });
  const missing = rows.length - lines.length + shown.leftOut;
  if (missing > 0) lines.push(`… and ${missing} more`);
  return [`${system}: ${status}, pid ${pid}, up ${durationText(upMs)}`, heading, ...lines, ...runs].join("\n");
}

/** The ids with the branches of a tree before them. */
function treeNames(rows: readonly StatusRow[]): string[] {
  /** Whether a later row stands beside one at this depth. */
  const goesOn: boolean[] = [];
  const names: string[] = [];
  for (const { id, depth } of rows.toReversed()) {
    const branches: string[] = Array.from({ length: Math.max(0, depth - 1) }, (_, at) =>
      goesOn[at + 1] === true ? "│ " : "  ",
    );
    if (depth > 0) branches.push(goesOn[depth] === true ? "├ " : "└ ");
    names.push(`${branches.join("")}${id}`);
    goesOn[depth] = true;
    goesOn.length = depth + 1;
  }
  return names.reverse();
}

function pad(text: string, width: number): string {
  return width < 0 ? cut(text, -width) : text.padStart(width);
}

/** What tells the instances of an agent apart: "/2" of "chat/2". */
function endOf(id: string): number {
  return /\/(?:\d{1,4}|spare)$/.exec(id)?.[0].length ?? 0;
}
