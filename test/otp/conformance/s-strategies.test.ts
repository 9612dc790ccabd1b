/** Conformance rows S87 to S102: strategies, intensity, escalation. */

import { describe, expect, test } from "vitest";
import { exit } from "../../../src/otp/process/link.ts";
import type { Strategy } from "../../../src/otp/supervisor/spec.ts";
import { createWorld, quiet, type Script, until } from "../scripted.ts";
import { counted, listed } from "../support.ts";

/** A supervisor with permanent children "1", "2", … that allows so many restarts an hour. */
async function supervised(strategy: Strategy, count: number, maxRestarts = 2) {
  const world = createWorld();
  const children = Array.from({ length: count }, (_, index) => world.script(String(index + 1)));
  const specs = children.map(({ spec }) => spec);
  const supervisor = await world.supervise({ strategy, maxRestarts, periodMs: 3_600_000, children: specs });
  world.log.length = 0;
  return { ...world, supervisor, children: children as [Script, Script, ...Script[]] };
}

/** How many incarnations each child has had. */
const lives = (children: readonly Script[]) => children.map(({ refs }) => refs.length);

describe("one_for_one", () => {
  test("S87 only the child that crashed is restarted; the third crash ends the supervisor", async () => {
    const { supervisor, children } = await supervised("one_for_one", 2);
    const [child1, child2] = children;
    await child1.end("died");
    expect(lives(children)).toEqual([2, 1]);
    expect(listed(supervisor)).toEqual(["2 ref", "1 ref"]);
    expect(counted(supervisor)).toBe("2/2/0/2");
    await child2.end("died");
    expect(lives(children)).toEqual([2, 2]);
    await child1.end("died");
    expect(await supervisor.ended).toBe("shutdown");
    expect([lives(children), child2.ref.alive]).toEqual([[2, 2], false]);
  });

  test("a child that cannot start again uses up the restarts; its siblings end with the supervisor", async () => {
    const { supervisor, children, log } = await supervised("one_for_one", 2, 4);
    const [child1, child2] = children;
    child1.fail = Number.POSITIVE_INFINITY;
    await child1.end("died");
    expect(await supervisor.ended).toBe("shutdown");
    expect(log.filter((line) => line === "fail 1")).toHaveLength(4);
    expect(log.at(-1)).toBe("stop 2");
    expect(child2.ref.exitReason).toBe("shutdown");
  });
});

describe("one_for_all", () => {
  test("S89 all end and come back with new refs; the third crash ends the supervisor", async () => {
    const { supervisor, children, log } = await supervised("one_for_all", 2);
    const [child1, child2] = children;
    await child1.end("died");
    expect(log).toEqual(["end 1", "stop 2", "start 1", "start 2"]);
    expect(children.map(({ refs }) => refs.map(({ alive }) => alive))).toEqual([
      [false, true],
      [false, true],
    ]);
    expect(supervisor.whichChildren().map(({ ref }) => ref)).toEqual([child2.ref, child1.ref]);
    expect(counted(supervisor)).toBe("2/2/0/2");
    await child2.end("died");
    expect(supervisor.process.alive).toBe(true);
    await child1.end("died");
    expect(await supervisor.ended).toBe("shutdown");
  });

  test("S90 a sibling that cannot start again uses up the restarts", async () => {
    const { supervisor, children, log } = await supervised("one_for_all", 2, 4);
    const [child1, child2] = children;
    child2.fail = Number.POSITIVE_INFINITY;
    await child1.end("died");
    expect(await supervisor.ended).toBe("shutdown");
    expect(child2.refs[0]?.alive).toBe(false);
    expect(log.filter((line) => line === "fail 2")).toHaveLength(4);
    expect(child1.ref.alive).toBe(false);
  });

  test("S91 when a sibling's restart fails, what was restarted is stopped again and everything is tried anew", async () => {
    const { supervisor, children, log } = await supervised("one_for_all", 2);
    const [child1, child2] = children;
    child2.fail = 1;
    await child1.end("died");
    expect(log).toEqual(["end 1", "stop 2", "start 1", "fail 2", "stop 1", "start 1", "start 2"]);
    expect(listed(supervisor)).toEqual(["2 ref", "1 ref"]);
    expect(await supervisor.stop()).toBe("shutdown");
  });

  test("S91 the same when starts take time", async () => {
    const { script, supervise, log } = createWorld();
    const [child1, child2] = [script("1", { slow: true }), script("2", { slow: true })];
    const supervisor = await supervise({ strategy: "one_for_all", children: [child1.spec, child2.spec] });
    log.length = 0;
    child2.fail = 1;
    await child1.end("died");
    await until(() => child2.refs.length === 2, "child 2 is back");
    expect(log).toEqual(["end 1", "stop 2", "start 1", "fail 2", "stop 1", "start 1", "start 2"]);
    await supervisor.stop();
  });

  test("siblings that have died at the same time are consumed by one restart and not counted again", async () => {
    const { supervisor, children, log } = await supervised("one_for_all", 3, 1);
    for (const { ref } of children) exit(ref, "kill");
    await quiet();
    expect(log).toEqual(["start 1", "start 2", "start 3"]);
    expect(counted(supervisor)).toBe("3/3/0/3");
    await supervisor.stop();
  });
});

