/**
 * What holds for every tree and every schedule: random supervisors, random crashes, kills, stops and starts, on a virtual clock. `FC_RUNS` runs
 * more; a counterexample prints its seed.
 */

import fc from "fast-check";
import { expect, test } from "vitest";
import { crashTree } from "./random-tree.ts";
import type { Step, TreePlan } from "./tree-plan.ts";

const runs = Number(process.env.FC_RUNS ?? 1_500);

const shutdownMs = fc.constantFrom(0, 20, 200, "infinity" as const, "brutal_kill" as const);

const outcome = fc.oneof(
  { weight: 8, arbitrary: fc.constant("run" as const) },
  { weight: 2, arbitrary: fc.constant("fail" as const) },
  { weight: 1, arbitrary: fc.constant("ignore" as const) },
  { weight: 1, arbitrary: fc.constant("hang" as const) },
);

const worker = fc.record({
  kind: fc.constant("worker" as const),
  restart: fc.constantFrom("permanent" as const, "permanent" as const, "transient" as const, "temporary" as const),
  shutdownMs,
  /** Without exits trapped its terminate hook does not run. */
  traps: fc.boolean(),
  startMs: fc.constantFrom(0, 0, 0, 5, 50),
  stopMs: fc.constantFrom(0, 0, 10, 300, Number.POSITIVE_INFINITY),
  named: fc.boolean(),
  /** How its starts go; those beyond the list run. Mostly the first one does, or there would be no tree. */
  starts: fc.oneof(
    { weight: 9, arbitrary: fc.array(outcome, { maxLength: 6 }).map((later) => ["run" as const, ...later]) },
    { weight: 1, arbitrary: fc.constantFrom(["fail" as const], ["ignore" as const]) },
  ),
});

const flags = {
  maxRestarts: fc.constantFrom(0, 1, 2, 5, 20),
  periodMs: fc.constantFrom(50, 500, 5_000),
  restart: fc.constantFrom("permanent" as const, "transient" as const, "temporary" as const),
};

const { tree } = fc.letrec<{ tree: TreePlan; node: TreePlan["children"][number]; dynamic: TreePlan }>((tie) => ({
  tree: fc.record({
    ...flags,
    kind: fc.constant("supervisor" as const),
    strategy: fc.constantFrom("one_for_one" as const, "one_for_all" as const, "rest_for_one" as const),
    children: fc.array(tie("node"), { minLength: 1, maxLength: 5, size: "max" }),
  }),
  dynamic: fc.record({
    ...flags,
    kind: fc.constant("dynamic" as const),
    strategy: fc.constant("one_for_one" as const),
    children: fc.constant([]),
  }),
  node: fc.oneof(
    { maxDepth: 3, depthSize: "medium" },
    { weight: 4, arbitrary: worker },
    { weight: 1, arbitrary: tie("dynamic") },
    { weight: 2, arbitrary: tie("tree") },
  ),
}));

/** The root takes more, or most schedules would go on without a tree. */
const root = fc.record({ tree, maxRestarts: fc.constantFrom(2, 20, 100, 100) }).map(({ tree: plan, maxRestarts }) => ({
  ...plan,
  maxRestarts,
}));

const pick = fc.nat({ max: 30 });
const step = fc.oneof<[fc.WeightedArbitrary<Step>, ...fc.WeightedArbitrary<Step>[]]>(
  {
    weight: 6,
    arbitrary: fc.record({
      do: fc.constant("end" as const),
      pick,
      reason: fc.constantFrom("normal", "shutdown", "died", "died"),
    }),
  },
  { weight: 4, arbitrary: fc.record({ do: fc.constant("kill" as const), pick }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant("killSupervisor" as const), pick, bySignal: fc.boolean() }) },
  { weight: 4, arbitrary: fc.record({ do: fc.constant("startChild" as const), pick, worker }) },
  {
    weight: 4,
    arbitrary: fc.record({
      do: fc.constantFrom("terminateChild" as const, "restartChild" as const, "deleteChild" as const),
      pick,
      child: pick,
    }),
  },
  {
    weight: 5,
    arbitrary: fc.record({ do: fc.constant("advance" as const), ms: fc.constantFrom(1, 10, 49, 50, 51, 200, 1_000) }),
  },
  { weight: 5, arbitrary: fc.record({ do: fc.constant("settle" as const) }) },
);

test(
  "kill, crash, stop or start anything at any moment: nothing leaks, nothing runs twice, every promise settles",
  async () => {
    const property = fc.asyncProperty(
      root,
      fc.array(step, { minLength: 5, maxLength: 60, size: "max" }),
      async (plan, steps) => {
        const broken = await crashTree(plan, steps);
        expect(broken).toEqual([]);
      },
    );
    await fc.assert(property, { numRuns: runs, endOnFailure: false });
  },
  10_000 + runs * 200,
);
