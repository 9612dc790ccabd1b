import { describe, expect, test } from "vitest";
import { setup } from "xstate";
import { defineAgent } from "../../src/agent/define.ts";
import type { AgentSpec } from "../../src/agent/spec.ts";
import { type Budget, budget } from "../../src/otp/policy/budget.ts";
import { byExitReason } from "../../src/otp/policy/by-exit-reason.ts";
import { exponentialBackoff } from "../../src/otp/policy/exponential-backoff.ts";
import { defineSupervisor } from "../../src/otp/supervisor/start.ts";
import type { Faults, Life } from "../../src/simulate/faults.ts";
import type { SimulationResult } from "../../src/simulate/result.ts";
import { simulate } from "../../src/simulate/simulate.ts";
import { simulationText } from "../../src/simulate/table.ts";
import type { Lives } from "../../src/simulate/world.ts";

const agent = (id: string, spec: Partial<AgentSpec> = {}) => defineAgent({ id, entry: "a.py:agent", ...spec });

/** Lives by child, one worker after the other; then they live for ever. */
const lives =
  (all: Readonly<Record<string, readonly Life[]>>): Lives =>
  (id, _path, incarnation) =>
    all[id]?.[incarnation - 1] ?? { startMs: 10 };
const crash = (afterMs: number, startMs = 10): Life => ({ startMs, crash: { afterMs, kind: "signaled" } });

test("an agent that crashes is down until its policy's pause and its start have passed", async () => {
  const tree = { children: [agent("a", { policy: exponentialBackoff({ firstMs: 100, jitter: 0 }) })] };
  const result = await simulate(tree, {}, { forMs: 5_000 }, { lives: lives({ a: [crash(1_000), crash(500)] }) });
  expect(result.decisions.map(({ atMs, delayMs, because }) => ({ atMs, delayMs, because }))).toEqual([
    { atMs: 1_010, delayMs: 100, because: "1 failure; the next start in 100 ms" },
    { atMs: 1_620, delayMs: 200, because: "2 failures in a row; the next start in 200 ms" },
  ]);
  const [child] = result.children;
  expect(child).toMatchObject({ path: "system/a", state: "up", starts: 3, crashes: 2, restarts: 2 });
  expect(child?.spans.map(({ state, fromMs, toMs }) => `${state} ${fromMs} ${toMs}`)).toEqual([
    "starting 0 10",
    "up 10 1010",
    "down 1010 1110",
    "starting 1110 1120",
    "up 1120 1620",
    "down 1620 1820",
    "starting 1820 1830",
    "up 1830 5000",
  ]);
  expect(child?.downMs).toBe(10 + 100 + 10 + 200 + 10);
});

test("an agent with instances has as many workers, and a spare takes the place of one that dies", async () => {
  const policy = exponentialBackoff({ firstMs: 100, jitter: 0 });
  const tree = (spare: boolean) => ({ children: [agent("a", { policy, instances: 3, spare })] });
  const play = (spare: boolean) =>
    simulate(tree(spare), {}, { forMs: 5_000 }, { lives: lives({ a: [crash(1_000, 200)] }) });
  const [without, withSpare] = await Promise.all([play(false), play(true)]);
  expect(without.decisions.map(({ path, delayMs }) => `${path} ${delayMs}`)).toEqual(["system/a/a/1 100"]);
  // Two of the three serve all the while.
  expect(without.children).toMatchObject([{ path: "system/a", starts: 4, crashes: 1, restarts: 1, downMs: 10 }]);
  expect(withSpare.children).toMatchObject([{ path: "system/a", starts: 5, crashes: 1, restarts: 1 }]);
});

test("an agent gets instances as runs wait, and loses those that nobody needs", async () => {
  const tree = {
    children: [agent("a", { maxConcurrency: 1, instances: { min: 0, max: 3, scaleUpAfterMs: 100, idleMs: 1_000 } })],
  };
  const faults = { others: { startMs: 50, runs: { everyMs: 20_000, takesMs: 300 } } };
  const { children } = await simulate(tree, faults, { forMs: 50_000 });
  expect(children).toMatchObject([{ starts: 2, served: 2, waitMs: { mean: 50, max: 50 } }]);
});

