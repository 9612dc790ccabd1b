/** Conformance rows S161 to S177: what supervisor.erl does and no suite case names: retries, revivals, nesting, time. */

import { describe, expect, test } from "vitest";
import { exit } from "../../../src/otp/process/link.ts";
import type { Process } from "../../../src/otp/process/process.ts";
import type { Strategy } from "../../../src/otp/supervisor/spec.ts";
import { defineDynamicSupervisor, defineSupervisor } from "../../../src/otp/supervisor/start.ts";
import type { Supervisor } from "../../../src/otp/supervisor/supervisor.ts";
import { createWorld, quiet, type Script, type ScriptOptions, type World } from "../scripted.ts";

const abc = (world: World, options: Record<string, ScriptOptions> = {}) =>
  ["a", "b", "c"].map((id) => world.script(id, options[id])) as [Script, Script, Script];

const specs = (...scripts: Script[]) => scripts.map(({ spec }) => spec);

/** "a ref" runs, "a undefined" is kept, "a restarting" is retried; oldest first. */
const shape = (supervisor: Supervisor) =>
  supervisor
    .whichChildren()
    .toReversed()
    .map(({ id, ref, status }) => `${id} ${ref === undefined ? (status === "stopped" ? "undefined" : status) : "ref"}`);

describe("retries", () => {
  test("S161 rest_for_one retries the child that failed and those after it", async () => {
    const world = createWorld();
    const [a, b, c] = abc(world);
    const supervisor = await world.supervise({ strategy: "rest_for_one", maxRestarts: 5, children: specs(a, b, c) });
    world.log.length = 0;
    b.fail = 2;
    await a.kill();
    expect(world.log).toEqual(["stop c", "stop b", "start a", "fail b", "fail b", "start b", "start c"]);
    await supervisor.stop();
  });

  test("S162 one_for_all stops everything again at each retry", async () => {
    const world = createWorld();
    const [a, b, c] = abc(world);
    const supervisor = await world.supervise({ strategy: "one_for_all", maxRestarts: 5, children: specs(a, b, c) });
    world.log.length = 0;
    b.fail = 2;
    await c.kill();
    const log = [
      "stop b",
      "stop a",
      "start a",
      "fail b",
      "stop a",
      "start a",
      "fail b",
      "stop a",
      "start a",
      "start b",
    ];
    expect(world.log).toEqual([...log, "start c"]);
    await supervisor.stop();
  });

  test("S167 a restart that chooses not to start keeps the child down, without a retry", async () => {
    const world = createWorld();
    const a = world.script("a");
    const supervisor = await world.supervise({ children: [a.spec] });
    a.ignore = true;
    await a.end("died");
    expect(shape(supervisor)).toEqual(["a undefined"]);
    expect(supervisor.countChildren()).toEqual({ specs: 1, active: 0, supervisors: 0, workers: 1 });
    expect(world.log).toEqual(["start a", "end a", "ignore a"]);
    a.ignore = false;
    expect(await supervisor.restartChild("a")).toBe(a.ref);
    await supervisor.stop();
  });
});

