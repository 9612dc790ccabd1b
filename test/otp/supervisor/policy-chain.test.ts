import { describe, expect, test } from "vitest";
import { exponentialBackoff } from "../../../src/otp/policy/exponential-backoff.ts";
import {
  type AnyRestartPolicy,
  type PassingPolicy,
  type RestartPolicy,
  restartIntensity,
} from "../../../src/otp/policy/restart-policy.ts";
import { aboutRuns } from "../../../src/otp/policy/run-policy.ts";
import { createChild } from "../../../src/otp/supervisor/child.ts";
import { normalizeChildSpec } from "../../../src/otp/supervisor/child-spec.ts";
import { PolicyChain } from "../../../src/otp/supervisor/policy-chain.ts";
import { normalizeSupervisorSpec } from "../../../src/otp/supervisor/spec.ts";
import { defineSupervisor } from "../../../src/otp/supervisor/start.ts";
import type { Supervisor } from "../../../src/otp/supervisor/supervisor.ts";
import { createWorld, quiet, type World } from "../scripted.ts";

const later =
  (delayMs: number): RestartPolicy =>
  (state) => ({ decision: { type: "restart", delayMs, because: `after ${delayMs} ms` }, state });
const passes: PassingPolicy = (state) => ({ decision: { type: "pass" }, state });
const throws: PassingPolicy = () => {
  throw new Error("a broken policy of a chain");
};
/** Counts its calls in its state and tells them as the reason. */
const counts: RestartPolicy<number> = (state = 0) => ({
  decision: { type: "restart", delayMs: 0, because: `call ${state + 1}` },
  state: state + 1,
});

/** What was decided, in order. */
const decided = ({ reports }: World) =>
  reports.flatMap((report) => (report.type === "child.exited" ? [report.decision.because] : []));
const failures = ({ reports }: World) =>
  reports.flatMap((report) => (report.type === "policy.failed" ? [`${report.policy} ${report.offender.path}`] : []));

describe("a run is asked about", () => {
  const runs = aboutRuns((state) => ({ decision: { type: "pass" }, state }));
  const childOf = (policy?: AnyRestartPolicy) =>
    createChild(
      normalizeChildSpec({ id: "a", start: () => Promise.reject(new Error("never")), ...(policy && { policy }) }),
      "s/a",
    );
  const chainOf = (policy: AnyRestartPolicy | undefined, above?: PolicyChain) =>
    new PolicyChain(
      normalizeSupervisorSpec({ id: "s", children: [], ...(policy && { policy }) }),
      () => undefined,
      () => above?.runSeatsOf(childOf()) ?? [],
    );

  test("with those policies only that say something about runs, nearest first", () => {
    const [own, above] = [chainOf(passes), chainOf(runs)];
    const chain = chainOf(runs, chainOf(undefined, above));
    const child = childOf(runs);
    expect(chain.runSeatsOf(child)).toHaveLength(3);
    expect(chain.runSeatsOf(child)).toEqual([expect.anything(), ...chain.runSeatsOf(childOf(passes))]);
    expect([own.runSeatsOf(childOf()), own.runSeatsOf(childOf(passes))]).toEqual([[], []]);
  });

  test("from the moment at which one is set, and no more when it is another", () => {
    const [chain, child] = [chainOf(undefined), childOf()];
    chain.setOf(child, runs, "reset");
    chain.set(runs, "reset");
    expect(chain.runSeatsOf(child)).toHaveLength(2);
    chain.setRunsOf(child, passes, "keep");
    expect(chain.runSeatsOf(child)).toHaveLength(1);
    chain.set(passes, "keep");
    expect(chain.runSeatsOf(child)).toEqual([]);
  });
});

