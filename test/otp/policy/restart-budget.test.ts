import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { restartBudget } from "../../../src/otp/policy/restart-budget.ts";
import { crash, expectPure, gaps, play, refusal } from "./exits.ts";

const step = (gapMs: number, childId = "a") => ({ gapMs, exit: crash({ childId }) });

describe("restartBudget", () => {
  test("a child over its budget is left down, and its siblings have theirs", () => {
    const policy = restartBudget({ maxRestarts: 1, periodMs: 1_000 });
    const answers = play(policy, [step(0), step(0, "b"), step(0)]);
    expect(answers.map(({ type }) => type)).toEqual(["restart", "restart", "leave"]);
    expect(answers[2]?.because).toBe('restart 2 of "a" within 1000 ms exceeds its budget of 1: quarantined');
  });

  test("a child that somebody starts again after its quarantine has its budget back", () => {
    const policy = restartBudget({ maxRestarts: 1, periodMs: 1_000 });
    expect(play(policy, [step(0), step(0), step(0)]).map(({ type }) => type)).toEqual(["restart", "leave", "restart"]);
  });

  test("quarantine for a time ends with a restart", () => {
    const policy = restartBudget({ maxRestarts: 1, periodMs: 1_000, quarantineMs: 5_000 });
    expect(play(policy, [step(0), step(0), step(0)]).map(({ delayMs }) => delayMs)).toEqual([0, 5_000, 5_000]);
  });

  test("no window has more than maxRestarts restarts of one child, those out of quarantine included, whatever the times", () => {
    const limits = fc.record({
      maxRestarts: fc.integer({ min: 1, max: 5 }),
      periodMs: fc.integer({ min: 1, max: 1_000 }),
    });
    fc.assert(
      fc.property(gaps(400), limits, fc.integer({ min: 1, max: 500 }), (gapsMs, { maxRestarts, periodMs }, longer) => {
        const policy = restartBudget({ maxRestarts, periodMs, quarantineMs: periodMs + longer });
        const starts = play(
          policy,
          gapsMs.map((gapMs) => step(gapMs)),
        ).map(({ startsAtMs }) => startsAtMs);
        for (const start of starts) {
          const inWindow = starts.filter((other) => other >= start - periodMs && other <= start);
          expect(inWindow.length).toBeLessThanOrEqual(maxRestarts);
        }
      }),
    );
  });

  test("a start that failed takes nothing of the budget: it passes", () => {
    const policy = restartBudget({ maxRestarts: 1, periodMs: 1_000 });
    const failed = { gapMs: 0, exit: crash({ failedStarts: 1 }) };
    expect(play(policy, [failed, failed, step(0)]).map(({ type }) => type)).toEqual(["pass", "pass", "restart"]);
  });

  test("is pure", () => expectPure(() => restartBudget({ maxRestarts: 2, periodMs: 2_000, quarantineMs: 2_500 })));

  test.each([
    [{ maxRestarts: 0, periodMs: 1 }, "options.maxRestarts", 0],
    [{ maxRestarts: 1, periodMs: 0 }, "options.periodMs", 0],
    [{ maxRestarts: 1, periodMs: 10, quarantineMs: 10 }, "options.quarantineMs", 10],
    [{ maxRestarts: 1, periodMs: 10, quarantine: 10 }, "options.quarantine", 10],
  ])("%o is refused by its name", (options, field, value) => {
    expect(refusal(() => restartBudget(options))).toEqual({ code: "invalid_argument", field, value });
  });
});