describe("who a strategy touches", () => {
  async function family(strategy: Strategy) {
    const world = createWorld();
    const t = world.script("t", { restart: "transient" });
    const x = world.script("x", { restart: "temporary" });
    const p = world.script("p");
    const supervisor = await world.supervise({ strategy, children: specs(t, x, p) });
    return { world, t, x, p, supervisor };
  }

  test("S163 one_for_all: children that stay down do not touch their siblings", async () => {
    const { t, x, p, supervisor } = await family("one_for_all");
    await t.end("normal");
    await x.end("died");
    expect([p.refs.length, p.ref.alive, x.refs.length]).toEqual([1, true, 1]);
    expect(shape(supervisor)).toEqual(["t undefined", "p ref"]);
    await supervisor.stop();
  });

  test("S164 one_for_all revives a transient child that had ended and a child that was stopped by request", async () => {
    const { t, x, p, supervisor } = await family("one_for_all");
    const extra = await supervisor.startChild({ ...p.spec, id: "q" });
    await t.end("normal");
    await supervisor.terminateChild("p");
    expect(shape(supervisor)).toEqual(["t undefined", "x ref", "p undefined", "q ref"]);
    exit(extra as Process, "kill");
    await quiet();
    expect(shape(supervisor)).toEqual(["t ref", "p ref", "q ref"]);
    expect(x.ref.alive).toBe(false);
    await supervisor.stop();
  });

  test("S165 rest_for_one revives later children only", async () => {
    const world = createWorld();
    const [a, b, c] = abc(world);
    const supervisor = await world.supervise({ strategy: "rest_for_one", children: specs(a, b, c) });
    await supervisor.terminateChild("a");
    await supervisor.terminateChild("c");
    await b.end("died");
    expect(shape(supervisor)).toEqual(["a undefined", "b ref", "c ref"]);
    expect([a.refs.length, c.refs.length]).toEqual([1, 2]);
    await supervisor.stop();
  });

  test.each([
    ["rest_for_one", ["end b", "stop t2", "start b"], ["a ref", "t1 ref", "b ref"]],
    ["one_for_all", ["end b", "stop t2", "stop t1", "stop a", "start a", "start b"], ["a ref", "b ref"]],
  ] as const)("S166 %s stops temporary siblings for good", async (strategy, log, left) => {
    const world = createWorld();
    const scripts = ["a", "t1", "b", "t2"].map((id) =>
      world.script(id, { restart: id.startsWith("t") ? "temporary" : "permanent" }),
    );
    const supervisor = await world.supervise({ strategy, children: specs(...scripts) });
    world.log.length = 0;
    await scripts[2]?.end("died");
    expect(world.log).toEqual(log);
    expect(shape(supervisor)).toEqual(left);
    await supervisor.stop();
  });
});

describe("starting and nesting", () => {
  test("S170 a first start that fails is not retried: those before it are stopped, those after it never start", async () => {
    const world = createWorld();
    const [a, b, c] = abc(world);
    b.fail = 1;
    const error = await world.supervise({ children: specs(a, b, c) }).catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({
      code: "start_failed",
      reason: { shutdown: { type: "failed_to_start_child", childId: "b", reason: { message: "start of b fails" } } },
    });
    expect(world.log).toEqual(["start a", "fail b", "stop a"]);
    expect(world.runtime.processCount).toBe(0);
  });

  function nestedTree(world: World, inner: Partial<Parameters<typeof defineSupervisor>[0]> = {}) {
    const [a, n1, n2, z] = ["a", "n1", "n2", "z"].map((id) => world.script(id)) as [Script, Script, Script, Script];
    const sub = defineSupervisor({ id: "n", ...inner, children: specs(n1, n2) });
    return { a, n1, n2, z, sub, children: [a.spec, sub, z.spec] };
  }

  test("S171 a nested first start that fails stops everything before it, and the errors nest", async () => {
    const world = createWorld();
    const { n2, children } = nestedTree(world);
    n2.fail = 1;
    const error = await world.supervise({ children }).catch((thrown: unknown) => thrown);
    const inner = { type: "failed_to_start_child", childId: "n2", reason: { message: "start of n2 fails" } };
    expect(error).toMatchObject({
      reason: { shutdown: { type: "failed_to_start_child", childId: "n", reason: { shutdown: inner } } },
    });
    expect(world.log).toEqual(["start a", "start n1", "fail n2", "stop n1", "stop a"]);
    expect(world.runtime.processCount).toBe(0);
  });

  test("S172 a tree starts depth first and stops in exact reverse", async () => {
    const world = createWorld();
    const { children } = nestedTree(world);
    const supervisor = await world.supervise({ children });
    await supervisor.stop();
    const order = ["a", "n1", "n2", "z"];
    expect(world.log).toEqual([...order.map((id) => `start ${id}`), ...order.reverse().map((id) => `stop ${id}`)]);
  });

  test("S173 a transient nested supervisor that gives up stays down, and nobody else is touched", async () => {
    const world = createWorld();
    const { a, n1, children } = nestedTree(world, { restart: "transient", maxRestarts: 0 });
    const supervisor = await world.supervise({ maxRestarts: 0, children });
    await n1.end("died");
    expect(shape(supervisor)).toEqual(["a ref", "n undefined", "z ref"]);
    expect([a.refs.length, n1.refs.length, supervisor.process.alive]).toEqual([1, 1, true]);
    await supervisor.stop();
  });

  test("S174 a permanent nested supervisor that gives up is restarted once, and ends its parent the second time", async () => {
    const world = createWorld();
    const { a, n1, children } = nestedTree(world, { maxRestarts: 0 });
    const supervisor = await world.supervise({ maxRestarts: 1, children });
    await n1.end("died");
    expect([a.refs.length, n1.refs.length, supervisor.process.alive]).toEqual([1, 2, true]);
    await n1.end("died");
    expect(await supervisor.ended).toBe("shutdown");
    expect([a.refs.length, n1.refs.length]).toEqual([1, 2]);
  });

  test("S175 a nested supervisor whose children cannot start is retried until its parent gives up", async () => {
    const world = createWorld();
    const { n1, n2, children } = nestedTree(world, { maxRestarts: 0 });
    const supervisor = await world.supervise({ maxRestarts: 3, children });
    n2.fail = Number.POSITIVE_INFINITY;
    world.log.length = 0;
    await n1.end("died");
    expect(await supervisor.ended).toBe("shutdown");
    expect(world.log.filter((line) => line === "fail n2")).toHaveLength(3);
    expect(world.runtime.processCount).toBe(0);
  });
});