describe("an end is decided about", () => {
  test("by the child's own policy first, then its supervisor's, then the restart intensity", async () => {
    const world = createWorld();
    const [a, b, c] = [
      world.script("a", { policy: later(7) }),
      world.script("b", { policy: passes }),
      world.script("c"),
    ];
    const policy: PassingPolicy = (state, exit, nowMs) =>
      exit.childId === "c" ? passes(state, exit, nowMs) : later(9)(state, exit, nowMs);
    const supervisor = await world.supervise({ policy, children: [a.spec, b.spec, c.spec] });
    for (const child of [a, b, c]) await child.end("died");
    expect(decided(world)).toEqual(["after 7 ms", "after 9 ms", "restart 1 of 3 allowed within 5000 ms"]);
    await supervisor.stop();
  });

  test("in a dynamic supervisor too, and each child has a state of its own", async () => {
    const world = createWorld();
    const supervisor = await world.superviseDynamic();
    const [a, b] = [world.script("a", { policy: counts }), world.script("b", { policy: counts })];
    for (const { spec } of [a, b]) await supervisor.startChild(spec);
    for (const child of [a, a, b]) await child.end("died");
    expect(decided(world)).toEqual(["call 1", "call 2", "call 1"]);
    await supervisor.stop();
  });

  test("by the restart intensity where a policy throws; it is asked again the next time, with the state that it had", async () => {
    const world = createWorld();
    const flaky: RestartPolicy<number> = (state = 0, exit, nowMs) => {
      if (exit.reason === "odd") throw new Error("a policy that does not know this reason");
      return counts(state, exit, nowMs);
    };
    const a = world.script("a", { policy: flaky });
    const supervisor = await world.supervise({ policy: later(9), children: [a.spec] });
    for (const reason of ["died", "odd", "died"]) await a.end(reason);
    expect(decided(world)).toEqual([
      "call 1",
      "the policy threw: Error: a policy that does not know this reason; restart 1 of 3 allowed within 5000 ms",
      "call 2",
    ]);
    expect(failures(world)).toEqual([`child ${supervisor.path}/a`]);
    await supervisor.stop();
  });

  test("so that a broken policy restarts no child without a limit", async () => {
    const world = createWorld();
    const a = world.script("a", { policy: throws });
    const supervisor = await world.supervise({ maxRestarts: 2, children: [a.spec] });
    for (let crash = 0; crash < 3; crash += 1) await a.end("died");
    expect([await supervisor.ended, a.refs.length, failures(world).length]).toEqual(["shutdown", 3, 3]);
  });

  test("a temporary child with a policy of its own may come back", async () => {
    const world = createWorld();
    const a = world.script("a", { restart: "temporary", policy: counts });
    const supervisor = await world.supervise({ children: [a.spec] });
    await a.end("died");
    expect(a.refs).toHaveLength(2);
    await supervisor.stop();
  });

  test("a policy that is no function is refused with the child's id", async () => {
    const { supervise, script } = createWorld();
    const spec = { ...script("a").spec, policy: "always" as never };
    await expect(supervise({ children: [spec] })).rejects.toMatchObject({
      code: "invalid_argument",
      field: "spec.children[0].policy",
      value: "always",
    });
  });
});

