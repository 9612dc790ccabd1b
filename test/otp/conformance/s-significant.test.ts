/** Conformance rows S124 to S136: significant children and autoShutdown. */

import { describe, expect, test } from "vitest";
import type { ExitReason } from "../../../src/otp/report/exit-reason.ts";
import type { ChildSpec } from "../../../src/otp/supervisor/child-spec.ts";
import type { AutoShutdown, Strategy } from "../../../src/otp/supervisor/spec.ts";
import { defineSupervisor, startDynamicSupervisor, startSupervisor } from "../../../src/otp/supervisor/start.ts";
import { createWorld, quiet, type Script, type World } from "../scripted.ts";

const modes = ["never", "any_significant", "all_significant"] as const;

/** Two children of the given kind and a permanent bystander under a supervisor. */
async function three(world: World, autoShutdown: AutoShutdown, kind: Parameters<World["script"]>[1]) {
  const a = world.script("a", kind);
  const b = world.script("b", kind);
  const c = world.script("c");
  const spec = { autoShutdown, maxRestarts: 5, children: [a.spec, b.spec, c.spec] };
  return { a, b, c, supervisor: await world.supervise(spec) };
}

const alive = (...children: Script[]) => children.map(({ ref }) => ref.alive);

describe("S124 children that are not significant never trigger autoShutdown", () => {
  test.each(modes)(
    "S124 %s: a transient child that is killed or crashes is restarted, one that ends is kept",
    async (autoShutdown) => {
      const world = createWorld();
      const { a, b, c, supervisor } = await three(world, autoShutdown, { restart: "transient" });
      await a.kill();
      await a.end("died");
      expect(a.refs).toHaveLength(3);
      await a.end("normal");
      await b.end({ shutdown: "done" });
      world.clock.advance(1_000);
      await quiet();
      expect(supervisor.whichChildren().map(({ id, ref }) => [id, ref])).toEqual([
        ["c", c.ref],
        ["b", undefined],
        ["a", undefined],
      ]);
      expect([supervisor.process.alive, a.refs.length, c.refs.length]).toEqual([true, 3, 1]);
      await supervisor.stop();
    },
  );

  test.each(modes)("S124 %s: a temporary child that ends in any way is forgotten", async (autoShutdown) => {
    const world = createWorld();
    const { a, b, supervisor } = await three(world, autoShutdown, { restart: "temporary" });
    await a.end("died");
    await b.end("normal");
    expect(supervisor.whichChildren().map(({ id }) => id)).toEqual(["c"]);
    expect(supervisor.process.alive).toBe(true);
    await supervisor.stop();
  });
});

test("S125 terminateChild of a significant temporary child triggers nothing", async () => {
  const world = createWorld();
  const { b, c, supervisor } = await three(world, "any_significant", { restart: "temporary", significant: true });
  await supervisor.terminateChild("a");
  await quiet();
  expect(alive(b, c)).toEqual([true, true]);
  expect(supervisor.countChildren()).toEqual({ specs: 2, active: 2, supervisors: 0, workers: 2 });
  await supervisor.stop();
});

test.each([["kill"], ["died"], ["normal"]])(
  "S126 any_significant: a significant temporary child's own end by %s ends the supervisor",
  async (how) => {
    const world = createWorld();
    const kind = { restart: "temporary", significant: true } as const;
    const { a, b, c, supervisor } = await three(world, "any_significant", kind);
    await (how === "kill" ? a.kill() : a.end(how));
    expect(await supervisor.ended).toBe("shutdown");
    expect(alive(a, b, c)).toEqual([false, false, false]);
    expect(world.log.slice(-2)).toEqual(["stop c", "stop b"]);
  },
);

test.each([
  ["S127 all_significant: the supervisor ends with the last significant temporary child", "temporary"],
  ["S130 all_significant: the supervisor ends with the last significant transient child", "transient"],
] as const)("%s", async (_title, restart) => {
  const world = createWorld();
  const { a, b, c, supervisor } = await three(world, "all_significant", { restart, significant: true });
  await a.end("normal");
  world.clock.advance(1_000);
  await quiet();
  expect([supervisor.process.alive, ...alive(b, c)]).toEqual([true, true, true]);
  await b.end("normal");
  expect(await supervisor.ended).toBe("shutdown");
  expect(alive(c)).toEqual([false]);
});

test("S128 a significant transient child that is stopped by request, killed or crashes triggers nothing", async () => {
  const world = createWorld();
  const { a, b, c, supervisor } = await three(world, "any_significant", { restart: "transient", significant: true });
  await supervisor.terminateChild("a");
  await quiet();
  await supervisor.restartChild("a");
  await a.kill();
  await a.end("died");
  expect(a.refs).toHaveLength(4);
  expect([supervisor.process.alive, ...alive(a, b, c)]).toEqual([true, true, true, true]);
  await supervisor.stop();
});

test("S129 any_significant: a significant transient child that ends normally ends the supervisor", async () => {
  const world = createWorld();
  const { a, b, c, supervisor } = await three(world, "any_significant", { restart: "transient", significant: true });
  await a.end("normal");
  expect(await supervisor.ended).toBe("shutdown");
  expect(alive(b, c)).toEqual([false, false]);
});

