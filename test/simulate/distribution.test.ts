import { expect, test } from "vitest";
import { checkDistribution, type Distribution, sample } from "../../src/simulate/distribution.ts";
import { createRandom } from "../../src/simulate/random.ts";

const draw = (distribution: Distribution, count = 5_000) => {
  const random = createRandom(7, "test");
  return Array.from({ length: count }, () => sample(distribution, random));
};
const mean = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0) / values.length;

test("a number is always that, and others spread as they say", () => {
  expect(new Set(draw(5))).toEqual(new Set([5]));
  const between = draw({ fromMs: 10, toMs: 20 });
  expect([Math.min(...between), Math.max(...between)]).toEqual([10, 20]);
  expect(Math.abs(mean(between) - 15)).toBeLessThan(0.3);
  const exponential = draw({ meanMs: 1_000 });
  expect(Math.abs(mean(exponential) - 1_000)).toBeLessThan(50);
  // Of an exponential distribution 1/e are above the mean.
  expect(Math.abs(exponential.filter((ms) => ms > 1_000).length / 5_000 - 1 / Math.E)).toBeLessThan(0.02);
  expect(new Set(draw({ oneOf: [1, 2, 3] }))).toEqual(new Set([1, 2, 3]));
});

test("chance is the seed's and the name's alone", () => {
  const numbers = (seed: number, name: string) => Array.from({ length: 3 }, createRandom(seed, name));
  expect(numbers(1, "a")).toEqual(numbers(1, "a"));
  expect(numbers(1, "a")).not.toEqual(numbers(2, "a"));
  expect(numbers(1, "a")).not.toEqual(numbers(1, "b"));
  for (const value of numbers(1, "a")) expect(value >= 0 && value < 1).toBe(true);
});

test.each([
  [-1],
  ["5"],
  [null],
  [{}],
  [{ fromMs: 5, toMs: 4 }],
  [{ fromMs: 5 }],
  [{ meanMs: 0 }],
  [{ meanMs: 5, fromMs: 1 }],
  [{ oneOf: [] }],
  [{ oneOf: [-1] }],
  [Number.NaN],
])("%j is none", (value) => {
  expect(() => checkDistribution("faults.startMs", value)).toThrow("faults.startMs");
});
