import { describe, expect, test } from "vitest";
import { defineAgent } from "../../src/agent/define.ts";
import type { AgentSpec } from "../../src/agent/spec.ts";
import { byExitReason } from "../../src/otp/policy/by-exit-reason.ts";
import { byRunError } from "../../src/otp/policy/by-run-error.ts";
import { circuitBreaker } from "../../src/otp/policy/circuit-breaker.ts";
import { exponentialBackoff, withBackoff } from "../../src/otp/policy/exponential-backoff.ts";
import { forChildren, policies } from "../../src/otp/policy/policies.ts";
import { restartBudget } from "../../src/otp/policy/restart-budget.ts";
import { type AnyRestartPolicy, type PassingPolicy, restartIntensity } from "../../src/otp/policy/restart-policy.ts";
import { defineSupervisor } from "../../src/otp/supervisor/start.ts";
import { type ExploreOptions, explore } from "../../src/simulate/explore.ts";

const agent = (id: string, spec: Partial<AgentSpec> = {}) => defineAgent({ id, entry: "a.py:agent", ...spec });
const start = () => undefined;

/** Two agents that are alike, of each restart type, and a child that is none, under a policy. */
const tree = (policy?: AnyRestartPolicy) => ({
  ...(policy === undefined ? {} : { policy }),
  children: [
    agent("a"),
    agent("b"),
    agent("c", { restart: "transient" }),
    agent("d", { restart: "temporary" }),
    { id: "e", start },
  ],
});
const found = (policy: AnyRestartPolicy) => explore(tree(policy), { depth: 2 }).findings;

describe("the planted fault of a wrong policy is found, with the shortest sequence of ends", () => {
  test("one that restarts for ever", () => {
    const always: PassingPolicy = (state, exit) =>
      exit.restart === "permanent"
        ? { decision: { type: "restart", delayMs: 1, because: "again" }, state }
        : { decision: { type: "pass" }, state };
    const [first, ...rest] = found(always);
    expect(first).toMatchObject({ type: "restarts_for_ever", path: "system/a", repeats: true });
    expect(first?.ends).toEqual([
      { path: "system/a", kind: "exited", afterMs: 0, decision: "restart", delayMs: 1, because: "again" },
    ]);
    expect(new Set(rest.map(({ type }) => type))).toEqual(new Set(["restarts_for_ever"]));
  });

  test("one that restarts for ever when a child ends in two ways by turns", () => {
    const notTwice: PassingPolicy<string> = (last, { reason }) => {
      const now =
        typeof reason === "object" && reason !== null && "cause" in reason ? String(reason.cause) : String(reason);
      if (now === last) return { decision: { type: "give_up", because: "the same again" }, state: now };
      return { decision: { type: "restart", delayMs: 0, because: "another" }, state: now };
    };
    const finding = found(notTwice).find(({ type }) => type === "restarts_for_ever");
    expect(finding?.ends.map(({ kind }) => kind)).toEqual(["exited", "signaled"]);
  });

  test("one that starves a sibling", () => {
    /** It counts the ends of all children alike. */
    const shared: PassingPolicy<number> = (count = 0, exit) => {
      if (exit.restart !== "permanent") return { decision: { type: "pass" }, state: count };
      const state = count + 1;
      if (state > 3) return { decision: { type: "leave", because: "too many" }, state };
      return { decision: { type: "restart", delayMs: 500, because: `end ${state}` }, state };
    };
    const finding = found(shared).find(({ type, path }) => type === "starves_sibling" && path === "system/b");
    expect(finding).toMatchObject({
      path: "system/b",
      sentence: expect.stringContaining("a sibling had ended 3 times"),
    });
    expect(finding?.ends.map(({ path, decision }) => `${path} ${decision}`)).toEqual([
      "system/a restart",
      "system/a restart",
      "system/a restart",
      "system/b leave",
    ]);
  });

  test("one that revives a child that is to stay down", () => {
    const eager: PassingPolicy<number> = (count = 0) => ({
      decision: { type: "restart", delayMs: 10_000, because: "it is missed" },
      state: count + 1,
    });
    const revived = found(eager).filter(({ type }) => type === "revives_stopped");
    expect(revived.map(({ path, ends }) => `${path} ${ends.map(({ kind }) => kind)}`)).toEqual([
      "system/c finished",
      "system/d exited",
    ]);
  });

  test("one that never recovers", () => {
    /** It forgets nothing. */
    const unforgiving: PassingPolicy<ReadonlyMap<string, number>> = (counts = new Map(), { childId, restart }) => {
      const count = (counts.get(childId) ?? 0) + 1;
      const state = new Map(counts).set(childId, count);
      if (restart !== "permanent") return { decision: { type: "pass" }, state };
      if (count > 4) return { decision: { type: "leave", because: "it had its chances" }, state };
      return { decision: { type: "restart", delayMs: 0, because: `chance ${count}` }, state };
    };
    const findings = found(unforgiving);
    expect(new Set(findings.map(({ type }) => type))).toEqual(new Set(["never_recovers"]));
    expect(findings[0]?.ends).toHaveLength(5);
    expect(findings[0]?.sentence).toContain("well for a day before each of its 5 ends is not restarted (leave)");
  });

  test("one that leaves every child down from the first", () => {
    const lazy: PassingPolicy = (state) => ({ decision: { type: "leave", because: "why bother" }, state });
    expect(found(lazy).map(({ type, ends }) => `${type} ${ends.length}`)).toContain("never_recovers 1");
  });

  test("one that fails", () => {
    const broken: PassingPolicy<number> = (count = 0) => {
      if (count === 1) throw new Error("off by one");
      return { decision: { type: "restart", delayMs: 1_000, because: "first" }, state: count + 1 };
    };
    const finding = found(broken).find(({ type }) => type === "policy_fails");
    expect(finding).toMatchObject({ sentence: expect.stringContaining("off by one") });
    expect(finding?.ends).toHaveLength(2);
  });
});

