/** How a simulation reads on a terminal: what became of each child, and what the policies decided. */

import { invalidArgument } from "../errors.ts";
import type { Exploration } from "./finding.ts";
import type { SimulatedChildResult, SimulatedDecision, SimulatedLimit, SimulationResult } from "./result.ts";

/** Decisions that are shown one by one, unless all are asked for. */
const shownDecisions = 20;

/** Ends of a finding that are shown. */
const shownEnds = 10;

type Cell = readonly [heading: string, text: (child: SimulatedChildResult) => string | number];

const cells: readonly Cell[] = [
  ["STATE", ({ state }) => state],
  ["STARTS", ({ starts }) => starts],
  ["CRASHES", ({ crashes }) => crashes],
  ["RESTARTS", ({ restarts }) => restarts],
  ["DOWN", ({ downMs }) => timeText(downMs)],
  ["SERVED", ({ type, served }) => (type === "agent" ? served : "")],
  ["REJECTED", ({ type, rejected }) => (type === "agent" ? rejected : "")],
  ["LOST", ({ type, lost }) => (type === "agent" ? lost : "")],
  ["WAIT", ({ type, waitMs }) => (type === "agent" ? timeText(waitMs.mean) : "")],
  ["95 %", ({ type, waitMs }) => (type === "agent" ? timeText(waitMs.p95) : "")],
];

/** Shown where there is any. */
const rareCells: readonly (readonly [...Cell, shows: (child: SimulatedChildResult) => boolean])[] = [
  ["CANCELLED", ({ cancelled }) => cancelled, ({ cancelled }) => cancelled > 0],
  ["TIMED OUT", ({ timedOut }) => timedOut, ({ timedOut }) => timedOut > 0],
  ["RETRIED", ({ retried }) => retried, ({ retried }) => retried > 0],
  ["DEGRADED", ({ degraded }) => degraded, ({ degraded }) => degraded > 0],
];

/** What a budget has done with runs. */
const limitWords: Readonly<Record<SimulatedLimit["by"], string>> = {
  wait: "runs wait",
  degrade: "runs go on with another model",
  refuse: "runs are rejected",
};

/**
 * A simulation as text.
 * @param options `decisions`: how many are shown one by one; default 20
 * @throws CallerError "invalid_argument" for what is no result, such as the promise of one
 */
export function simulationText(result: SimulationResult, { decisions = shownDecisions } = {}): string {
  checkResult(result);
  const { system, seed, forMs, endedAtMs, children, gaveUp } = result;
  const parts = [`${system}: ${timeText(endedAtMs)} of ${timeText(forMs)}, seed ${seed}`];
  const own = gaveUp.find(({ path }) => path === system);
  if (own !== undefined)
    parts.push(`the system gave up at ${timeText(own.atMs)}: ${own.because}; last was ${own.child}`);
  const names = children.map(({ path }) => path.slice(system.length + 1));
  const shown = [...cells, ...rareCells.filter(([, , shows]) => children.some(shows))];
  const rows = [
    ["CHILD", ...shown.map(([heading]) => heading)],
    ...children.map((child, index) => [names[index] ?? "", ...shown.map(([, text]) => String(text(child)))]),
  ];
  parts.push("", table(rows), "", decisionText(result, decisions));
  const { limits } = result;
  if (limits.length > 0) parts.push(limitText(limits, decisions));
  return parts.join("\n");
}

/** @throws CallerError "invalid_argument" for what is no result of a simulation */
export function checkResult(result: SimulationResult): void {
  if (!Array.isArray(result?.children)) throw invalidArgument("result", result, "what simulate settles with");
}

/**
 * An exploration as text: what was found, with the ends that lead to it, and what was not looked at.
 * @throws CallerError "invalid_argument" for what is no exploration
 */
export function explorationText(exploration: Exploration): string {
  if (!Array.isArray(exploration?.findings)) throw invalidArgument("exploration", exploration, "what explore answers");
  const { findings, sequences, notExplored } = exploration;
  const parts = [
    `${sequences} sequences of ends tried: ${findings.length === 0 ? "nothing found" : `${findings.length} found`}`,
  ];
  for (const { type, path, sentence, ends, repeats } of findings) {
    parts.push("", `${type}: ${path} ${sentence}`);
    for (const { path: who, kind, afterMs, decision, delayMs, because } of ends.slice(0, shownEnds)) {
      const pause = delayMs === undefined ? "" : ` after ${timeText(delayMs)}`;
      parts.push(`  ${who} ends (${kind}) after ${timeText(afterMs)}`, `    ${decision}${pause}: ${because}`);
    }
    if (ends.length > shownEnds) parts.push(`  … and ${ends.length - shownEnds} more`);
    if (repeats) parts.push("  and so on");
  }
  return [...parts, "", "not explored:", ...notExplored.map((sentence) => `  - ${sentence}`)].join("\n");
}

function decisionText({ decisions }: SimulationResult, most: number): string {
  if (decisions.length === 0) return "no policy was asked";
  const count = (type: SimulatedDecision["decision"]) => decisions.filter(({ decision }) => decision === type).length;
  const failed = count("none") === 0 ? "" : `, ${count("none")} failures of a policy`;
  const heading = `decisions: ${count("restart")} restart, ${count("leave")} leave, ${count("give_up")} give up${failed}`;
  const lines = decisions
    .slice(0, most)
    .map(({ atMs, path, reason, because, decision }) =>
      [`  ${timeText(atMs).padStart(8)}  ${path}: ${reason}`, `            ${decision}: ${because}`].join("\n"),
    );
  const more = decisions.length - lines.length;
  return [heading, ...lines, ...(more > 0 ? [`  … and ${more} more`] : [])].join("\n");
}

function limitText(limits: readonly SimulatedLimit[], most: number): string {
  const heading =
    limits.length === 1 ? "a budget held runs back once" : `budgets held runs back ${limits.length} times`;
  const lines = limits
    .slice(0, most)
    .map(({ atMs, path, by, because }) => `  ${timeText(atMs).padStart(8)}  ${path}: ${limitWords[by]}: ${because}`);
  const more = limits.length - lines.length;
  return [heading, ...lines, ...(more > 0 ? [`  … and ${more} more`] : [])].join("\n");
}

/** Columns as wide as they need; the first two to the left, the others to the right. */
function table(rows: readonly (readonly string[])[]): string {
  const widths = (rows[0] ?? []).map((_, at) => Math.max(...rows.map((row) => row[at]?.length ?? 0)));
  const line = (row: readonly string[]) =>
    row.map((text, at) => (at < 2 ? text.padEnd(widths[at] ?? 0) : text.padStart(widths[at] ?? 0))).join(" ");
  return rows.map((row) => line(row).trimEnd()).join("\n");
}

/** A time or a duration: milliseconds below a second, then seconds with one digit, then "1:02:03". */
export function timeText(ms: number): string {
  if (ms < 1_000) return `${ms}ms`;
  if (ms < 60_000) return `${(Math.floor(ms / 100) / 10).toFixed(1)}s`;
  const seconds = Math.floor(ms / 1_000);
  const two = (value: number) => String(value).padStart(2, "0");
  const clock = `${two(Math.floor(seconds / 60) % 60)}:${two(seconds % 60)}`;
  return `${Math.floor(seconds / 3_600)}:${clock}`;
}