describe("setPolicy", () => {
  /** A tree "root" with the worker "a" and the supervisor "sub", which has the worker "b". */
  async function tree() {
    const world = createWorld();
    const [a, b] = [world.script("a"), world.script("b")];
    const sub = defineSupervisor({ id: "sub", children: [b.spec] });
    const root = await world.supervise({ id: "root", children: [a.spec, sub] });
    return { world, root, a, b };
  }

  test("replaces the policy of a supervisor, of one below it, and of a child, by path or id", async () => {
    const { world, root, a, b } = await tree();
    root.setPolicy("root", later(1));
    root.setPolicy("root/sub", later(2));
    for (const child of [a, b]) await child.end("died");
    world.clock.advance(10);
    await quiet();
    root.setPolicy("b", later(3));
    await b.end("died");
    expect(decided(world)).toEqual(["after 1 ms", "after 2 ms", "after 3 ms"]);
    await root.stop();
  });

  test("begins without a state, or with that of the policy before", async () => {
    const world = createWorld();
    const a = world.script("a");
    const supervisor = await world.supervise({ policy: counts, children: [a.spec] });
    const set: [string, "keep" | "reset" | undefined][] = [
      ["supervisor", "keep"],
      ["supervisor", undefined],
      ["a", "reset"],
      ["a", "keep"],
    ];
    await a.end("died");
    for (const [where, state] of set) {
      supervisor.setPolicy(where === "a" ? where : supervisor.path, counts, state === undefined ? {} : { state });
      await a.end("died");
    }
    expect(decided(world)).toEqual(["call 1", "call 2", "call 1", "call 1", "call 2"]);
    await supervisor.stop();
  });

  test("the restarts in the window of the intensity count on under another one, when they are kept", async () => {
    const world = createWorld();
    const a = world.script("a");
    const supervisor = await world.supervise({ children: [a.spec] });
    await a.end("died");
    supervisor.setPolicy(supervisor.path, restartIntensity({ maxRestarts: 1, periodMs: 5_000 }), { state: "keep" });
    await a.end("died");
    expect(await supervisor.ended).toBe("shutdown");
  });

  test("a pause that runs is not changed", async () => {
    const world = createWorld();
    const a = world.script("a", { policy: later(100) });
    const supervisor = await world.supervise({ children: [a.spec] });
    await a.end("died");
    supervisor.setPolicy("a", later(1));
    world.clock.advance(99);
    await quiet();
    expect(a.refs).toHaveLength(1);
    world.clock.advance(1);
    await quiet();
    expect(a.refs).toHaveLength(2);
    await supervisor.stop();
  });

  test("a child's policy stays while it is restarted, and a stopped child can be given one", async () => {
    const world = createWorld();
    const a = world.script("a");
    const supervisor = await world.supervise({ children: [a.spec] });
    await supervisor.terminateChild("a");
    supervisor.setPolicy("a", counts);
    await supervisor.restartChild("a");
    for (let crash = 0; crash < 2; crash += 1) await a.end("died");
    expect(decided(world)).toEqual(["call 1", "call 2"]);
    await supervisor.stop();
  });

  test("a supervisor that is restarted has the policy of its specification again", async () => {
    const { world, root, b } = await tree();
    root.setPolicy("sub", later(2));
    (root.whichChild("sub").ref as Supervisor).kill();
    await quiet();
    await b.end("died");
    expect(decided(world).at(-1)).toBe("restart 1 of 3 allowed within 5000 ms");
    await root.stop();
  });

  test("a temporary child that began before is left down: its start was not kept", async () => {
    const world = createWorld();
    const [old, young] = [
      world.script("old", { restart: "temporary" }),
      world.script("young", { restart: "temporary" }),
    ];
    const supervisor = await world.supervise({ children: [old.spec] });
    supervisor.setPolicy(supervisor.path, counts);
    await supervisor.startChild(young.spec);
    for (const child of [old, young]) await child.end("died");
    expect(decided(world)).toEqual([
      "a temporary child that began before the policy was set is not kept for a restart",
      "call 2",
    ]);
    expect([old.refs.length, young.refs.length]).toEqual([1, 2]);
    await supervisor.stop();
  });

  test("what is not there is not_found, with the paths that are; a path goes before an id", async () => {
    const { root, world } = await tree();
    expect(() => root.setPolicy("nobody", passes)).toThrow(
      expect.objectContaining({
        code: "not_found",
        field: "where",
        value: "nobody",
        message: expect.stringContaining('known are "root", "root/a", "root/sub", "root/sub/b"'),
      }),
    );
    const crowd = Array.from({ length: 30 }, (_, index) => world.script(`c${index}`).spec);
    const many = await world.supervise({ id: "many", children: crowd });
    expect(() => many.setPolicy("nobody", passes)).toThrow('"many/c18", 11 more');
    await Promise.all([root.stop(), many.stop()]);
  });

  test.each([
    [[7, passes], "where", 7],
    [["root", "always"], "policy", "always"],
    [["root", passes, null], "options", null],
    [["root", passes, { state: "new" }], "options.state", "new"],
  ])("%o is refused by its name", async (given, field, value) => {
    const { root } = await tree();
    const set = root.setPolicy.bind(root) as (...args: unknown[]) => void;
    expect(() => set(...given)).toThrow(expect.objectContaining({ code: "invalid_argument", field, value }));
    await root.stop();
  });

  test("of a supervisor that has ended is stopped", async () => {
    const { root } = await tree();
    await root.stop();
    expect(() => root.setPolicy("root", passes)).toThrow(expect.objectContaining({ code: "stopped" }));
  });
});

test("live and asked alone, a policy decides the same", async () => {
  const world = createWorld();
  const policy = exponentialBackoff({ seed: 42 });
  const a = world.script("a", { policy });
  const supervisor = await world.supervise({ children: [a.spec] });
  const delays: number[] = [];
  for (let crash = 0; crash < 10; crash += 1) {
    await a.end("died");
    const last = world.reports.findLast((report) => report.type === "child.exited");
    const delayMs = last?.type === "child.exited" && last.decision.type === "restart" ? last.decision.delayMs : -1;
    delays.push(delayMs);
    world.clock.advance(delayMs);
    await quiet();
  }
  let state: Parameters<typeof policy>[0];
  let nowMs = 0;
  const alone = delays.map((_, index) => {
    const exit = { childId: "a", restart: "permanent", reason: "died", incarnation: index + 1 } as const;
    const answer = policy(state, exit, nowMs);
    state = answer.state;
    const delayMs = answer.decision.type === "restart" ? answer.decision.delayMs : -1;
    nowMs += delayMs;
    return delayMs;
  });
  expect(delays).toEqual(alone);
  await supervisor.stop();
});