describe("nothing is found in what is built in", () => {
  test.each<[string, AnyRestartPolicy | undefined]>([
    ["no policy", undefined],
    ["restartIntensity", restartIntensity({ maxRestarts: 3, periodMs: 5_000 })],
    ["restartIntensity of many", restartIntensity({ maxRestarts: 1_000, periodMs: 1_000 })],
    ["exponentialBackoff", exponentialBackoff()],
    ["withBackoff", withBackoff(restartIntensity({ maxRestarts: 3, periodMs: 5_000 }))],
    ["restartBudget", restartBudget({ maxRestarts: 3, periodMs: 60_000 })],
    [
      "restartBudget with an end of quarantine",
      restartBudget({ maxRestarts: 3, periodMs: 60_000, quarantineMs: 600_000 }),
    ],
    ["circuitBreaker", circuitBreaker()],
    [
      "byExitReason",
      byExitReason({ signaled: exponentialBackoff(), load_failed: "leave", hung: { restartAfterMs: 5_000 } }),
    ],
    ["byRunError", byRunError()],
    ["policies", policies(byRunError(), circuitBreaker())],
    ["forChildren", forChildren(["a"], exponentialBackoff())],
  ])("%s", (_name, policy) => {
    expect(explore(tree(policy), { depth: 2 }).findings).toEqual([]);
  });
});

test("the supervisors below are looked at, and a child's own policy", () => {
  const always: PassingPolicy = (state) => ({ decision: { type: "restart", delayMs: 0, because: "again" }, state });
  const inner = defineSupervisor({ id: "inner", children: [agent("a", { policy: always }), agent("b")] });
  const { findings } = explore({ children: [defineSupervisor({ id: "outer", children: [inner] })] }, { depth: 1 });
  expect(findings.map(({ type, path }) => `${type} ${path}`)).toEqual(["restarts_for_ever system/outer/inner/a"]);
});

test("what was not looked at is said", () => {
  const children = Array.from({ length: 9 }, (_, at) => agent(`a${at}`));
  const { notExplored, sequences } = explore({ children }, { depth: 2, maxSequences: 100 });
  expect(sequences).toBeGreaterThan(100);
  expect(notExplored).toEqual([
    '7 of the 9 children of "system": alike, or too many',
    'mixed sequences of "system" beyond the first 100 (maxSequences)',
    expect.stringContaining("mixed sequences longer than 2"),
    expect.stringContaining("ends that do not count"),
    expect.stringContaining("kinds of end"),
  ]);
});

test.each([
  [{ depth: 0 }, "options.depth is 0"],
  [{ maxSequences: 0.5 }, "options.maxSequences is 0.5"],
  [{ deep: 1 }, "options.deep"],
])("%j is refused", (options, message) => {
  expect(() => explore({ children: [] }, options as ExploreOptions)).toThrow(message);
});
