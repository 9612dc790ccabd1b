import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { circuitBreaker } from "../../../src/otp/policy/circuit-breaker.ts";
import { exponentialBackoff } from "../../../src/otp/policy/exponential-backoff.ts";
import { forChildren, policies } from "../../../src/otp/policy/policies.ts";
import { type PassingPolicy, type RestartPolicy, restartIntensity } from "../../../src/otp/policy/restart-policy.ts";
import { crash, expectPure, play, refusal } from "./exits.ts";

/** A policy that answers or passes as it is told, and writes down that it was asked. */
function scripted(name: string, answers: boolean, asked: string[]): PassingPolicy<number> {
  return (state = 0) => {
    asked.push(`${name} ${state}`);
    const decision = answers ? ({ type: "leave", because: name } as const) : ({ type: "pass" } as const);
    return { decision, state: state + 1 };
  };
}

describe("policies", () => {
  test("the first answer counts, those behind it are not asked, and each keeps its own state", () => {
    fc.assert(
      fc.property(fc.array(fc.boolean(), { maxLength: 6 }), (answering) => {
        const asked: string[] = [];
        const list = answering.map((answers, index) => scripted(String(index), answers, asked));
        const first = answering.indexOf(true);
        const reached = first === -1 ? answering.length : first + 1;
        const outcome = play(
          policies(...list),
          [0, 0].map((gapMs) => ({ gapMs, exit: crash() })),
        );
        const expected = first === -1 ? "pass " : `leave ${first}`;
        expect(outcome.map(({ type, because }) => `${type} ${because}`)).toEqual([expected, expected]);
        const rounds = [0, 1].flatMap((round) => Array.from({ length: reached }, (_, index) => `${index} ${round}`));
        expect(asked).toEqual(rounds);
      }),
    );
  });

  test("nested lists ask in the order in which they are written", () => {
    const asked: string[] = [];
    const of = (name: string) => scripted(name, name === "d", asked);
    play(policies(policies(of("a"), of("b")), of("c"), policies(of("d")), of("e")), [{ gapMs: 0, exit: crash() }]);
    expect(asked).toEqual(["a 0", "b 0", "c 0", "d 0"]);
  });

  test("a list whose last policy always answers is a policy that always does", () => {
    const always: RestartPolicy<readonly unknown[]> = policies(
      circuitBreaker(),
      restartIntensity({ maxRestarts: 1, periodMs: 1 }),
    );
    expect(always(undefined, crash({ restart: "temporary" }), 0).decision.type).toBe("leave");
  });

  test("is pure", () => expectPure(() => policies(forChildren(["b"], exponentialBackoff()), circuitBreaker())));

  test("refuses what is no policy, by its place", () => {
    expect(refusal(() => policies(circuitBreaker(), {} as never))).toEqual({
      code: "invalid_argument",
      field: "list[1]",
      value: {},
    });
  });
});

describe("forChildren", () => {
  test("asks its policy about these children alone", () => {
    const asked: string[] = [];
    const policy = forChildren(["b", "c"], scripted("only", true, asked));
    const sequence = ["a", "b", "a", "c"].map((childId) => ({ gapMs: 0, exit: crash({ childId }) }));
    expect(play(policy, sequence).map(({ type }) => type)).toEqual(["pass", "leave", "pass", "leave"]);
    expect(asked).toEqual(["only 0", "only 1"]);
  });

  test.each([
    [["a", ""], circuitBreaker(), "ids", ["a", ""]],
    ["a", circuitBreaker(), "ids", "a"],
    [["a"], "leave", "policy", "leave"],
  ])("forChildren(%o, …) is refused by its name", (ids, policy, field, value) => {
    expect(refusal(() => forChildren(ids as never, policy as never))).toEqual({
      code: "invalid_argument",
      field,
      value,
    });
  });
});
