import fc from "fast-check";
import { expect, test } from "vitest";
import { Histogram } from "../src/histogram.ts";

test("a bucket counts what is at most as long, and all shorter ones", () => {
  const histogram = new Histogram();
  for (const ms of [0, 10, 10.1, 20, 81_920, 81_921, 1e9]) histogram.add(ms);
  const { count, sumMs, buckets } = histogram.value();
  expect([count, sumMs]).toEqual([7, 1_000_163_881.1]);
  expect(buckets.map(({ atMostMs }) => atMostMs)).toEqual([
    10, 20, 40, 80, 160, 320, 640, 1_280, 2_560, 5_120, 10_240, 20_480, 40_960, 81_920,
  ]);
  expect(buckets.map((bucket) => bucket.count)).toEqual([2, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 5]);
});

test("whatever is counted, a bucket holds exactly what is at most as long as it", () => {
  fc.assert(
    fc.property(fc.array(fc.double({ min: 0, max: 200_000, noNaN: true })), (durations) => {
      const histogram = new Histogram();
      for (const ms of durations) histogram.add(ms);
      const { count, buckets } = histogram.value();
      expect(count).toBe(durations.length);
      for (const bucket of buckets) expect(bucket.count).toBe(durations.filter((ms) => ms <= bucket.atMostMs).length);
    }),
  );
});
