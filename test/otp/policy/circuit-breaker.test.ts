import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { circuitBreaker } from "../../../src/otp/policy/circuit-breaker.ts";
import { crash, expectPure, gaps, play, refusal } from "./exits.ts";

const options = { failures: 3, windowMs: 1_000, openMs: 5_000, probeMs: 200 };
const step = (gapMs: number) => ({ gapMs, exit: crash() });

describe("circuitBreaker", () => {
  test("opens at its number of failures, and a probe that fails opens it again", () => {
    const answers = play(circuitBreaker(options), [step(0), step(1), step(1), step(199), step(200)]);
    expect(answers.map(({ delayMs, because }) => `${delayMs}: ${because}`)).toEqual([
      "0: failure 1; the circuit opens at 3",
      "0: failure 2; the circuit opens at 3",
      "5000: 3 failures within 1000 ms: the circuit is open, probe 1 in 5000 ms",
      "5000: probe 1 failed: the circuit is open, probe 2 in 5000 ms",
      "0: failure 1; the circuit opens at 3",
    ]);
  });

  test("failures that are further apart than the window do not open it", () => {
    const answers = play(
      circuitBreaker(options),
      Array.from({ length: 10 }, () => step(501)),
    );
    expect(answers.every(({ delayMs }) => delayMs === 0)).toBe(true);
  });

  test("while it is not closed there is one probe at a time, and openMs between two, whatever the times", () => {
    fc.assert(
      fc.property(gaps(500), (gapsMs) => {
        const answers = play(circuitBreaker(options), gapsMs.map(step));
        let row = 0;
        for (const [index, { delayMs }] of answers.entries()) {
          const gapMs = gapsMs[index] as number;
          const probeFailed = (answers[index - 1]?.delayMs ?? 0) > 0 && gapMs < options.probeMs;
          if (probeFailed) expect(delayMs).toBe(options.openMs);
          // Never more than two starts at once in a row: the third failure in the window opens.
          row = delayMs === 0 ? row + 1 : 0;
          const from = answers[index - 2]?.atMs ?? Number.NEGATIVE_INFINITY;
          if (row > 2) expect((answers[index]?.atMs ?? 0) - from).toBeGreaterThan(options.windowMs);
        }
        const probes = answers.filter(({ delayMs }) => delayMs > 0).map(({ startsAtMs }) => startsAtMs);
        for (const [index, startsAtMs] of probes.entries()) {
          if (index > 0) expect(startsAtMs - (probes[index - 1] as number)).toBeGreaterThanOrEqual(options.openMs);
        }
      }),
    );
  });

  test("an end while it is open, of a child that somebody has started, opens it anew", () => {
    const policy = circuitBreaker({ ...options, failures: 1 });
    const { state } = policy(undefined, crash(), 0);
    expect(policy(state, crash(), 10).decision).toMatchObject({ type: "restart", delayMs: 5_000 });
  });

  test("is pure", () => expectPure(() => circuitBreaker(options)));

  test.each([
    [{ failures: 0 }, "options.failures", 0],
    [{ windowMs: 0 }, "options.windowMs", 0],
    [{ openMs: -1 }, "options.openMs", -1],
    [{ probeMs: 2 ** 31 }, "options.probeMs", 2 ** 31],
    [{ open: 1 }, "options.open", 1],
  ])("%o is refused by its name", (given, field, value) => {
    expect(refusal(() => circuitBreaker(given as never))).toEqual({ code: "invalid_argument", field, value });
  });
});