test("a worker that has served long enough is followed by the next one without a gap", async () => {
  const tree = { children: [agent("a", { recycle: { maxRuns: 10 } })] };
  const faults = { others: { startMs: 500, runs: { everyMs: 100, takesMs: 50 } } };
  const { children } = await simulate(tree, faults, { forMs: 10_000 });
  expect(children).toMatchObject([{ state: "up", crashes: 0, downMs: 500, lost: 0, rejected: 0 }]);
  expect(children[0]?.starts).toBeGreaterThan(5);
});

test("what crashes too often brings its supervisor down, then the root: that is the end", async () => {
  const team = defineSupervisor({ id: "team", maxRestarts: 1, children: [agent("a"), agent("b")] });
  const all = Array.from({ length: 9 }, () => crash(10));
  const result = await simulate(
    { maxRestarts: 0, children: [team] },
    {},
    { forMs: 60_000 },
    { lives: lives({ a: all }) },
  );
  expect(result.gaveUp.map(({ path, child }) => `${path} because of ${child}`)).toEqual([
    "system/team because of system/team/a",
    "system because of system/team",
  ]);
  expect(result.endedAtMs).toBe(40);
  expect(result.children.map(({ state }) => state)).toEqual(["stopped", "stopped"]);
});

test("siblings begin again as the strategy says", async () => {
  const children = ["a", "b", "c"].map((id) => agent(id));
  const { children: all } = await simulate(
    { strategy: "rest_for_one", children },
    {},
    { forMs: 10_000 },
    { lives: lives({ b: [crash(100)] }) },
  );
  expect(all.map(({ id, starts, crashes, restarts }) => `${id} ${starts} ${crashes} ${restarts}`)).toEqual([
    "a 1 0 0",
    "b 2 1 1",
    "c 2 0 1",
  ]);
});

test("a start that fails is tried again, or leaves the agent down, as a live one", async () => {
  const fails = (failsAs: "load_failed" | "load_failed_once"): Life => ({ startMs: 10, failsAs });
  const { decisions, children } = await simulate(
    { children: [agent("a"), agent("b")] },
    {},
    { forMs: 10_000 },
    { lives: lives({ a: [fails("load_failed_once"), fails("load_failed_once")], b: [fails("load_failed")] }) },
  );
  expect(decisions.map(({ path, decision, because }) => `${path} ${decision}: ${because}`)).toEqual([
    "system/a restart: 1 start has failed; the next one in 100 ms",
    "system/b leave: its first start failed in a way that trying again does not mend",
    "system/a restart: 2 starts in a row have failed; the next one in 200 ms",
  ]);
  expect(children.map(({ state }) => state)).toEqual(["up", "stopped"]);
});

test("policies are told how a worker ended, as of a live one", async () => {
  const kinds = ["exited", "finished", "signaled", "crashed", "out_of_memory", "hung", "connection_lost"] as const;
  const rules = Object.fromEntries(
    ["exited", "normal", "signaled", "out_of_memory", "hung", "connection_lost"].map((name, index) => [
      name,
      { restartAfterMs: index + 1 },
    ]),
  );
  const all = kinds.map((kind): Life => ({ startMs: 0, crash: { afterMs: 60_000, kind } }));
  const tree = { children: [agent("a", { policy: byExitReason(rules) })] };
  const { decisions } = await simulate(tree, {}, { forMs: 3_600_000 }, { lives: lives({ a: all }) });
  expect(decisions.map(({ because }) => /"(.*)"/.exec(because)?.[1])).toEqual([
    "exited",
    "normal",
    "signaled",
    "signaled",
    "out_of_memory",
    "hung",
    "connection_lost",
  ]);
});

