/** Conformance rows D35 to D43: PartitionSupervisor. */

import { describe, expect, test } from "vitest";
import type { Process } from "../../../src/otp/process/process.ts";
import { Registry } from "../../../src/otp/registry/registry.ts";
import { call } from "../../../src/otp/request/call.ts";
import { stop } from "../../../src/otp/request/stop.ts";
import { fromGenServer } from "../../../src/otp/server/gen-server.ts";
import { exited, whereis } from "../../../src/otp/start/names.ts";
import type { DynamicSupervisor } from "../../../src/otp/supervisor/dynamic.ts";
import {
  definePartitionSupervisor,
  type PartitionSupervisor,
  type PartitionSupervisorSpec,
  partition,
  partitions,
  startPartitionSupervisor,
} from "../../../src/otp/supervisor/partition.ts";
import {
  countChildren,
  defineDynamicSupervisor,
  startChild,
  startSupervisor,
  whichChildren,
} from "../../../src/otp/supervisor/start.ts";
import { createWorld, quiet, type World } from "../scripted.ts";

/** A server that answers what it was started with. */
const holder = fromGenServer({
  init: (input: unknown) => ({ state: input }),
  handleCall: (message: { type: "get" } | { type: "crash" }, state) => {
    if (message.type === "crash") throw new Error("crash of a partition");
    return { reply: state };
  },
});

const get = { type: "get" } as const;
const spec = (more: Partial<PartitionSupervisorSpec> = {}): PartitionSupervisorSpec => ({
  name: "pool",
  partitions: 3,
  child: (input) => ({ logic: holder, input }),
  ...more,
});

/** Runs code in a process of a new runtime; afterwards nothing is alive. */
async function inWorld(code: (world: World) => Promise<void>): Promise<void> {
  const world = createWorld();
  await world.inProcess(() => code(world));
  await quiet();
  expect(world.runtime.processCount).toBe(0);
}

describe("D35 definePartitionSupervisor makes a child specification (adapted: a function instead of child_spec/1)", () => {
  test("D35 its id is the name, or the key of a name in a registry", () =>
    inWorld(async () => {
      expect(definePartitionSupervisor(spec())).toMatchObject({
        id: "pool",
        type: "supervisor",
        shutdownMs: "infinity",
      });
      const registry = Registry.start({ keys: "unique" });
      expect(definePartitionSupervisor(spec({ name: registry.via("key") }))).toMatchObject({ id: "key" });
      expect(definePartitionSupervisor({ ...spec(), id: "own", restart: "transient" })).toMatchObject({
        id: "own",
        restart: "transient",
      });
      await stop(registry.process);
    }));

  test("D35 nested, its partitions are found by its name, also after it was restarted", () =>
    inWorld(async () => {
      const supervisor = await startSupervisor({ children: [definePartitionSupervisor(spec({ maxRestarts: 0 }))] });
      const first = whereis("pool") as Process;
      expect(await call(partition("pool", 1), get)).toBe(1);
      await expect(call(partition("pool", 1), { type: "crash" })).rejects.toMatchObject({ code: "exited" });
      expect(await exited(first)).toBe("shutdown");
      await quiet();
      expect(whereis("pool")).not.toBe(first);
      expect(await call(partition("pool", 4), get)).toBe(1);
      await supervisor.stop();
    }));
});

test("D36 a hundred children under partitioned dynamic supervisors are found over all partitions (adapted: the number of partitions is given, not the number of schedulers)", () =>
  inWorld(async () => {
    const child = (index: number) => defineDynamicSupervisor({ id: String(index) });
    const supervisor = await startPartitionSupervisor(spec({ partitions: 4, child }));
    expect(partitions("pool")).toBe(4);
    const refs = new Set<unknown>();
    for (let key = 0; key < 100; key += 1) {
      refs.add(await startChild(partition("pool", `key ${key}`), { logic: holder, input: key }));
    }
    const pools = whichChildren("pool").map(({ ref }) => ref as DynamicSupervisor);
    const found = pools.flatMap((pool) => pool.whichChildren().map(({ ref }) => ref));
    expect(new Set(found)).toEqual(refs);
    expect(found).toHaveLength(100);
    expect(pools.every((pool) => pool.countChildren().active >= 10)).toBe(true);
    await supervisor.stop();
  }));

