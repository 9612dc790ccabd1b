/** The few statistics of a benchmark. */

/** The middle value, or the mean of the two in the middle. NaN for none. */
export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length >> 1;
  const upper = sorted[middle] ?? Number.NaN;
  return sorted.length % 2 === 1 ? upper : ((sorted[middle - 1] ?? Number.NaN) + upper) / 2;
}

/** The smallest value that at least `share` (0 to 1) of the values do not exceed. NaN for none. */
export function percentile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)] ?? Number.NaN;
}

/** The values over others of the same rounds, so that a slow round is slow for both; the median of the rounds. */
export function ratioOf(values: readonly number[], others: readonly number[]): number {
  return rounded(median(values.map((value, round) => value / (others[round] ?? Number.NaN))));
}

/** Three decimals are enough for a file that people compare. */
export function rounded(value: number): number {
  return Math.round(value * 1_000) / 1_000;
}