describe("runs", () => {
  const faults = (everyMs: number, takesMs: number): Faults => ({ others: { startMs: 0, runs: { everyMs, takesMs } } });

  test("are served as they come, and wait for a place", async () => {
    const tree = { children: [agent("a", { maxConcurrency: 1 })] };
    const { children } = await simulate(tree, faults(100, 150), { forMs: 1_000 });
    // One every 100 ms, each 150 ms: at 1,000 ms ten were asked for, six answered, one works.
    expect(children[0]).toMatchObject({ served: 6, waiting: 3, rejected: 0, waitMs: { mean: 150, max: 300 } });
  });

  test("are refused when too many wait, and lost with their worker", async () => {
    const tree = { children: [agent("a", { maxConcurrency: 1, maxQueue: 1 })] };
    const only: Lives = (_id, _path, incarnation) => (incarnation === 1 ? crash(520, 0) : { startMs: 10_000 });
    const { children } = await simulate(tree, faults(100, 1_000), { forMs: 1_000 }, { lives: only });
    expect(children[0]).toMatchObject({ served: 0, lost: 1, waiting: 1, rejected: 8 });
  });

  test("are tried again as their agent's retry says, where they may act twice", async () => {
    const retry = { onWorkerExit: "if_idempotent" } as const;
    const tree = { children: [agent("a", { retry })] };
    const play = async (idempotent: boolean) => {
      const runs = { everyMs: 400, takesMs: 200, idempotent };
      const { children } = await simulate(
        tree,
        { others: { startMs: 0, runs } },
        { forMs: 1_000 },
        { lives: lives({ a: [crash(500, 0), crash(100), crash(100)] }) },
      );
      return children[0];
    };
    expect(await play(false)).toMatchObject({ served: 1, lost: 1, retried: 0 });
    // The first dies with two workers in a row, and is set aside.
    expect(await play(true)).toMatchObject({ served: 1, lost: 1, retried: 1 });
  });

  test("wait for a budget, go on with another model or are rejected, and what they use counts", async () => {
    const play = async (at: Budget["at"] & (string | object)) => {
      const policy = budget({ tokens: 1_000, windowMs: 60_000, per: "tree", reserve: { tokens: 100 }, at });
      const tree = { policy, children: [agent("a"), defineSupervisor({ id: "team", children: [agent("b")] })] };
      const runs = { everyMs: 1_000, takesMs: 10, tokens: { from: 100, to: 100 }, cost: 0.01 };
      return await simulate(tree, { others: { startMs: 0, runs } }, { forMs: 59_000 });
    };
    const sums = ({ children }: SimulationResult) =>
      (["served", "rejected", "waiting", "degraded"] as const).map((name) =>
        children.reduce((sum, child) => sum + child[name], 0),
      );
    const [paused, rejected, degraded] = await Promise.all([play("pause"), play("reject"), play({ model: "small" })]);
    expect(sums(paused)).toEqual([10, 0, 108, 0]);
    expect(sums(rejected)).toEqual([10, 108, 0, 0]);
    expect(sums(degraded)).toEqual([116, 0, 0, 108]);
    expect(paused.limits.map(({ atMs, path, by }) => `${atMs} ${path} ${by}`)).toEqual([
      "6000 system/a wait",
      "6000 system/team/b wait",
    ]);
    expect(simulationText(degraded)).toContain(
      "    6.0s  system/a: runs go on with another model: 1000 of 1000 tokens within 60000 ms are used or reserved",
    );
  });

  test("end when their time is up, waiting included, and when their callers leave", async () => {
    const play = async (
      runs: Partial<NonNullable<NonNullable<Faults["others"]>["runs"]>>,
      spec: Partial<AgentSpec>,
    ) => {
      const tree = { children: [agent("a", spec)] };
      const all = { everyMs: 100, takesMs: 150, ...runs };
      const result = await simulate(tree, { others: { startMs: 0, runs: all } }, { forMs: 1_000 });
      return result.children[0];
    };
    // The first is answered at 250. The second begins then, and its time is up at 400; the third begins then, and its time is up at 500; and so on.
    const one = { maxConcurrency: 1 };
    expect(await play({ timeoutMs: 200 }, one)).toMatchObject({ served: 1, timedOut: 7, cancelled: 0, rejected: 0 });
    // Whoever comes first, the deadline or the leaving caller, has it.
    expect(await play({ timeoutMs: 200, cancelAfterMs: 199 }, one)).toMatchObject({ timedOut: 0, cancelled: 7 });
    expect(await play({ timeoutMs: 199, cancelAfterMs: 200 }, one)).toMatchObject({ timedOut: 7, cancelled: 0 });
    // Nobody leaves who has his answer.
    expect(await play({ timeoutMs: 151, cancelAfterMs: 151 }, {})).toMatchObject({
      served: 8,
      timedOut: 0,
      cancelled: 0,
    });
  });

  test("that were left keep their place until the worker has ended them, or would have been done", async () => {
    const play = async (lingersMs: number, takesMs = 10_000) => {
      const tree = { children: [agent("a", { maxConcurrency: 1 })] };
      const runs = { everyMs: 1_000, takesMs, timeoutMs: 1_500, lingersMs };
      const result = await simulate(tree, { others: { startMs: 0, runs } }, { forMs: 9_900 });
      return result.children[0];
    };
    // At once the next one begins: one waits for 500 ms, the next not at all.
    expect(await play(0)).toMatchObject({ served: 0, timedOut: 8, waiting: 0, waitMs: { max: 500 } });
    // For 2 s no place is free: some time out in the queue.
    const lingering = await play(2_000);
    expect(lingering).toMatchObject({ served: 0, timedOut: 8 });
    expect(lingering?.waitMs.max).toBeGreaterThan(500);
    // Nothing goes on for longer than it would have taken.
    const whole = await play(1_600, 1_600);
    expect(await play(60_000, 1_600)).toEqual(whole);
    expect(await play(0, 1_600)).not.toEqual(whole);
  });

  test("whose callers have left end with their worker and are not lost; those that are tried again keep their deadline", async () => {
    const play = async (spec: Partial<AgentSpec>, runs: NonNullable<NonNullable<Faults["others"]>["runs"]>) => {
      const tree = { children: [agent("a", spec)] };
      const faults = { others: { startMs: 0, runs } };
      const result = await simulate(tree, faults, { forMs: 1_000 }, { lives: lives({ a: [crash(800, 0)] }) });
      return result.children[0];
    };
    const runs = { everyMs: 600, takesMs: 5_000, timeoutMs: 150 };
    expect(await play({}, { ...runs, lingersMs: 1_000 })).toMatchObject({ timedOut: 1, lost: 0, crashes: 1 });
    const again = { ...runs, timeoutMs: 300, idempotent: true };
    const retry = { onWorkerExit: "if_idempotent" } as const;
    expect(await play({ retry }, again)).toMatchObject({ timedOut: 1, retried: 1, lost: 0 });
  });

  test("of an agent that is left down are refused", async () => {
    const tree = { children: [agent("a", { restart: "temporary" })] };
    const { children } = await simulate(tree, faults(100, 10), { forMs: 1_000 }, { lives: lives({ a: [crash(250)] }) });
    expect(children[0]).toMatchObject({ state: "stopped", served: 2, rejected: 8 });
  });
});