describe("dynamic supervisors", () => {
  /** A dynamic supervisor with permanent instances "1", "2", …. */
  async function instances(count: number, maxRestarts: number, restart: "permanent" | "transient" = "permanent") {
    const world = createWorld();
    const supervisor = await world.superviseDynamic({ maxRestarts, periodMs: 3_600_000 });
    const children = Array.from({ length: count }, (_, index) => world.script(String(index + 1), { restart }));
    for (const { spec } of children) await supervisor.startChild(spec);
    return { ...world, supervisor, children: children as [Script, Script, ...Script[]] };
  }

  test("S92 only the instance that crashed is restarted; the third crash ends the supervisor (adapted: DynamicSupervisor; specs is 2)", async () => {
    const { supervisor, children } = await instances(2, 2);
    const [child1, child2] = children;
    await child1.end("died");
    expect(lives(children)).toEqual([2, 1]);
    expect(counted(supervisor)).toBe("2/2/0/2");
    expect(new Set(supervisor.whichChildren().map(({ ref }) => ref))).toEqual(new Set([child1.ref, child2.ref]));
    await child2.end("died");
    await child1.end("died");
    expect(await supervisor.ended).toBe("shutdown");
    expect([lives(children), child2.ref.alive]).toEqual([[2, 2], false]);
  });

  test.each(["transient", "permanent"] as const)(
    "S93 a %s instance whose restart chooses not to start is dropped; the supervisor lives on (adapted: DynamicSupervisor)",
    async (restart) => {
      const { supervisor, children } = await instances(1, 5, restart);
      const [child] = children;
      await child.kill();
      expect(supervisor.whichChildren().map(({ ref }) => ref)).toEqual([child.refs[1]]);
      child.ignore = true;
      await child.kill();
      expect(listed(supervisor)).toEqual([]);
      expect(supervisor.process.alive).toBe(true);
      expect(await supervisor.stop()).toBe("shutdown");
    },
  );

  test("S96 an instance that cannot start again uses up the restarts; the others end with the supervisor (adapted: DynamicSupervisor)", async () => {
    const { supervisor, children, log } = await instances(2, 4);
    const [child1, child2] = children;
    child1.fail = Number.POSITIVE_INFINITY;
    await child1.end("died");
    expect(await supervisor.ended).toBe("shutdown");
    expect(log.filter((line) => line === "fail 1")).toHaveLength(4);
    expect(child2.ref.alive).toBe(false);
  });
});