test.each(["any_significant", "all_significant"] as const)(
  "S131 a dynamic supervisor refuses autoShutdown %s and a significant child (adapted: autoShutdown is no option of it at all)",
  async (autoShutdown) => {
    const world = createWorld();
    const { runtime } = world;
    const spec = { autoShutdown } as object;
    const refused = await startDynamicSupervisor(spec, { runtime }).catch((error: unknown) => error);
    expect(refused).toMatchObject({ code: "invalid_argument", field: "spec.autoShutdown", value: autoShutdown });
    expect(runtime.processCount).toBe(0);
    const supervisor = await world.superviseDynamic();
    const significant = world.script("a", { restart: "temporary", significant: true });
    await expect(supervisor.startChild(significant.spec)).rejects.toMatchObject({ field: "spec.significant" });
    await supervisor.stop();
  },
);

const touched: [Strategy, string[]][] = [
  ["one_for_one", ["b"]],
  ["one_for_all", ["a", "b", "c"]],
  ["rest_for_one", ["b", "c"]],
];

describe.each(["any_significant", "all_significant"] as const)("S132 bystanders under %s", (autoShutdown) => {
  test.each(touched)("S132 %s: children that the strategy ends (%j) trigger nothing", async (strategy, ended) => {
    const world = createWorld();
    const significant = { restart: "transient", significant: true } as const;
    const [a, c] = [world.script("a", significant), world.script("c", significant)];
    const b = world.script("b");
    const supervisor = await world.supervise({ strategy, autoShutdown, children: [a.spec, b.spec, c.spec] });
    const before = { a: a.ref, b: b.ref, c: c.ref };
    await b.kill();
    world.clock.advance(1_000);
    await quiet();
    const dead = Object.entries(before).filter(([, ref]) => !ref.alive);
    expect(dead.map(([id]) => id)).toEqual(ended);
    expect([supervisor.process.alive, ...alive(a, b, c)]).toEqual([true, true, true, true]);
    await supervisor.stop();
  });
});

async function escalation(world: World, significant: boolean) {
  const c = world.script("c", { restart: "transient", significant: true });
  const inner = defineSupervisor({
    id: "inner",
    restart: "transient",
    significant,
    autoShutdown: "any_significant",
    children: [c.spec],
  });
  const outer = await world.supervise({ autoShutdown: "any_significant", children: [inner] });
  return { c, outer };
}

test("S133 a significant nested supervisor that ends by autoShutdown ends the supervisor above", async () => {
  const world = createWorld();
  const { c, outer } = await escalation(world, true);
  await c.end("normal");
  expect(await outer.ended).toBe("shutdown");
  expect(world.runtime.processCount).toBe(0);
});

test("S134 a nested supervisor that is not significant ends alone and stays down", async () => {
  const world = createWorld();
  const { c, outer } = await escalation(world, false);
  await c.end("normal");
  world.clock.advance(1_000);
  await quiet();
  expect(c.refs).toHaveLength(1);
  expect(outer.whichChildren()).toEqual([{ id: "inner", ref: undefined, status: "stopped", type: "supervisor" }]);
  expect(outer.process.alive).toBe(true);
  await outer.stop();
});

test("S135 the rule is read once, at the start (adapted: flags cannot be changed live, so changing what was given changes nothing)", async () => {
  const world = createWorld();
  const a = world.script("a", { restart: "transient", significant: true });
  const spec: { autoShutdown: AutoShutdown; children: ChildSpec[] } = {
    autoShutdown: "any_significant",
    children: [a.spec, world.script("b").spec],
  };
  const supervisor = await world.supervise(spec);
  spec.autoShutdown = "never";
  spec.children.length = 0;
  await a.end("normal");
  expect(await supervisor.ended).toBe("shutdown");
});

test("S136 whether a child is significant is read when it is added (adapted: a new rule needs deleteChild and startChild)", async () => {
  const world = createWorld();
  const a = world.script("a", { restart: "transient", significant: false });
  const supervisor = await world.supervise({ autoShutdown: "any_significant", children: [a.spec] });
  Object.assign(a.spec, { significant: true });
  await a.end("normal");
  expect(supervisor.process.alive).toBe(true);
  await supervisor.deleteChild("a");
  await supervisor.startChild(a.spec);
  await a.end("normal");
  expect(await supervisor.ended).toBe("shutdown");
});

describe("what a significant child needs", () => {
  const kinds: [string, AutoShutdown, "permanent" | "transient"][] = [
    ["a supervisor that shuts down by itself", "never", "transient"],
    ["not to be permanent", "any_significant", "permanent"],
  ];
  test.each(kinds)(
    "a significant child needs %s, at the start and when it is added",
    async (_what, autoShutdown, restart) => {
      const world = createWorld();
      const bad = world.script("bad", { restart, significant: true }).spec;
      const { runtime } = world;
      const started = startSupervisor({ autoShutdown, children: [bad] }, { runtime });
      await expect(started).rejects.toMatchObject({ code: "invalid_argument", field: "spec.children[0].significant" });
      const supervisor = await world.supervise({ autoShutdown });
      await expect(supervisor.startChild(bad)).rejects.toMatchObject({
        code: "invalid_argument",
        field: "spec.significant",
      });
      expect(world.log).toEqual([]);
      await supervisor.stop();
    },
  );

  test.each([["normal"], ["shutdown"], [{ shutdown: "x" }]] satisfies [ExitReason][])(
    "a significant transient child triggers with %o",
    async (reason) => {
      const world = createWorld();
      const { a, supervisor } = await three(world, "any_significant", { restart: "transient", significant: true });
      await a.end(reason);
      expect(await supervisor.ended).toBe("shutdown");
    },
  );
});
