/** Runs as a program: one subject, `node --expose-gc subject-program.ts <name>`. Reads requests on stdin and answers them; ends with its stdin. */

import { createInterface } from "node:readline";
import type { Figures, MeasureName, Subject } from "./protocol.ts";

const subjects: Readonly<Record<string, () => Promise<Subject>>> = {
  synapse: async () => (await import("./subjects/synapse.ts")).synapse,
  xstate: async () => (await import("./subjects/xstate.ts")).xstate,
  nact: async () => (await import("./subjects/nact.ts")).loadNact(),
};

const name = process.argv[2] ?? "";
const load = subjects[name];
if (load === undefined) throw new Error(`"${name}" is no subject; there are ${Object.keys(subjects).join(", ")}`);
const { version, measures } = await load();
console.log(`ready ${version}`);
for await (const line of createInterface({ input: process.stdin })) {
  const [measure, ...sizes] = line.split(" ");
  try {
    const run = measures[measure as MeasureName] as (...sizes: number[]) => Promise<Figures>;
    const figures = await run(...sizes.map(Number));
    console.log(figures === undefined ? "none" : `ok ${figures.join(" ")}`);
  } catch (error) {
    console.log(`error ${String(error).replaceAll("\n", " ")}`);
  }
  globalThis.gc?.();
}
