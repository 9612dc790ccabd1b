/** The bars: what must hold for processes in JavaScript to be worth the name. */

import { medianOf, ratioOf, type Values } from "./rounds.ts";
import type { BenchSettings } from "./settings.ts";

/** One bar and the figure that met or missed it. */
export interface Bar {
  readonly what: string;
  /** Absent when the other side is not installed. */
  readonly figure?: number;
  readonly unit: "×" | "B";
  readonly rule: "at most" | "at least";
  readonly limit: number;
  /** Absent as the figure is: a bar that nobody measured is neither met nor missed. */
  readonly passed?: boolean;
}

/** Holds the figures against the bars. */
export function checkBars(
  values: Values,
  { restartChildren, fewChildren, manyChildren, pendingTimers }: BenchSettings,
): Bar[] {
  const against = (subject: string, key: string) => ratioOf(values, { subject: "synapse", key }, { subject, key });
  const growth = (above: string, below: string, figure = 0) =>
    ratioOf(values, { subject: "synapse", key: above, figure }, { subject: "synapse", key: below, figure });
  const [many, few] = [`startStop@${manyChildren}`, `startStop@${fewChildren}`];
  // The bar is set at 10,000 children; quick runs have fewer.
  const children = restartChildren.includes(10_000) ? 10_000 : restartChildren.at(-1);
  return [
    bar("call round trips, of Erlang's gen_server:call", against("erlang", "call"), "×", "at least", 1),
    bar("call round trips, of nact's query", against("nact", "call"), "×", "at least", 3),
    bar("casts, of nact's dispatch", against("nact", "cast"), "×", "at least", 5),
    bar(
      `restarts of ${children} children, of OTP's one_for_one`,
      against("erlang", `restart@${children}`),
      "×",
      "at least",
      1,
    ),
    bar(
      `restarts of ${children} dynamic children, of OTP's simple_one_for_one`,
      against("erlang", `restartDynamic@${children}`),
      "×",
      "at least",
      2,
    ),
    bar("start and stop of a server, of Erlang's gen_server", against("erlang", "oneByOne"), "×", "at most", 1.25),
    bar(`start of a child of ${manyChildren}, of one of ${fewChildren}`, growth(many, few), "×", "at most", 2),
    bar(`stop of a child of ${manyChildren}, of one of ${fewChildren}`, growth(many, few, 1), "×", "at most", 2),
    bar("heap of an idle process", medianOf(values, "synapse", "heap"), "B", "at most", 2_700),
    bar(
      `start and stop beside ${pendingTimers} timers, of beside none`,
      growth(`timers@${pendingTimers}`, "timers@0"),
      "×",
      "at most",
      3,
    ),
    bar(
      "agent events with an unwatched inspector, of without",
      growth("inspected@1", "inspected@0"),
      "×",
      "at least",
      0.97,
    ),
    bar(
      "agent events seen by Stately's inspector, of unseen",
      growth("inspected@2", "inspected@0"),
      "×",
      "at least",
      0.8,
    ),
    bar("agent events that are recorded, of unseen", growth("inspected@3", "inspected@0"), "×", "at least", 0.7),
  ];
}

function bar(what: string, figure: number | undefined, unit: Bar["unit"], rule: Bar["rule"], limit: number): Bar {
  if (figure === undefined) return { what, unit, rule, limit };
  return { what, figure, unit, rule, limit, passed: rule === "at most" ? figure <= limit : figure >= limit };
}
