import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { RunError } from "../../../src/errors.ts";
import { byRunError, type ProviderTrouble, providerTrouble } from "../../../src/otp/policy/by-run-error.ts";
import { crash, expectPure, play, refusal, refused } from "./exits.ts";

const step = (reason: object | string) => ({ gapMs: 0, exit: crash({ reason }) });
const options = { quotaPauseMs: 60_000, backoff: { firstMs: 100, jitter: 0 } };

describe("byRunError", () => {
  test("quota pauses until the provider's time, or for quotaPauseMs", () => {
    const answers = play(byRunError(options), [step(refused(402)), step(refused(402, { retryAfterMs: 5_000 }))]);
    expect(answers.map(({ delayMs }) => delayMs)).toEqual([60_000, 5_000]);
    expect(answers[0]?.because).toBe("the quota is used up; paused for 60000 ms");
  });

  test("an overloaded provider makes it back off, by its retry-after where that is longer", () => {
    const answers = play(byRunError(options), [
      step(refused(503)),
      step(refused(429)),
      step(refused(529, { retryAfterMs: 7_000 })),
      step(refused(429, { retryAfterMs: 1 })),
    ]);
    expect(answers.map(({ delayMs }) => delayMs)).toEqual([100, 200, 7_000, 800]);
    expect(answers[2]?.because).toBe("the provider is overloaded; the next start in 7000 ms, as it asks");
  });

  test("a key that is refused leaves the child down", () => {
    expect(play(byRunError(options), [step(refused(401))])).toMatchObject([
      { type: "leave", because: "the provider refuses the key" },
    ]);
  });

  test("it goes by a run's error that is the cause of another, and passes for all else", () => {
    const answers = play(byRunError(options), [
      step(new Error("around it", { cause: refused(403) })),
      step(refused(500)),
      step(new Error("of its own")),
      step("killed"),
    ]);
    expect(answers.map(({ type }) => type)).toEqual(["leave", "pass", "pass", "pass"]);
  });

  test("never begins before the provider's time, whatever it says", () => {
    const statuses = fc.constantFrom(402, 429, 503, 529);
    const pauses = fc.oneof(fc.integer({ min: 0, max: 200_000 }), fc.double({ min: 0 }));
    fc.assert(
      fc.property(fc.array(fc.tuple(statuses, pauses), { maxLength: 20, size: "max" }), (sequence) => {
        const ends = sequence.map(([status, retryAfterMs]) => step(refused(status, { retryAfterMs })));
        for (const [index, { type, delayMs }] of play(byRunError(options), ends).entries()) {
          const askedMs = sequence[index]?.[1] || 0;
          expect([type, delayMs >= Math.min(askedMs, 2_147_483_647)]).toEqual(["restart", true]);
        }
      }),
    );
  });

  test("is pure", () => expectPure(() => byRunError({ backoff: { seed: 5 } })));

  test.each([
    [{ quotaPauseMs: 0 }, "options.quotaPauseMs", 0],
    [{ backoff: { firstMs: 0 } }, "options.backoff.firstMs", 0],
    [{ quota: 1 }, "options.quota", 1],
  ])("%o is refused by its name", (given, field, value) => {
    expect(refusal(() => byRunError(given as never))).toEqual({ code: "invalid_argument", field, value });
  });
});

test.each<[RunError, ProviderTrouble | undefined]>([
  [refused(401), "authentication"],
  [refused(403), "authentication"],
  [refused(402), "quota"],
  [refused(429, { message: "You exceeded your current quota" }), "quota"],
  [refused(429), "overloaded"],
  [refused(503), "overloaded"],
  [refused(529), "overloaded"],
  [refused(500), undefined],
  [new RunError("run_failed", "too many at once", { kind: "concurrency_limit" }), "overloaded"],
  [new RunError("run_failed", "x", { kind: "model_rate_limit" }), "overloaded"],
  [new RunError("run_failed", "x", { kind: "model_overloaded" }), "overloaded"],
  [new RunError("run_failed", "x", { kind: "model_unavailable" }), "overloaded"],
  [new RunError("run_failed", "x", { kind: "model_quota", httpStatus: 429 }), "quota"],
  [new RunError("run_failed", "x", { kind: "model_authentication", httpStatus: 400 }), "authentication"],
  [new RunError("run_failed", "x", { kind: "context_window", httpStatus: 400 }), undefined],
  [new RunError("run_failed", "x", { kind: "model_timeout" }), undefined],
  [new RunError("run_failed", "a tool's mistake", { kind: "user_code", httpStatus: 401 }), undefined],
])("of %s the trouble is %s", (error, trouble) => {
  expect(providerTrouble(error)).toBe(trouble);
});
