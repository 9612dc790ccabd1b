/** Rounds: every subject once a round, in rotating order, because the machine is noisy; ratios are taken within the rounds. */

import { median } from "../bench/statistics.ts";
import type { Program } from "./program.ts";
import type { MeasureName } from "./protocol.ts";
import type { BenchSettings } from "./settings.ts";
import { lookers } from "./subjects/lookers.ts";

/** One request of every round. */
export interface Request {
  /** Key of the result: the measure, and its first size where there are several. */
  readonly key: string;
  readonly measure: MeasureName;
  readonly sizes: readonly number[];
  /** What its figures are. */
  readonly figures: readonly { readonly what: string; readonly unit: "1/s" | "µs" | "B" }[];
}

/** The requests of one round, in their order. */
export function requestsOf(settings: BenchSettings): Request[] {
  const { calls, casts, spawns, restartChildren, crashes, idleProcesses, pendingTimers, timedProcesses } = settings;
  const perSecond = (what: string) => ({ what, unit: "1/s" }) as const;
  const micros = (what: string) => ({ what, unit: "µs" }) as const;
  const request = (
    key: string,
    measure: MeasureName,
    sizes: readonly number[],
    ...figures: Request["figures"]
  ): Request => ({ key, measure, sizes, figures });
  const restarts = (measure: "restart" | "restartDynamic", under: string) =>
    restartChildren.map((children) =>
      request(`${measure}@${children}`, measure, [children, crashes], perSecond(`restarts of ${children} ${under}`)),
    );
  const startStop = (children: number, repeats: number) =>
    request(
      `startStop@${children}`,
      "startStop",
      [children, repeats],
      micros(`start of a child of ${children}`),
      micros(`stop of a child of ${children}`),
    );
  return [
    request("call", "call", [calls], perSecond("call round trips")),
    request("cast", "cast", [casts], perSecond("casts")),
    request("spawn", "spawn", [spawns], perSecond("starts"), perSecond("stops")),
    request("oneByOne", "oneByOne", [spawns], micros("start and stop of a server")),
    ...restarts("restart", "children"),
    ...restarts("restartDynamic", "dynamic children"),
    startStop(settings.fewChildren, settings.fewRepeats),
    startStop(settings.manyChildren, 1),
    request("heap", "heap", [idleProcesses], { what: "heap of an idle process", unit: "B" }),
    request("timers@0", "timers", [0, timedProcesses], micros("start and stop of a machine, no timer waits")),
    request(
      `timers@${pendingTimers}`,
      "timers",
      [pendingTimers, timedProcesses],
      micros(`start and stop of one, ${pendingTimers} timers wait`),
    ),
    ...lookers.map((who, looker) =>
      request(
        `inspected@${looker}`,
        "inspected",
        [looker, settings.inspectedRuns],
        perSecond(`agent events, seen by ${who}`),
      ),
    ),
  ];
}

/** Figures by subject and key; one list a figure, one value a round. A subject without such a thing has no entry. */
export type Values = Readonly<Record<string, Readonly<Record<string, readonly (readonly number[])[]>>>>;

/** Measures everything. One more round comes first and does not count: code is compiled in it. */
export async function measureInRounds(
  programs: readonly Program[],
  settings: BenchSettings,
  tell: (step: string) => void,
): Promise<Values> {
  const values: Record<string, Record<string, number[][]>> = Object.fromEntries(programs.map(({ name }) => [name, {}]));
  for (let round = 0; round <= settings.rounds; round++) {
    tell(round === 0 ? "a round that does not count" : `round ${round} of ${settings.rounds}`);
    for (const { key, measure, sizes } of requestsOf(settings)) {
      for (const program of rotated(programs, round)) {
        const figures = await program.measure(measure, ...sizes);
        if (figures === undefined || round === 0) continue;
        const own = values[program.name] as Record<string, number[][]>;
        own[key] ??= figures.map(() => []);
        const lists = own[key];
        for (const [index, figure] of figures.entries()) lists[index]?.push(figure);
      }
    }
  }
  return values;
}

function rotated<T>(items: readonly T[], by: number): T[] {
  const first = by % items.length;
  return [...items.slice(first), ...items.slice(0, first)];
}

/** The median of one figure; undefined when the subject was not measured. */
export function medianOf(values: Values, subject: string, key: string, figure = 0): number | undefined {
  const list = values[subject]?.[key]?.[figure];
  return list === undefined ? undefined : median(list);
}

/** The median of the rounds' ratios of two figures; undefined when either was not measured. */
export function ratioOf(
  values: Values,
  above: { subject: string; key: string; figure?: number },
  below: { subject: string; key: string; figure?: number },
): number | undefined {
  const list = (of: typeof above) => values[of.subject]?.[of.key]?.[of.figure ?? 0];
  const [numerators, denominators] = [list(above), list(below)];
  if (numerators === undefined || denominators === undefined) return undefined;
  return median(numerators.map((value, round) => value / (denominators[round] ?? Number.NaN)));
}