describe("a child that is no agent", () => {
  const machine = setup({}).createMachine({
    id: "machine",
    entry: () => {
      throw new Error("its own code runs");
    },
  });

  test("starts and ends by its faults, and none of its code runs", async () => {
    const tree = {
      maxRestarts: 9,
      children: [
        { id: "m", logic: machine },
        { id: "s", start: () => undefined },
      ],
    };
    const result = await simulate(tree, {}, { forMs: 1_000 }, { lives: lives({ m: [crash(100), crash(100)] }) });
    expect(result.children).toMatchObject([
      { id: "m", type: "other", state: "up", starts: 3, crashes: 2 },
      { id: "s", type: "other", state: "up", starts: 1, crashes: 0 },
    ]);
    expect(result.decisions[0]?.reason).toContain("simulated: signaled");
  });
});

describe("chance", () => {
  const faults: Faults = {
    others: {
      crashAfterMs: { meanMs: 30_000 },
      crashKinds: { signaled: 2, hung: 1 },
      startFailures: 0.1,
      runs: {
        everyMs: { meanMs: 5_000 },
        takesMs: { fromMs: 10, toMs: 1_000 },
        timeoutMs: { oneOf: [500, 60_000] },
        cancelAfterMs: { meanMs: 2_000 },
        lingersMs: { fromMs: 0, toMs: 400 },
      },
    },
  };
  const children = (count: number) =>
    Array.from({ length: count }, (_, at) => agent(`a${at}`, { policy: exponentialBackoff() }));
  const play = (seed: number, count = 3) => simulate({ children: children(count) }, faults, { seed, forMs: 600_000 });

  test("the same seed makes the same simulation, byte for byte; another seed another", async () => {
    const [one, same, other] = await Promise.all([play(1), play(1), play(2)]);
    expect(JSON.stringify(same)).toBe(JSON.stringify(one));
    expect(JSON.stringify(other)).not.toBe(JSON.stringify({ ...one, seed: 2 }));
    expect(one.decisions.length).toBeGreaterThan(20);
  });

  test("a child that is added changes nothing for the others", async () => {
    const [three, four] = await Promise.all([play(1, 3), play(1, 4)]);
    expect(four.children.slice(0, 3)).toEqual(three.children);
  });
});

