/** Durations counted by size. */

/** How often a duration was how long. */
export interface HistogramValue {
  /** How many there were. */
  readonly count: number;
  /** All of them together, in milliseconds. */
  readonly sumMs: number;
  /** How many were at most so long, in milliseconds; each count holds those before it. */
  readonly buckets: readonly { readonly atMostMs: number; readonly count: number }[];
}

/**
 * The bounds of the buckets in milliseconds. Source: OpenTelemetry's GenAI conventions, advice for gen_ai.client.operation.duration
 * (0.01 s, each twice the one before, to 81.92 s).
 */
export const boundsMs = Array.from({ length: 14 }, (_, index) => 10 * 2 ** index);

/** Counts durations. */
export class Histogram {
  readonly #counts = boundsMs.map(() => 0);
  #count = 0;
  #sumMs = 0;

  /** Counts one. */
  add(durationMs: number): void {
    this.#count += 1;
    this.#sumMs += durationMs;
    const index = boundsMs.findIndex((bound) => durationMs <= bound);
    if (index !== -1) this.#counts[index] = (this.#counts[index] ?? 0) + 1;
  }

  /** How long they were on average, in milliseconds; undefined when there was none. */
  get meanMs(): number | undefined {
    return this.#count === 0 ? undefined : this.#sumMs / this.#count;
  }

  /** What has been counted so far. */
  value(): HistogramValue {
    let below = 0;
    const buckets = boundsMs.map((atMostMs, index) => {
      below += this.#counts[index] ?? 0;
      return { atMostMs, count: below };
    });
    return { count: this.#count, sumMs: this.#sumMs, buckets };
  }
}
