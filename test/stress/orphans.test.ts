/** Whoever dies, and whatever it was doing: what descends from a system whose workers are forked ends with what it belongs to. */

import { setTimeout as pause } from "node:timers/promises";
import { expect, test } from "vitest";
import { fairly } from "./load.ts";
import { type Child, children, PlantedHost, type State, states, until, type Victim } from "./planted-host.ts";
import { nameOf } from "./processes.ts";
import { type Chance, createChance } from "./random.ts";

/** `STRESS_DEATHS` is how many moments of death there are: of all combinations, in an order by chance. Without it, a dozen chosen ones. */
const deaths = Number(process.env.STRESS_DEATHS ?? 0);
/** How long it may take where a core is to spare, in milliseconds. The gate does not measure. */
const boundMs = deaths > 0 ? 250 : Number.POSITIVE_INFINITY;

/** When those that are left count as survivors. */
const patienceMs = 10_000;

interface Cell {
  readonly victims: readonly Victim[];
  readonly state: State;
  readonly child: Child;
}

const moments: readonly (readonly Victim[])[] = [
  ["host"],
  ["worker"],
  ["zygote"],
  ["guardian"],
  ["host", "zygote"],
  ["zygote", "guardian"],
];

/** Each kind of victim, each state and each child is in it at least once; the hardest ones more often. */
const chosen: readonly Cell[] = [
  { victims: ["host"], state: "starting", child: "busy" },
  { victims: ["host"], state: "c", child: "mcp" },
  { victims: ["host"], state: "stopped", child: "busy" },
  { victims: ["worker"], state: "ready", child: "mcp" },
  { victims: ["worker"], state: "restarting", child: "idle" },
  { victims: ["zygote"], state: "loop", child: "grouped" },
  { victims: ["zygote"], state: "stopped", child: "busy" },
  { victims: ["guardian"], state: "async", child: "idle" },
  { victims: ["guardian"], state: "c", child: "busy" },
  { victims: ["host", "zygote"], state: "restarting", child: "busy" },
  { victims: ["zygote", "guardian"], state: "ready", child: "none" },
  { victims: ["zygote", "guardian"], state: "c", child: "busy" },
];

const every: readonly Cell[] = moments.flatMap((victims) =>
  states.flatMap((state) => children.map((child) => ({ victims, state, child }))),
);

function* cells(chance: Chance): Generator<Cell> {
  if (deaths === 0) yield* chosen;
  for (let left = deaths; left > 0; left -= every.length) yield* shuffled(every, chance).slice(0, left);
}

function shuffled<T>(items: readonly T[], chance: Chance): T[] {
  return items
    .map((item) => ({ item, place: chance.next() }))
    .sort((a, b) => a.place - b.place)
    .map(({ item }) => item);
}

function describe({ victims, state, child }: Cell): string {
  return `${victims.join(" and ")}, worker ${state}, child ${child}`;
}

/** Carries one cell out. Answers how long the two deaths took: that of its victims, and that of the host, which comes after it. */
async function carryOut(cell: Cell, chance: Chance): Promise<number[]> {
  const host = new PlantedHost(cell.state, cell.child);
  try {
    await host.set();
    // At some moment of the restart, whichever it is.
    if (cell.state === "restarting") await pause(chance.below(60));
    const took = [await die(host, shuffled(cell.victims, chance))];
    if (!cell.victims.includes("host")) took.push(await die(host, ["host"]));
    return took;
  } finally {
    await host.end();
  }
}

/** Kills, and waits until nobody has survived who should not. */
async function die(host: PlantedHost, victims: readonly Victim[]): Promise<number> {
  host.kill(victims);
  let survivors = host.survivors(victims);
  return until(
    () => {
      survivors = host.survivors(victims);
      return survivors.length === 0;
    },
    patienceMs,
    () => `alive after the death of ${victims.join(" and ")}: ${survivors.map(nameOf).join("; ")}`,
  );
}

test.runIf(process.platform === "linux")(
  "nothing that a forked worker has started outlives it, whoever dies and whatever it was doing",
  { timeout: 180_000 + deaths * 10_000 },
  async () => {
    const seed = Number(process.env.STRESS_SEED ?? 1);
    const chance = createChance(seed);
    const times: { ms: number; what: string; late: boolean }[] = [];
    const broken: string[] = [];
    const note = (ms: number, what: string) => times.push({ ms, what, late: ms > fairly(boundMs) });
    const planned = cells(chance);
    const work = async () => {
      for (const cell of planned) {
        try {
          const [ms = 0, afterwards] = await carryOut(cell, chance);
          note(ms, describe(cell));
          if (afterwards !== undefined) note(afterwards, `host, after ${describe(cell)}`);
        } catch (error) {
          broken.push(`${describe(cell)}: ${String(error)}`);
          // Now, and not only after all the others.
          console.log(broken.at(-1));
        }
      }
    };
    // Where the time counts there is one at a time.
    await Promise.all(Array.from({ length: deaths > 0 ? 1 : 3 }, work));
    times.sort((a, b) => b.ms - a.ms);
    const worst = times.slice(0, 5).map(({ ms, what }) => `${Math.round(ms)} ms (${what})`);
    const median = Math.round(times[times.length >> 1]?.ms ?? 0);
    console.log(
      `${times.length} deaths, ${broken.length} combinations failed, median ${median} ms, worst ${worst.join(", ")}`,
    );
    expect(broken, `STRESS_SEED=${seed} repeats it`).toEqual([]);
    expect(times.filter(({ late }) => late)).toEqual([]);
  },
);
