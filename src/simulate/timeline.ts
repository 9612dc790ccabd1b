/** A simulation as a picture: a line for each child, coloured by how it was, over one axis of time. SVG, which any browser shows. */

import type { SimulatedSpan, SimulationResult } from "./result.ts";
import { checkResult, timeText } from "./table.ts";

const colours: Readonly<Record<SimulatedSpan["state"], string>> = {
  up: "#3a9d5d",
  starting: "#e3b341",
  down: "#d1453b",
  stopped: "#8b949e",
};
const sentences: Readonly<Record<SimulatedSpan["state"], string>> = {
  up: "serves",
  starting: "starts",
  down: "waits for its restart",
  stopped: "stays down",
};

const left = 160;
const longestName = 24;
const width = 1_000;
const rowHeight = 22;
const barHeight = 14;
const top = 40;
const ticks = 6;

/**
 * The picture, as the text of an SVG file.
 * @throws CallerError "invalid_argument" for what is no result, such as the promise of one
 */
export function simulationSvg(result: SimulationResult): string {
  checkResult(result);
  const { system, seed, endedAtMs, children } = result;
  const scale = (atMs: number) => round(left + (atMs / Math.max(1, endedAtMs)) * width);
  const bottom = top + children.length * rowHeight;
  const height = bottom + 50;
  const rows = children.map(({ path, spans }, index) => {
    const y = top + index * rowHeight;
    const bars = spans.map(({ state, fromMs, toMs }) => {
      // One that is too short to be seen is shown all the same.
      const wide = Math.max(0.5, round(scale(toMs) - scale(fromMs)));
      const title = `<title>${escapeText(path)} ${sentences[state]}, ${timeText(fromMs)} to ${timeText(toMs)}</title>`;
      return `<rect x="${scale(fromMs)}" y="${y}" width="${wide}" height="${barHeight}" fill="${colours[state]}">${title}</rect>`;
    });
    const name = escapeText(shorten(path.slice(system.length + 1)));
    return [`<text x="${left - 8}" y="${y + 11}" text-anchor="end">${name}</text>`, ...bars].join("\n");
  });
  const axis = Array.from({ length: ticks + 1 }, (_, tick) => {
    const atMs = Math.round((endedAtMs / ticks) * tick);
    const x = scale(atMs);
    const line = `<line x1="${x}" y1="${top - 4}" x2="${x}" y2="${bottom}" stroke="#d0d7de" stroke-width="0.5"/>`;
    return `${line}\n<text x="${x}" y="${bottom + 16}" text-anchor="middle">${timeText(atMs)}</text>`;
  });
  const legend = Object.entries(colours).map(([state, colour], index) => {
    const x = left + index * 170;
    const words = sentences[state as SimulatedSpan["state"]];
    const box = `<rect x="${x}" y="${bottom + 26}" width="12" height="12" fill="${colour}"/>`;
    return `${box}\n<text x="${x + 18}" y="${bottom + 36}">${words}</text>`;
  });
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${left + width + 40} ${height}" font-family="sans-serif" font-size="11">`,
    `<rect width="100%" height="100%" fill="#ffffff"/>`,
    `<text x="${left}" y="20" font-size="13">${escapeText(system)}, ${timeText(endedAtMs)}, seed ${seed}</text>`,
    ...axis,
    ...rows,
    ...legend,
    "</svg>",
    "",
  ].join("\n");
}

/** The end of a path is what tells it from others. */
function shorten(name: string): string {
  return name.length > longestName ? `…${name.slice(1 - longestName)}` : name;
}

function round(value: number): number {
  return Math.round(value * 100) / 100;
}

function escapeText(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;").replaceAll('"', "&quot;");
}