describe("rest_for_one", () => {
  test("S98 those started after the child that crashed are restarted with it; the third crash ends the supervisor", async () => {
    const { supervisor, children, log } = await supervised("rest_for_one", 3);
    const [, child2, child3] = children as unknown as [Script, Script, Script];
    await child2.end("died");
    expect(log).toEqual(["end 2", "stop 3", "start 2", "start 3"]);
    expect(lives(children)).toEqual([1, 2, 2]);
    expect(child3.refs[0]?.alive).toBe(false);
    expect(listed(supervisor)).toEqual(["3 ref", "2 ref", "1 ref"]);
    expect(counted(supervisor)).toBe("3/3/0/3");
    await child3.end("died");
    expect(lives(children)).toEqual([1, 2, 3]);
    await child2.end("died");
    expect(await supervisor.ended).toBe("shutdown");
  });

  test("S99 a later child that cannot start again uses up the restarts", async () => {
    const { supervisor, children, log } = await supervised("rest_for_one", 2, 4);
    const [child1, child2] = children;
    child2.fail = Number.POSITIVE_INFINITY;
    await child1.end("died");
    expect(await supervisor.ended).toBe("shutdown");
    expect(log.filter((line) => line === "fail 2")).toHaveLength(4);
    expect([child1.ref.alive, child2.ref.alive]).toEqual([false, false]);
  });

  test("S100 when a later child's restart fails the retry begins with it: what was restarted before stays up", async () => {
    const { supervisor, children, log } = await supervised("rest_for_one", 2);
    const [child1, child2] = children;
    child2.fail = 1;
    await child1.end("died");
    expect(log).toEqual(["end 1", "stop 2", "start 1", "fail 2", "start 2"]);
    expect(listed(supervisor)).toEqual(["2 ref", "1 ref"]);
    await supervisor.stop();
  });

  test("S102 children start in order, restart from the one that crashed, and stop in reverse", async () => {
    const world = createWorld();
    const ids = ["tiger", "ant", "zebra", "bee", "mole"];
    const children = ids.map((id) => world.script(id));
    const supervisor = await world.supervise({ strategy: "rest_for_one", children: children.map(({ spec }) => spec) });
    expect(world.log).toEqual(ids.map((id) => `start ${id}`));
    world.log.length = 0;
    await children[2]?.end("died");
    expect(world.log.slice(1)).toEqual(["stop mole", "stop bee", "start zebra", "start bee", "start mole"]);
    world.log.length = 0;
    await supervisor.stop();
    expect(world.log).toEqual(ids.toReversed().map((id) => `stop ${id}`));
  });
});

test.each(["one_for_all", "rest_for_one"] as const)(
  "S101 %s: a temporary sibling is stopped and not started again",
  async (strategy) => {
    const { script, supervise, log } = createWorld();
    const [child1, child2] = [script("1"), script("2", { restart: "temporary" })];
    const supervisor = await supervise({ strategy, children: [child1.spec, child2.spec] });
    await child1.end("normal");
    expect(log).toEqual(["start 1", "start 2", "end 1", "stop 2", "start 1"]);
    expect(supervisor.process.alive).toBe(true);
    expect(listed(supervisor)).toEqual(["1 ref"]);
    await supervisor.stop();
  },
);

test.each(["one_for_all", "rest_for_one"] as const)(
  "%s: a child that is not to be restarted never touches its siblings",
  async (strategy) => {
    const { script, supervise, log } = createWorld();
    const transient = script("transient", { restart: "transient" });
    const temporary = script("temporary", { restart: "temporary" });
    const supervisor = await supervise({ strategy, children: [transient.spec, temporary.spec, script("z").spec] });
    log.length = 0;
    await transient.end("normal");
    await temporary.end("died");
    expect(log).toEqual(["end transient", "end temporary"]);
    expect(listed(supervisor)).toEqual(["z ref", "transient stopped"]);
    await supervisor.stop();
  },
);
