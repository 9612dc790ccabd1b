import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { byExitReason } from "../../../src/otp/policy/by-exit-reason.ts";
import { exponentialBackoff } from "../../../src/otp/policy/exponential-backoff.ts";
import { wantsRestart } from "../../../src/otp/policy/restart-policy.ts";
import { crash, expectPure, play, refusal, steps } from "./exits.ts";

const rules = {
  hung: { restartAfterMs: 500 },
  out_of_memory: exponentialBackoff({ firstMs: 1_000, jitter: 0 }),
  module_missing: "leave",
  load_failed: "give_up",
  TypeError: "pass",
  error: "leave",
} as const;

const ends = (...reasons: object[]) => reasons.map((reason) => ({ gapMs: 0, exit: crash({ reason }) }));

describe("byExitReason", () => {
  test("the rule of the most telling name counts, and without one it passes", () => {
    const answers = play(
      byExitReason(rules),
      ends(
        { cause: "hung" },
        { cause: "load_failed", loadFailure: { kind: "module_missing" } },
        { cause: "load_failed", loadFailure: { kind: "module_failed" } },
        new TypeError("a mistake"),
        new Error("another"),
        { cause: "signaled" },
      ),
    );
    expect(answers.map(({ type, delayMs }) => `${type} ${delayMs}`)).toEqual([
      "restart 500",
      "leave 0",
      "give_up 0",
      "pass 0",
      "leave 0",
      "pass 0",
    ]);
    expect(answers[0]?.because).toBe('the rule for "hung": after 500 ms');
    expect(answers[1]?.because).toBe('the rule for "module_missing" says so');
  });

  test("a policy as a rule keeps its state, whatever ends lie between", () => {
    const memory = { cause: "out_of_memory" };
    const answers = play(byExitReason(rules), ends(memory, { cause: "hung" }, memory));
    expect(answers.map(({ delayMs }) => delayMs)).toEqual([1_000, 500, 2_000]);
  });

  test("a name that objects have anyhow is a name as any other", () => {
    const policy = byExitReason({ constructor: exponentialBackoff({ firstMs: 5, jitter: 0 }) });
    expect(play(policy, [{ gapMs: 0, exit: crash({ reason: "constructor" }) }])).toMatchObject([{ delayMs: 5 }]);
  });

  test("no rule revives a child that its restart type leaves down", () => {
    fc.assert(
      fc.property(steps, (sequence) => {
        for (const { exit, type } of play(byExitReason({ ...rules, normal: { restartAfterMs: 1 } }), sequence)) {
          if (!wantsRestart(exit.restart, exit.reason)) expect(type).toBe("pass");
        }
      }),
    );
  });

  test("is pure", () => expectPure(() => byExitReason(rules)));

  test.each([
    [{ hung: "restart" }, "rules.hung", "restart"],
    [{ hung: { restartAfterMs: 0 } }, "rules.hung.restartAfterMs", 0],
    [{ hung: { delayMs: 5 } }, "rules.hung.delayMs", 5],
    [[], "rules", []],
    [null, "rules", null],
  ])("%o is refused by its name", (given, field, value) => {
    expect(refusal(() => byExitReason(given as never))).toEqual({ code: "invalid_argument", field, value });
  });
});
