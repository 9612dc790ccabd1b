import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { exponentialBackoff, withBackoff } from "../../../src/otp/policy/exponential-backoff.ts";
import { restartIntensity } from "../../../src/otp/policy/restart-policy.ts";
import { crash, expectPure, gaps, play, refusal } from "./exits.ts";

const step = (gapMs: number) => ({ gapMs, exit: crash() });

describe("exponentialBackoff", () => {
  test("doubles the pause with each failure in a row, up to the longest one", () => {
    const policy = exponentialBackoff({ firstMs: 100, maxMs: 1_000, jitter: 0 });
    const answers = play(
      policy,
      Array.from({ length: 6 }, () => step(1)),
    );
    expect(answers.map(({ delayMs }) => delayMs)).toEqual([100, 200, 400, 800, 1_000, 1_000]);
    expect(answers[1]?.because).toBe("2 failures in a row; the next start in 200 ms");
  });

  test("pauses are monotone up to the longest one, and begin anew after a healthy time and not before", () => {
    const options = { firstMs: 10, maxMs: 700, factor: 3, jitter: 0, healthyMs: 500 };
    fc.assert(
      fc.property(gaps(1_000), (gapsMs) => {
        const answers = play(exponentialBackoff(options), gapsMs.map(step));
        for (const [index, { delayMs }] of answers.entries()) {
          const before = answers[index - 1];
          const fresh = before === undefined || (gapsMs[index] as number) >= options.healthyMs;
          expect(delayMs).toBe(fresh ? 10 : Math.min(before.delayMs * 3, 700));
        }
      }),
    );
  });

  test("jitter takes at most its part of a pause away, differs from child to child, and is the seed's", () => {
    const delays = (seed: number, childId: string) =>
      play(
        exponentialBackoff({ firstMs: 1_000, maxMs: 1_000, jitter: 0.4, seed }),
        Array.from({ length: 200 }, () => ({ gapMs: 1, exit: crash({ childId }) })),
      ).map(({ delayMs }) => delayMs);
    const mine = delays(1, "a");
    expect(mine.every((delayMs) => delayMs >= 600 && delayMs <= 1_000)).toBe(true);
    // Spread over the whole part, and not in one corner of it.
    for (const corner of [0, 1, 2, 3]) {
      expect(mine.filter((ms) => Math.min(3, Math.floor((ms - 600) / 100)) === corner).length).toBeGreaterThan(20);
    }
    expect(delays(1, "a")).toEqual(mine);
    expect(delays(2, "a")).not.toEqual(mine);
    expect(delays(1, "b")).not.toEqual(mine);
  });

  test("with the default jitter no pause of a row is shorter than the one before, until the longest is reached", () => {
    fc.assert(
      fc.property(fc.integer(), fc.string({ minLength: 1 }), (seed, childId) => {
        const row = Array.from({ length: 8 }, () => ({ gapMs: 1, exit: crash({ childId }) }));
        const delays = play(exponentialBackoff({ firstMs: 100, maxMs: 100_000, seed }), row).map(
          ({ delayMs }) => delayMs,
        );
        expect(delays).toEqual(delays.toSorted((a, b) => a - b));
      }),
    );
  });

  test("each child has a row of its own", () => {
    const policy = exponentialBackoff({ firstMs: 100, jitter: 0 });
    const sequence = ["a", "a", "b", "a"].map((childId) => ({ gapMs: 0, exit: crash({ childId }) }));
    expect(play(policy, sequence).map(({ delayMs }) => delayMs)).toEqual([100, 200, 100, 400]);
  });

  test("it passes where the restart type says that a child stays down, and about an end that is not charged", () => {
    const ends = [{ restart: "temporary" }, { restart: "transient", reason: "normal" }, { charged: false }] as const;
    const answers = play(
      exponentialBackoff(),
      ends.map((about) => ({ gapMs: 0, exit: crash(about) })),
    );
    expect(answers.map(({ type }) => type)).toEqual(["pass", "pass", "pass"]);
  });

  test("children that have been healthy are forgotten", () => {
    const policy = exponentialBackoff({ healthyMs: 10, jitter: 0, firstMs: 1 });
    const { state } = policy(undefined, crash({ childId: "old" }), 0);
    expect([...policy(state, crash({ childId: "new" }), 11).state.keys()]).toEqual(["new"]);
  });

  test("is pure", () => expectPure(() => exponentialBackoff({ seed: 7 })));

  test.each([
    [{ firstMs: 0 }, "options.firstMs", 0],
    [{ maxMs: 50 }, "options.maxMs", 50],
    [{ factor: 0.5 }, "options.factor", 0.5],
    [{ jitter: 1.1 }, "options.jitter", 1.1],
    [{ jitter: "" }, "options.jitter", ""],
    [{ healthyMs: 1.5 }, "options.healthyMs", 1.5],
    [{ seed: 0.1 }, "options.seed", 0.1],
    [{ first: 1 }, "options.first", 1],
  ])("%o is refused by its name", (options, field, value) => {
    expect(refusal(() => exponentialBackoff(options as never))).toEqual({ code: "invalid_argument", field, value });
  });
});

describe("withBackoff", () => {
  test("adds pauses to the restarts of a policy, and its other answers stand", () => {
    const policy = withBackoff(restartIntensity({ maxRestarts: 2, periodMs: 60_000 }), { firstMs: 100, jitter: 0 });
    const answers = play(policy, [step(0), step(0), step(0)]);
    expect(answers.map(({ type, delayMs, because }) => `${type} ${delayMs}: ${because}`)).toEqual([
      "restart 100: restart 1 of 2 allowed within 60000 ms, in 100 ms",
      "restart 200: restart 2 of 2 allowed within 60000 ms, in 200 ms",
      "give_up 0: restart 3 within 60000 ms exceeds maxRestarts 2",
    ]);
  });

  test("a longer pause of the policy's own stands", () => {
    const slow = () => ({
      decision: { type: "restart", delayMs: 5_000, because: "slowly" } as const,
      state: undefined,
    });
    expect(play(withBackoff(slow), [step(0)])).toMatchObject([{ delayMs: 5_000, because: "slowly" }]);
  });

  test("is pure", () => expectPure(() => withBackoff(exponentialBackoff({ jitter: 0 }), { seed: 3 })));

  test("refuses what is no policy", () => {
    expect(refusal(() => withBackoff(1 as never))).toEqual({ code: "invalid_argument", field: "policy", value: 1 });
  });
});
