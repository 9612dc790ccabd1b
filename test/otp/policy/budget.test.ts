import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { type Budget, budget, budgetOfRuns } from "../../../src/otp/policy/budget.ts";
import { byExitReason } from "../../../src/otp/policy/by-exit-reason.ts";
import { comparePolicies } from "../../../src/otp/policy/description.ts";
import { exponentialBackoff, withBackoff } from "../../../src/otp/policy/exponential-backoff.ts";
import { forChildren, policies } from "../../../src/otp/policy/policies.ts";
import { restartIntensity } from "../../../src/otp/policy/restart-policy.ts";
import {
  type RunDecision,
  type RunHappening,
  type RunPolicy,
  runPolicyOf,
} from "../../../src/otp/policy/run-policy.ts";
import { crash, refusal } from "./exits.ts";
import { asked, type Move, moves, settled, usageOf } from "./runs.ts";

/** Tells a policy one thing after the other, `[atMs, happened]`; its answers. */
function tell(policy: RunPolicy, story: readonly (readonly [number, RunHappening])[]): RunDecision[] {
  let state: unknown;
  return story.map(([atMs, happened]) => {
    const answer = policy(state, happened, atMs);
    state = answer.state;
    return answer.decision;
  });
}

const of = (options: Budget) => budgetOfRuns(options) as RunPolicy;
const types = (decisions: readonly RunDecision[]) => decisions.map(({ type }) => type);

