/** What `synapse-otp simulate` does: it is loaded when it is asked for, because it brings the whole runtime with it. */

import { writeFileSync } from "node:fs";
import { resolve } from "node:path";
import { CallerError, invalidArgument } from "../errors.ts";
import { loadModule, loadScript } from "../script/load.ts";
import { ScriptModules } from "../script/modules.ts";
import { explore } from "../simulate/explore.ts";
import { defineFaults, type Faults } from "../simulate/faults.ts";
import { longestSimulationMs, simulate } from "../simulate/simulate.ts";
import { explorationText, simulationText } from "../simulate/table.ts";
import { simulationSvg } from "../simulate/timeline.ts";
import { type ExitCode, isSet, type Terminal, textOf, type Words } from "./command.ts";

const units: Readonly<Record<string, number>> = {
  ms: 1,
  s: 1_000,
  min: 60_000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
};

/** Plays a script through, or explores its policies, and writes what has come of it. */
export async function play(words: Words, terminal: Terminal): Promise<ExitCode> {
  const seed = seedOf(textOf(words, "seed") ?? "0");
  const forMs = timeOf(textOf(words, "for") ?? "1h");
  const file = resolve(terminal.cwd, words.arguments[0] ?? "");
  const tree = await load(file, loadScript);
  if (isSet(words, "explore")) {
    const exploration = explore(tree);
    terminal.out(isSet(words, "json") ? JSON.stringify(exploration) : explorationText(exploration));
    return exploration.findings.length === 0 ? 0 : 1;
  }
  const result = await simulate(tree, await faultsOf(words, terminal), { seed, forMs });
  const svg = textOf(words, "svg");
  if (svg !== undefined) write(resolve(terminal.cwd, svg), simulationSvg(result));
  const decisions = isSet(words, "all") ? Number.POSITIVE_INFINITY : undefined;
  terminal.out(
    isSet(words, "json")
      ? JSON.stringify(result)
      : simulationText(result, decisions === undefined ? {} : { decisions }),
  );
  return 0;
}

async function load<T>(file: string, how: (file: string, modules: ScriptModules) => Promise<T>): Promise<T> {
  using modules = new ScriptModules(file);
  return await how(file, modules);
}

async function faultsOf(words: Words, { cwd }: Terminal): Promise<Faults> {
  const given = textOf(words, "faults");
  if (given === undefined) return {};
  const file = resolve(cwd, given);
  const { default: faults } = await load(file, loadModule);
  if (typeof faults === "object" && faults !== null) return defineFaults(faults);
  throw invalidArgument(`the default export of "${file}"`, faults, "faults: export default defineFaults({ … })");
}

function seedOf(text: string): number {
  const seed = /^-?\d+$/.test(text) ? Number(text) : Number.NaN;
  if (Number.isSafeInteger(seed)) return seed;
  throw invalidArgument("--seed", text, "an integer");
}

function timeOf(text: string): number {
  const [, count, unit = ""] = /^(\d+(?:\.\d+)?)([a-z]+)$/.exec(text) ?? [];
  const ms = Math.round(Number(count) * (units[unit] ?? Number.NaN));
  if (ms >= 1 && ms <= longestSimulationMs) return ms;
  throw invalidArgument("--for", text, "a time such as 500ms, 90s, 15min, 1h or 2d, 31d at most");
}

function write(file: string, text: string): void {
  try {
    writeFileSync(file, text);
  } catch (cause) {
    const message = `"${file}" cannot be written: ${(cause as Error).message}`;
    throw new CallerError("invalid_argument", message, { field: "file", value: file, cause });
  }
}