test.each([
  [{ forMs: 0 }, {}, "options.forMs is 0"],
  [{ forMs: 1, seed: 0.5 }, {}, "options.seed is 0.5"],
  [
    { forMs: 1 },
    { children: new Map([["b", {}]]) as object },
    "faults.children is a Map; it must be an object of faults",
  ],
  [{ forMs: 1 }, { children: { b: {} } }, 'faults.children.b is "b"; it must be the id of a child of the tree'],
  [{ forMs: 1 }, { others: { startMs: -1 } }, "faults.others.startMs is -1"],
  [{ forMs: 1 }, { others: { runs: { everyMs: 0, takesMs: 0 } } }, "faults.others.runs.everyMs is 0"],
  [{ forMs: 1 }, { others: { runs: { everyMs: 1, takesMs: 0, timeoutMs: 0 } } }, "faults.others.runs.timeoutMs is 0"],
  [{ forMs: 1 }, { others: { runs: { everyMs: 1, takesMs: 0, cancelAfterMs: -1 } } }, "runs.cancelAfterMs is -1"],
  [{ forMs: 1 }, { others: { runs: { everyMs: 1, takesMs: 0, lingersMs: "x" } } }, 'runs.lingersMs is "x"'],
  [{ forMs: 1 }, { others: { runs: { everyMs: 1, takesMs: 0, tokens: -1 } } }, "faults.others.runs.tokens is -1"],
  [{ forMs: 1 }, { others: { runs: { everyMs: 1, takesMs: 0, cost: { mean: 9e9 } } } }, "faults.others.runs.cost is"],
  [{ forMs: 1 }, { others: { runs: { everyMs: 1, takesMs: 0, idempotent: 1 } } }, "faults.others.runs.idempotent is 1"],
  [{ forMs: 1 }, { others: { crashKinds: { gone: 1 } } }, "faults.others.crashKinds.gone"],
  [{ forMs: 1 }, { others: { crashKinds: { hung: 0 } } }, "faults.others.crashKinds is"],
  [{ forMs: 1 }, { others: { startFailures: 2 } }, "faults.others.startFailures is 2"],
])("%j and %j are refused", async (options, faults, message) => {
  await expect(simulate({ children: [agent("a")] }, faults as Faults, options)).rejects.toThrow(message);
});