describe("budget", () => {
  test("a run reserves before it goes, and what it has used stands in place of that when it has ended", () => {
    const policy = of({ tokens: 100, windowMs: 60_000, reserve: { tokens: 40 } });
    const decisions = tell(policy, [
      [0, asked("1")],
      [1, asked("2")],
      [2, asked("3")],
      [3, settled("1", usageOf(5))],
      [4, asked("3")],
      [5, asked("4")],
    ]);
    expect(types(decisions)).toEqual(["pass", "pass", "wait", "pass", "pass", "wait"]);
    expect(decisions[2]).toEqual({
      type: "wait",
      because: "80 of 100 tokens within 60000 ms are used or reserved, and a run reserves 40",
    });
  });

  test("what was used is forgotten when it is out of the window, and a run that waits for that knows when", () => {
    const policy = of({ tokens: 100, windowMs: 60_000, reserve: { tokens: 40 } });
    const decisions = tell(policy, [
      [0, asked("1")],
      [500, settled("1", usageOf(90))],
      [1_000, asked("2")],
      [60_999, asked("2")],
      [61_000, asked("2")],
    ]);
    expect(types(decisions)).toEqual(["pass", "pass", "wait", "wait", "pass"]);
    expect(decisions[2]).toMatchObject({ untilMs: 61_000 });
  });

  test("without a reserve a run reserves what runs have used in the mean, before that a tenth", () => {
    const policy = of({ tokens: 1_000, windowMs: 60_000 });
    const story = (used: number) =>
      tell(policy, [
        ...Array.from({ length: 10 }, (_, index) => [0, asked(`${index}`)] as const),
        [0, asked("one more")],
        ...Array.from({ length: 10 }, (_, index) => [1, settled(`${index}`, usageOf(used))] as const),
        [2, asked("next")],
      ]).at(-1);
    expect(story(50)?.type).toBe("pass");
    expect(story(96)).toMatchObject({ because: expect.stringContaining("960 of 1000 tokens") });
    expect(story(96)).toMatchObject({ because: expect.stringContaining("a run reserves 96") });
  });

  test("a run that needs more than the whole budget reserves all of it, and goes when there is nothing else", () => {
    const policy = of({ tokens: 100, windowMs: 1_000 });
    const decisions = tell(policy, [
      [0, asked("1")],
      [0, settled("1", usageOf(5_000))],
      [10, asked("2")],
      [2_000, asked("2")],
      [2_000, asked("3")],
    ]);
    expect(types(decisions)).toEqual(["pass", "pass", "wait", "pass", "wait"]);
  });

  test("a run whose usage is not known counts as reserved, and so does one with requests that were not measured", () => {
    const policy = of({ tokens: 100, windowMs: 60_000, reserve: { tokens: 50 } });
    const story = (usage: Parameters<typeof settled>[1]) =>
      tell(policy, [
        [0, asked("1")],
        [1, settled("1", usage)],
        [2, asked("2")],
        [3, asked("3")],
      ]).at(-1);
    const because = expect.stringContaining("(1 run of unknown usage or cost counted as reserved)");
    expect(story(undefined)).toMatchObject({ type: "wait", because });
    expect(story({ ...usageOf(1), unmeasuredRequests: 1 })).toMatchObject({ type: "wait", because });
    expect(story(usageOf(0))).toMatchObject({ type: "pass" });
  });

  test("a run that was not begun gives back what it had reserved, and one that is not known takes only what it says", () => {
    const policy = of({ tokens: 100, windowMs: 60_000, reserve: { tokens: 60 } });
    const decisions = tell(policy, [
      [0, asked("1")],
      [1, { type: "returned", agentId: "a", runId: "1" }],
      [2, asked("1")],
      [3, { type: "returned", agentId: "a", runId: "1" }],
      [4, settled("of a policy before", undefined)],
      [5, asked("2")],
      [6, settled("2", usageOf(0))],
      [7, settled("of a policy before", usageOf(41))],
      [8, asked("3")],
    ]);
    expect(types(decisions).filter((_, index) => [0, 2, 5, 8].includes(index))).toEqual([
      "pass",
      "pass",
      "pass",
      "wait",
    ]);
  });

  test("cost is summed exactly, and where it is not known the reservation counts and is told", () => {
    const policy = of({ cost: 0.3, windowMs: 60_000, reserve: { cost: 0.1 } });
    const decisions = tell(policy, [
      [0, asked("1")],
      [0, asked("2")],
      [0, asked("3")],
      [1, settled("1", usageOf(10, "0.1"))],
      [1, settled("2", usageOf(10, "0.0999999"))],
      [1, settled("3", usageOf(10))],
      [2, asked("4")],
    ]);
    expect(types(decisions).slice(0, 3)).toEqual(["pass", "pass", "pass"]);
    expect(decisions.at(-1)).toMatchObject({
      because:
        "$0.2999999 of $0.3 within 60000 ms are used or reserved (1 run of unknown usage or cost counted as reserved), and a run reserves $0.1",
    });
  });

  test("tokens and cost are limits at the same time", () => {
    const policy = of({ tokens: 1_000, cost: 1, windowMs: 60_000, reserve: { tokens: 1, cost: 0.6 } });
    const [first, second] = tell(policy, [
      [0, asked("1")],
      [0, asked("2")],
    ]);
    expect([first?.type, second]).toMatchObject(["pass", { because: expect.stringContaining("$0.6 of $1") }]);
  });

  test("at the limit a run is rejected with the time after which there is room, or goes with another model, where that is said", () => {
    const story = (at: Budget["at"] & (object | string)) =>
      tell(of({ tokens: 100, windowMs: 6_000, reserve: { tokens: 100 }, at }), [
        [0, asked("1")],
        [50, asked("2")],
        [60, settled("1", usageOf(100))],
        [70, asked("3")],
        [80, settled("2", usageOf(30))],
        [6_099, asked("4")],
        [6_100, asked("5")],
      ]);
    const rejected = story("reject");
    expect(types(rejected)).toEqual(["pass", "refuse", "pass", "refuse", "pass", "refuse", "pass"]);
    expect(rejected[1]).not.toHaveProperty("retryAfterMs");
    expect(rejected[3]).toMatchObject({ retryAfterMs: 6_030 });
    const degraded = story({ model: "test" });
    expect(types(degraded)).toEqual(["pass", "degrade", "pass", "degrade", "pass", "degrade", "degrade"]);
    expect(degraded[1]).toMatchObject({ model: "test" });
  });

  test("each agent has a budget, or all have one, in which who waits longest goes first", () => {
    const story: [number, RunHappening][] = [
      [0, asked("1", "a")],
      [1, asked("2", "b")],
      [2, asked("3", "c")],
      [3, settled("1", usageOf(0), "a")],
      [4, asked("4", "a")],
      [5, asked("2", "b")],
      [6, settled("2", usageOf(0), "b")],
      [7, { type: "withdrawn", agentId: "c" }],
      [8, asked("4", "a")],
    ];
    const one = { tokens: 10, windowMs: 1_000, reserve: { tokens: 10 } };
    expect(types(tell(of(one), story.slice(0, 5)))).toEqual(["pass", "pass", "pass", "pass", "pass"]);
    const all = tell(of({ ...one, per: "tree" }), story);
    expect(types(all)).toEqual(["pass", "wait", "wait", "pass", "wait", "pass", "pass", "pass", "pass"]);
    expect(all[4]).toEqual({ type: "wait", because: 'runs of agent "b" wait before it', behind: "b" });
  });

  test("never more is used and reserved than the budget, as long as no run uses more than it has reserved; every state is JSON, and none is changed", () => {
    const limit = 10;
    const windowMs = 1_000;
    fc.assert(
      fc.property(fc.constantFrom("agent" as const, "tree" as const), moves(4), (per, list) => {
        const policy = budgetOfRuns({ tokens: limit, windowMs, reserve: { tokens: 4 }, per });
        const seen: { state: unknown; happened: RunHappening; atMs: number; answer: unknown }[] = [];
        const held: { runId: string; agentId: string }[] = [];
        const used: { agentId: string; atMs: number; tokens: number }[] = [];
        let state: ReturnType<typeof policy>["state"] | undefined;
        let atMs = 0;
        const ask = (happened: RunHappening) => {
          const answer = policy(state, happened, atMs);
          seen.push({ state: JSON.parse(JSON.stringify(state ?? null)) ?? undefined, happened, atMs, answer });
          state = Object.freeze(answer.state);
          return answer.decision;
        };
        for (const [index, move] of list.entries()) {
          atMs += move.afterMs;
          play(move, String(index), { ask, held, used, atMs });
          for (const agentId of per === "agent" ? ["a", "b", "c"] : [undefined]) {
            const mine = (one: { agentId: string }) => agentId === undefined || one.agentId === agentId;
            const spent = used.filter((one) => mine(one) && one.atMs > atMs - windowMs);
            const sum = spent.reduce((total, { tokens }) => total + tokens, 0);
            expect(sum + held.filter(mine).length * 4).toBeLessThanOrEqual(limit);
          }
        }
        for (const one of seen.toReversed()) {
          expect(policy(one.state as never, one.happened, one.atMs)).toEqual(one.answer);
        }
      }),
    );
  });

  test("policies are asked together: a run that one lets wait is nobody's, and goes when all let it", () => {
    const policy = policies(
      budget({ tokens: 100, windowMs: 60_000, reserve: { tokens: 30 } }),
      exponentialBackoff(),
      forChildren(["a"], budget({ tokens: 50, windowMs: 1_000, reserve: { tokens: 50 } })),
      restartIntensity({ maxRestarts: 3, periodMs: 5_000 }),
    );
    const runs = runPolicyOf(policy) as RunPolicy;
    const decisions = tell(runs, [
      [0, asked("1", "a")],
      [1, asked("2", "a")],
      [2, asked("3", "b")],
      [3, asked("4", "b")],
      [4, settled("1", usageOf(0), "a")],
      [5, asked("2", "a")],
    ]);
    // The waiting run of "a" has reserved nothing of the first budget.
    expect(types(decisions)).toEqual(["pass", "wait", "pass", "pass", "pass", "pass"]);
    expect(policy(undefined, crash(), 0).decision.type).toBe("restart");
    expect(budget({ tokens: 1, windowMs: 1 })(undefined, crash(), 0).decision.type).toBe("pass");
  });

  test("the first other model of several is taken, unless one lets the run wait", () => {
    const at = (model: string) => budget({ tokens: 1, windowMs: 60_000, reserve: { tokens: 1 }, at: { model } });
    const both = runPolicyOf(policies(at("first"), at("second"))) as RunPolicy;
    const story = [[0, asked("1")] as const, [1, asked("2")] as const];
    expect(tell(both, story)[1]).toMatchObject({ type: "degrade", model: "first" });
    const waiting = policies(at("first"), budget({ tokens: 1, windowMs: 60_000, reserve: { tokens: 1 } }));
    expect(types(tell(runPolicyOf(waiting) as RunPolicy, story))).toEqual(["pass", "wait"]);
  });

  test("withBackoff keeps it, and byExitReason, which is asked about ends alone, refuses it", () => {
    const own = budget({ tokens: 1, windowMs: 1 });
    expect(runPolicyOf(withBackoff(own, {}))).toBe(runPolicyOf(own));
    expect(refusal(() => byExitReason({ crash: own }))).toMatchObject({ field: "rules.crash" });
  });

  test("two of equal options are the same", () => {
    const make = (tokens: number) => budget({ tokens, windowMs: 1_000, reserve: { tokens: 1 } });
    expect([comparePolicies(make(5), make(5)), comparePolicies(make(5), make(6))]).toEqual(["same", "different"]);
  });

  test.each([
    [{ windowMs: 1 }, "options"],
    [{ tokens: 0, windowMs: 1 }, "options.tokens"],
    [{ cost: 0, windowMs: 1 }, "options.cost"],
    [{ cost: "1", windowMs: 1 }, "options.cost"],
    [{ cost: 2_000_000, windowMs: 1 }, "options.cost"],
    [{ tokens: 1, windowMs: 0 }, "options.windowMs"],
    [{ tokens: 1, windowMs: 1, per: "run" }, "options.per"],
    [{ tokens: 1, windowMs: 1, at: "stop" }, "options.at"],
    [{ tokens: 1, windowMs: 1, at: { model: "" } }, "options.at"],
    [{ tokens: 1, windowMs: 1, at: { model: "x", after: 1 } }, "options.at.after"],
    [{ tokens: 1, windowMs: 1, reserve: { tokens: 2 } }, "options.reserve.tokens"],
    [{ tokens: 1, windowMs: 1, reserve: { cost: 1 } }, "options.reserve.cost"],
    [{ tokens: 1, windowMs: 1, limit: 1 }, "options.limit"],
  ])("refuses %o", (options, field) => {
    expect(refusal(() => budget(options as never))).toMatchObject({ code: "invalid_argument", field });
  });
});

/** Plays one move of the world around a policy. */
function play(
  move: Move,
  runId: string,
  world: {
    readonly ask: (happened: RunHappening) => RunDecision;
    readonly held: { runId: string; agentId: string }[];
    readonly used: { agentId: string; atMs: number; tokens: number }[];
    readonly atMs: number;
  },
): void {
  const { ask, held, used, atMs } = world;
  const { agent: agentId, tokens } = move;
  if (move.what === "none") {
    ask({ type: "withdrawn", agentId });
    return;
  }
  if (move.what === "come") {
    if (ask({ type: "asked", agentId, runId }).type === "pass") held.push({ runId, agentId });
    return;
  }
  const [run] = held.splice(move.pick % Math.max(1, held.length), 1);
  if (run === undefined) return;
  if (move.what === "return") {
    ask({ type: "returned", ...run });
    return;
  }
  const known = move.what === "end";
  used.push({ agentId: run.agentId, atMs, tokens: known ? tokens : 4 });
  ask({ type: "settled", ...run, usage: known ? usageOf(tokens) : undefined });
}
