/** Conformance rows S151 to S159 and S169: the restart intensity. */

import { describe, expect, test } from "vitest";
import { createWorld, type Script, type ScriptOptions, type World } from "../scripted.ts";

const abc = (world: World, options: Record<string, ScriptOptions> = {}) =>
  ["a", "b", "c"].map((id) => world.script(id, options[id])) as [Script, Script, Script];

const specs = (...scripts: Script[]) => scripts.map(({ spec }) => spec);

describe("intensity", () => {
  test("S151 an empty specification gives up at the fourth crash within 5,000 ms (adapted: Elixir's 3, not Erlang's 1)", async () => {
    const world = createWorld();
    const a = world.script("a");
    const supervisor = await world.supervise({ children: [a.spec] });
    for (const advanceMs of [0, 0, 5_000]) {
      world.clock.advance(advanceMs);
      await a.end("died");
    }
    expect(supervisor.process.alive).toBe(true);
    await a.end("died");
    expect(await supervisor.ended).toBe("shutdown");
    expect(a.refs).toHaveLength(4);
  });

  test("S153 three crashes are survived under maxRestarts 3, the fourth ends the supervisor", async () => {
    const world = createWorld();
    const a = world.script("a");
    const supervisor = await world.supervise({ maxRestarts: 3, periodMs: 5_000, children: [a.spec] });
    for (let crash = 0; crash < 3; crash += 1) await a.end("died");
    expect([supervisor.process.alive, a.ref.alive]).toEqual([true, true]);
    await a.end("died");
    expect(await supervisor.ended).toBe("shutdown");
  });

  test("S155 all children share one window", async () => {
    const world = createWorld();
    const [a, b] = abc(world);
    const supervisor = await world.supervise({ maxRestarts: 2, children: specs(a, b) });
    await a.end("died");
    await b.end("died");
    expect(supervisor.process.alive).toBe(true);
    await a.end("died");
    expect(await supervisor.ended).toBe("shutdown");
    expect([a.refs.length, b.refs.length, b.ref.alive]).toEqual([2, 2, false]);
  });

  test("S156 restarting three children of one_for_all counts once", async () => {
    const world = createWorld();
    const [a, b, c] = abc(world);
    const supervisor = await world.supervise({ strategy: "one_for_all", maxRestarts: 2, children: specs(a, b, c) });
    await b.end("died");
    await c.end("died");
    expect(supervisor.process.alive).toBe(true);
    expect([a, b, c].map(({ refs }) => refs.length)).toEqual([3, 3, 3]);
    await a.end("died");
    expect(await supervisor.ended).toBe("shutdown");
  });

  test("S157 restarts by request are free", async () => {
    const world = createWorld();
    const a = world.script("a");
    const supervisor = await world.supervise({ maxRestarts: 0, children: [a.spec] });
    for (let round = 0; round < 3; round += 1) {
      await supervisor.terminateChild("a");
      expect(await supervisor.restartChild("a")).toBe(a.ref);
    }
    expect([supervisor.process.alive, a.refs.length]).toEqual([true, 4]);
    await supervisor.stop();
  });

  test.each([
    [1_000, "ends the supervisor"],
    [1_001, "is survived"],
  ])(
    "S158 a second crash %i ms after the first %s (adapted: the window is exact, its far edge included)",
    async (apartMs, outcome) => {
      const world = createWorld();
      const a = world.script("a");
      const supervisor = await world.supervise({ maxRestarts: 1, periodMs: 1_000, children: [a.spec] });
      world.clock.advance(850);
      await a.end("died");
      world.clock.advance(apartMs);
      await a.end("died");
      expect(supervisor.process.alive).toBe(outcome === "is survived");
      await supervisor.stop();
    },
  );

  test("S159 giving up stops the others in reverse start order and ends with shutdown", async () => {
    const world = createWorld();
    const [a, b, c] = abc(world);
    const supervisor = await world.supervise({ maxRestarts: 0, children: specs(a, b, c) });
    world.log.length = 0;
    await b.end("died");
    expect(await supervisor.ended).toBe("shutdown");
    expect(world.log).toEqual(["end b", "stop c", "stop a"]);
  });

  test("S169 one_for_one: two children that crash at once are two restarts", async () => {
    const world = createWorld();
    const [a, b] = abc(world);
    const supervisor = await world.supervise({ maxRestarts: 1, children: specs(a, b) });
    await Promise.all([a.kill(), b.kill()]);
    expect(await supervisor.ended).toBe("shutdown");
    expect([a.refs.length, b.refs.length]).toEqual([2, 1]);
  });
});