test("D37 a partition supervisor is found by its key in a registry, and its partitions through it", () =>
  inWorld(async () => {
    const registry = Registry.start({ keys: "unique" });
    const name = registry.via("pool");
    const supervisor = await startPartitionSupervisor(spec({ name }));
    expect(partitions(name)).toBe(3);
    expect(await call(partition(name, 0), get)).toBe(0);
    expect(await call({ via: supervisor, key: 2 }, get)).toBe(2);
    await supervisor.stop();
    expect(registry.lookup("pool")).toEqual([]);
    await stop(registry.process);
  }));

describe("D38 keys", () => {
  test("D38 an integer is routed by its absolute value modulo the number of partitions", () =>
    inWorld(async () => {
      const supervisor = await startPartitionSupervisor(spec());
      const routes: [number | bigint, number][] = [
        [0, 0],
        [1, 1],
        [2, 2],
        [3, 0],
        [-1, 1],
        [-3, 0],
        [-5, 2],
        [7n, 1],
        [-8n, 2],
      ];
      for (const [key, index] of routes) expect([key, await call(partition("pool", key), get)]).toEqual([key, index]);
      await supervisor.stop();
    }));

  test("D38 any other key is routed by a hash of its content, the same in every program", () =>
    inWorld(async () => {
      const supervisor = await startPartitionSupervisor(spec());
      const route = (key: unknown) => supervisor.partitionOf(key);
      // FNV-1a of "foobar" is 0xbf9cf968 (the reference vector).
      expect(route("foobar")).toBe(0xbf9cf968 % 3);
      expect(route({ a: 1, b: [true, null] })).toBe(route({ b: [true, null], a: 1 }));
      expect(route(["tenant", 7])).toBe(route(["tenant", 7]));
      const spread = new Set(Array.from({ length: 50 }, (_, index) => route(`user ${index}`)));
      expect([...spread].sort()).toEqual([0, 1, 2]);
      for (const key of [1.5, Number.NaN, true, undefined, null, Symbol("s"), () => 1, supervisor]) {
        expect(route(key)).toBe(route(key));
        expect([0, 1, 2]).toContain(route(key));
      }
      await supervisor.stop();
    }));
});

describe("D39 what is refused before anything starts", () => {
  const refused: [Partial<Record<string, unknown>>, string][] = [
    [{ name: undefined }, "spec.name"],
    [{ name: "" }, "spec.name"],
    [{ child: undefined }, "spec.child"],
    [{ child: () => 7 }, "spec.child"],
    [{ child: {} }, "spec.children[0].start"],
    [{ partitions: 0 }, "spec.partitions"],
    [{ partitions: 1.5 }, "spec.partitions"],
    [{ partitions: undefined }, "spec.partitions"],
    [{ autoShutdown: "any_significant" }, "spec.autoShutdown"],
    [{ strategy: "one_for_all" }, "spec.strategy"],
    [{ maxRestarts: -1 }, "spec.maxRestarts"],
  ];
  test.each(refused)("D39 %j is refused: %s", async (more, field) => {
    const { runtime } = createWorld();
    const bad = { ...spec(), ...more } as PartitionSupervisorSpec;
    const error = expect.objectContaining({ code: "invalid_argument", field });
    await expect(startPartitionSupervisor(bad, { runtime })).rejects.toThrow(error);
    expect([runtime.processCount, runtime.names.size]).toEqual([0, 0]);
  });

  test("D39 a partition supervisor's route is no name that can be taken", () =>
    inWorld(async ({ runtime }) => {
      const supervisor = await startPartitionSupervisor(spec());
      const taken = startSupervisor({}, { runtime, name: partition("pool", 0) });
      await expect(taken).rejects.toMatchObject({ code: "invalid_argument", field: "name" });
      await supervisor.stop();
    }));
});

test("D41 an unknown name has no partitions: noproc", () =>
  inWorld(async () => {
    expect(() => partitions("nobody")).toThrow(expect.objectContaining({ code: "noproc" }));
    await expect(call(partition("nobody", 1), get)).rejects.toMatchObject({ code: "noproc" });
    const other = await startSupervisor({}, { name: "other" });
    expect(() => partitions("other")).toThrow(expect.objectContaining({ code: "not_found" }));
    await other.stop();
  }));

