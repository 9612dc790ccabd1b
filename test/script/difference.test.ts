import { describe, expect, test } from "vitest";
import { setup } from "xstate";
import { defineAgent } from "../../src/agent/define.ts";
import type { AgentSpec } from "../../src/agent/spec.ts";
import { record } from "../../src/inspect/record.ts";
import { byExitReason } from "../../src/otp/policy/by-exit-reason.ts";
import { exponentialBackoff } from "../../src/otp/policy/exponential-backoff.ts";
import type { PassingPolicy } from "../../src/otp/policy/restart-policy.ts";
import type { ChildSpec } from "../../src/otp/supervisor/child-spec.ts";
import type { SupervisorSpec } from "../../src/otp/supervisor/spec.ts";
import { defineSupervisor } from "../../src/otp/supervisor/start.ts";
import { compareSystems } from "../../src/script/difference.ts";
import type { SystemOptions } from "../../src/system-options.ts";

const agent = (spec: Partial<AgentSpec> = {}) => defineAgent({ id: "chat", entry: "a.py:agent", ...spec });
const team = (children: ChildSpec[], spec: Partial<SupervisorSpec> = {}) =>
  defineSupervisor({ id: "team", children, ...spec });
const backoff = (firstMs: number) => exponentialBackoff({ firstMs });
const own =
  (ms: number): PassingPolicy =>
  (state) => ({
    decision: { type: "restart", delayMs: ms, because: "mine" },
    state,
  });

/** What differs, with the policies as `path:state`. */
function difference(before: SystemOptions, after: SystemOptions) {
  const { policies, other } = compareSystems(before, after);
  return { policies: policies.map(({ path, state }) => `${path}:${state}`), other };
}

test("descriptions that were made twice of the same values do not differ", () => {
  const make = (): SystemOptions => ({
    name: "answers",
    policy: byExitReason({ signaled: backoff(5), hung: "leave" }),
    python: { env: { A: "b" } },
    children: [team([agent({ env: { C: "d" }, retry: { onWorkerExit: "if_idempotent" }, output: "text" })])],
  });
  expect(difference(make(), make())).toEqual({ policies: [], other: undefined });
});

test("recorders do not differ when they were made with the same options", () => {
  const make = (maxBytes?: number) => ({ inspect: [record({ file: "run.jsonl", maxBytes })] });
  expect(difference(make(), make()).other).toBeUndefined();
  expect(difference(make(), make(1e6)).other).toBe("options.inspect[0].maxBytes");
  expect(difference(make(), { inspect: [record({ file: "other.jsonl" })] }).other).toBe("options.inspect[0].file");
  expect(difference(make(), { inspect: [() => undefined] }).other).toBe("options.inspect[0]");
});

describe("a policy that differs is to be set", () => {
  test("of the system, a supervisor and a child, by their paths", () => {
    const make = (ms: number) => ({
      policy: backoff(ms),
      children: [team([agent({ policy: byExitReason({ hung: backoff(ms) }) })], { policy: backoff(ms) })],
    });
    expect(difference(make(1), make(2))).toEqual({
      policies: ["system:reset", "system/team:reset", "system/team/chat:reset"],
      other: undefined,
    });
  });

  test("one that is gone is replaced by one that passes", () => {
    const { policies } = compareSystems({ policy: backoff(1) }, {});
    const exit = { childId: "a", restart: "permanent", reason: "killed", incarnation: 1 } as const;
    expect(policies.map(({ policy }) => (policy as PassingPolicy)(undefined, exit, 0).decision)).toEqual([
      { type: "pass" },
    ]);
  });

  test("somebody's own keeps its state when its text is the same, for what it refers to may have changed", () => {
    expect(difference({ policy: own(1) }, { policy: own(2) }).policies).toEqual(["system:keep"]);
    const other: PassingPolicy = (state) => ({ decision: { type: "pass" }, state });
    expect(difference({ policy: own(1) }, { policy: other }).policies).toEqual(["system:reset"]);
    expect(difference({ policy: own(1) }, { policy: backoff(1) }).policies).toEqual(["system:reset"]);
  });
});

test("a circle of values is compared once", () => {
  const circle = (n: number) => {
    const value: Record<string, unknown> = { n };
    value.self = value;
    return { children: [{ id: "a", start: Math.max as never, input: value }] } as SystemOptions;
  };
  expect(difference(circle(1), circle(1)).other).toBeUndefined();
  expect(difference(circle(1), circle(2)).other).toBe("options.children[0].input.n");
});

describe("anything else is named by its field", () => {
  const machine = () => setup({}).createMachine({ id: "machine" });
  const schema = () => ({
    "~standard": { version: 1 as const, vendor: "test", validate: (value: unknown) => ({ value }) },
  });

  test.each<[string, SystemOptions, SystemOptions]>([
    ["options.name", {}, { name: "answers" }],
    ["options.strategy", {}, { strategy: "one_for_all" }],
    ["options.maxRestarts", { maxRestarts: 1 }, { maxRestarts: 2 }],
    ["options.python.env.A", { python: { env: { A: "1" } } }, { python: { env: { A: "2" } } }],
    ["options.children", { children: [agent()] }, { children: [] }],
    ["options.children[0].id", { children: [agent()] }, { children: [agent({ id: "others" })] }],
    ["options.children[0].agent.entry", { children: [agent()] }, { children: [agent({ entry: "b.py:agent" })] }],
    ["options.children[0].strategy", { children: [team([])] }, { children: [team([], { strategy: "rest_for_one" })] }],
    [
      "options.children[0].children[0].agent.maxQueue",
      { children: [team([agent()])] },
      { children: [team([agent({ maxQueue: 1 })])] },
    ],
    ["options.children[0].logic", { children: [{ logic: machine() }] }, { children: [{ logic: machine() }] }],
  ])("%s", (field, before, after) => {
    expect(difference(before, after).other).toBe(field);
  });

  test("a schema of the same text is another one: what it refers to cannot be seen", () => {
    const same = schema();
    expect(
      difference({ children: [agent({ output: same })] }, { children: [agent({ output: same })] }).other,
    ).toBeUndefined();
    const { other } = difference(
      { children: [agent({ output: schema() })] },
      { children: [agent({ output: schema() })] },
    );
    expect(other).toBe("options.children[0].agent.output.~standard.validate");
  });
});
