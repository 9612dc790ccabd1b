/** One measure that was taken again and again, on its own or by both launchers in turn. */

import { median, percentile, ratioOf, rounded } from "./statistics.ts";

/** One measure in the order in which it was taken. */
export interface Series {
  readonly values: readonly number[];
  readonly median: number;
  /** A quarter of the values are at most this; with `p75`, how far the noise of the machine goes. */
  readonly p25: number;
  readonly p75: number;
  readonly max: number;
}

/** Summarises values. */
export function series(values: readonly number[]): Series {
  return {
    values: values.map(rounded),
    median: rounded(median(values)),
    p25: rounded(percentile(values, 0.25)),
    p75: rounded(percentile(values, 0.75)),
    max: rounded(Math.max(...values)),
  };
}

/** One measure of which the slowest are told, too. */
export type SeriesWithP99 = Series & { readonly p99: number };

/** Summarises values, with their 99th percentile. */
export function withP99(values: readonly number[]): SeriesWithP99 {
  return { ...series(values), p99: rounded(percentile(values, 0.99)) };
}

/** One measure by both launchers, taken in turn. */
export interface LauncherSeries {
  readonly spawn: Series;
  readonly zygote: Series;
  /** The value by spawn over the one by zygote of the same round; the median of the rounds. */
  readonly ratio: number;
}

/** Compares the launchers round by round. */
export function compareLaunchers({
  spawn,
  zygote,
}: Readonly<Record<"spawn" | "zygote", readonly number[]>>): LauncherSeries {
  return { spawn: series(spawn), zygote: series(zygote), ratio: ratioOf(spawn, zygote) };
}