describe("D42 resize", () => {
  /** The partitions that the keys 0 to 7 lead to. */
  const targets = (supervisor: PartitionSupervisor) =>
    new Set(Array.from({ length: 8 }, (_, key) => supervisor.whereisName(key)));

  test.each([
    ["down", [8, 7, 6, 5, 4, 3, 2, 1, 0]],
    ["up", [0, 1, 2, 3, 4, 5, 6, 7, 8]],
    ["shuffled", [3, 8, 0, 5, 1, 7, 2, 6, 4]],
  ])("D42 eight partitions are resized %s (adapted: a method of the supervisor)", (_how, sizes) =>
    inWorld(async () => {
      const supervisor = await startPartitionSupervisor(spec({ partitions: 8 }));
      let before = 8;
      for (const size of sizes) {
        expect(await supervisor.resize(size)).toBe(before);
        before = size;
        expect(supervisor.countChildren()).toEqual({ specs: 8, active: size, supervisors: 0, workers: 8 });
        expect(supervisor.partitions).toBe(size);
        if (size === 0) expect(() => supervisor.whereisName(1)).toThrow(expect.objectContaining({ code: "noproc" }));
        else expect([targets(supervisor).size, targets(supervisor).has(undefined)]).toEqual([size, false]);
      }
      await supervisor.stop();
    }),
  );

  test.each([[9], [-1], [1.5]])(
    "D42 resize to %d of eight partitions is refused (adapted: a method of the supervisor)",
    (size) =>
      inWorld(async () => {
        const supervisor = await startPartitionSupervisor(spec({ partitions: 8 }));
        await expect(supervisor.resize(size)).rejects.toMatchObject({ code: "invalid_argument", field: "partitions" });
        expect(supervisor.partitions).toBe(8);
        await supervisor.stop();
      }),
  );

  test("resizes that overlap are carried out one after the other", () =>
    inWorld(async () => {
      const supervisor = await startPartitionSupervisor(spec({ partitions: 4 }));
      expect(await Promise.all([supervisor.resize(1), supervisor.resize(4), supervisor.resize(2)])).toEqual([4, 1, 4]);
      expect([supervisor.partitions, supervisor.countChildren().active]).toEqual([2, 2]);
      await supervisor.stop();
      await expect(supervisor.resize(1)).rejects.toMatchObject({ code: "stopped" });
    }));
});

describe("D43 bookkeeping", () => {
  test("D43 the ids are the indexes, and workers are counted as workers", () =>
    inWorld(async () => {
      const registry = Registry.start({ keys: "unique" });
      for (const name of ["pool", registry.via("pool")]) {
        const supervisor = await startPartitionSupervisor(spec({ name }));
        expect(whichChildren(name).map(({ id, type }) => [id, type])).toEqual([
          ["2", "worker"],
          ["1", "worker"],
          ["0", "worker"],
        ]);
        expect(countChildren(name)).toEqual({ specs: 3, active: 3, supervisors: 0, workers: 3 });
        await supervisor.stop();
      }
      await stop(registry.process);
    }));

  test("D43 supervisors are counted as supervisors, an unknown name is noproc", () =>
    inWorld(async () => {
      const child = defineDynamicSupervisor({ id: "any" });
      const supervisor = await startPartitionSupervisor(spec({ child }));
      expect(countChildren("pool")).toEqual({ specs: 3, active: 3, supervisors: 3, workers: 0 });
      for (const ask of [whichChildren, countChildren]) {
        expect(() => ask("nobody")).toThrow(expect.objectContaining({ code: "noproc" }));
      }
      await supervisor.stop();
    }));
});

test("a partition that crashes is restarted alone, and its keys lead to the new one", () =>
  inWorld(async () => {
    const supervisor = await startPartitionSupervisor(spec());
    const [zero, one] = [supervisor.whereisName(0), supervisor.whereisName(1)];
    await expect(call({ via: supervisor, key: 1 }, { type: "crash" })).rejects.toMatchObject({ code: "exited" });
    await quiet();
    expect(supervisor.whereisName(0)).toBe(zero);
    expect(supervisor.whereisName(1)).not.toBe(one);
    expect(await call(partition("pool", 1), get)).toBe(1);
    await supervisor.stop();
  }));