describe("time", () => {
  test("S176 one_for_all waits for a slow sibling, kills it after its shutdownMs, then starts both", async () => {
    const world = createWorld();
    const slow = world.script("slow", { stopMs: "infinity", shutdownMs: 100 });
    const b = world.script("b");
    const supervisor = await world.supervise({ strategy: "one_for_all", children: specs(slow, b) });
    world.log.length = 0;
    await b.end("died");
    world.clock.advance(99);
    await quiet();
    expect(world.log).toEqual(["end b", "stop slow"]);
    const [first] = slow.refs;
    expect(first?.alive).toBe(true);
    world.clock.advance(1);
    await quiet();
    expect(first?.exitReason).toBe("killed");
    expect(world.log.slice(2)).toEqual(["start slow", "start b"]);
    supervisor.kill();
    await supervisor.ended;
  });

  test("S177 four children that need 300 ms each stop one after the other: 1,200 ms", async () => {
    const world = createWorld();
    const scripts = ["a", "b", "c", "d"].map((id) => world.script(id, { stopMs: 300 }));
    const supervisor = await world.supervise({ children: specs(...scripts) });
    expect(await stopTime(world, () => supervisor.stop())).toBe(1_200);
  });

  test("S177 under a dynamic supervisor they stop all at once: 300 ms (adapted: DynamicSupervisor)", async () => {
    const world = createWorld();
    const supervisor = await world.superviseDynamic();
    for (const id of ["a", "b", "c", "d"]) await supervisor.startChild(world.script(id, { stopMs: 300 }).spec);
    expect(await stopTime(world, () => supervisor.stop())).toBe(300);
  });

  async function stopTime(world: World, stop: () => Promise<unknown>): Promise<number> {
    const fromMs = world.clock.now();
    let stopped = false;
    void stop().then(() => {
      stopped = true;
    });
    await quiet();
    while (!stopped && world.clock.now() < 10_000) {
      world.clock.advance(100);
      await quiet();
    }
    return world.clock.now() - fromMs;
  }
});

test("a dynamic supervisor nests: its children stop before what was started earlier", async () => {
  const world = createWorld();
  const a = world.script("a");
  const supervisor = await world.supervise({ children: [a.spec, defineDynamicSupervisor({ id: "pool" })] });
  const pool = supervisor.whichChild("pool").ref as Awaited<ReturnType<World["superviseDynamic"]>>;
  await pool.startChild(world.script("d").spec);
  await supervisor.stop();
  expect(world.log).toEqual(["start a", "start d", "stop d", "stop a"]);
});
