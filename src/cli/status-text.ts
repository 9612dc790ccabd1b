/** How a running system reads on a terminal of 80 columns: its tree, a line for each node. */

import type { ControlStatus, StatusRow } from "../control/protocol.ts";

/** A row, with what the asker has found out itself. */
export type ShownRow = StatusRow & { readonly memoryBytes?: number };

/** A system as it is shown. */
export interface ShownSystem extends Pick<ControlStatus, "status" | "leftOut"> {
  readonly system: string;
  readonly pid: number;
  readonly upMs: number;
  readonly rows: readonly ShownRow[];
}

/** The narrowest terminal that it fits, in columns. */
const leastColumns = 80;

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
 * @param most how many lines of the tree there is room for; default: all
 */
export function statusText(shown: ShownSystem, columns = leastColumns, most = Number.POSITIVE_INFINITY): string {
  const { system, pid, upMs, status, rows } = shown;
  const nameWidth = Math.max(leastColumns, columns) - cellsWidth;
  const heading = [`${cut("NAME", nameWidth)}`, ...cells.map(([name, width]) => pad(name, width))].join(" ");
  const names = treeNames(rows);
  const lines = rows.slice(0, most).map((row, index) => {
    const own = cells.map(([, width, text]) => pad(String(text(row) ?? ""), width));
    return [cut(names[index] ?? row.id, nameWidth, endOf(row.id)), ...own].join(" ").trimEnd();
  });
  const missing = rows.length - lines.length + shown.leftOut;
  if (missing > 0) lines.push(`… and ${missing} more`);
  return [`${system}: ${status}, pid ${pid}, up ${durationText(upMs)}`, heading, ...lines].join("\n");
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

/** A text of exactly this width; `keep`: the characters at its end that stay. */
function cut(text: string, width: number, keep = 0): string {
  const characters = [...text];
  if (characters.length <= width) return text.padEnd(width);
  const end = keep === 0 ? [] : characters.slice(-keep);
  return `${characters.slice(0, width - 1 - end.length).join("")}…${end.join("")}`;
}

/** What tells the instances of an agent apart: "/2" of "chat/2". */
function endOf(id: string): number {
  return /\/(?:\d{1,4}|spare)$/.exec(id)?.[0].length ?? 0;
}

/** A size in at most six characters. */
export function sizeText(bytes: number): string {
  const megabytes = bytes / 1024 ** 2;
  return megabytes < 1_000 ? `${Math.round(megabytes)}MiB` : `${(megabytes / 1024).toFixed(1)}GiB`;
}

const units = [
  ["d", 86_400_000],
  ["h", 3_600_000],
  ["min", 60_000],
  ["s", 1_000],
] as const;

/** A duration in its two largest units. */
export function durationText(ms: number): string {
  const parts: string[] = [];
  let left = Math.max(0, ms);
  for (const [unit, size] of units) {
    const count = Math.floor(left / size);
    left -= count * size;
    if (count > 0 || unit === "s") parts.push(`${count} ${unit}`);
  }
  return parts.slice(0, 2).join(" ");
}
