import { describe, expect, test } from "vitest";
import type { Process } from "../../../src/otp/process/process.ts";
import { Registry } from "../../../src/otp/registry/registry.ts";
import { spawn } from "../../../src/otp/start/spawn.ts";
import {
  definePartitionSupervisor,
  type PartitionSupervisor,
  partition,
  partitions,
  startPartitionSupervisor,
} from "../../../src/otp/supervisor/partition.ts";
import {
  countChildren,
  defineDynamicSupervisor,
  deleteChild,
  getChildSpec,
  restartChild,
  type SupervisorTarget,
  startChild,
  startSupervisor,
  terminateChild,
  tree,
  whichChild,
  whichChildren,
} from "../../../src/otp/supervisor/start.ts";
import { createWorld, quiet, recorder } from "../scripted.ts";

const { logic } = recorder();

/** Everything that can be asked of a supervisor by its name. */
const asks: [string, (target: SupervisorTarget) => unknown][] = [
  ["whichChildren", (target) => whichChildren(target)],
  ["whichChild", (target) => whichChild(target, "a")],
  ["countChildren", (target) => countChildren(target)],
  ["getChildSpec", (target) => getChildSpec(target, "a")],
  ["tree", (target) => tree(target)],
  ["startChild", (target) => startChild(target, { id: "a", logic })],
  ["terminateChild", (target) => terminateChild(target, "a")],
  ["restartChild", (target) => restartChild(target, "a")],
  ["deleteChild", (target) => deleteChild(target, "a")],
  ["partitions", (target) => partitions(target)],
];

describe.each(asks)("%s", (_name, ask) => {
  /** A throw is a rejection. */
  const asked = (target: SupervisorTarget) => Promise.resolve().then(() => ask(target));

  test("of a process, a name or a key whose supervisor has ended is noproc, and says whose", async () => {
    const { inProcess } = createWorld();
    await inProcess(async () => {
      const registry = Registry.start({ keys: "unique" });
      const ended: Process[] = [];
      for (const name of ["gone", registry.via("gone")]) {
        const supervisor = await startSupervisor({}, { name });
        ended.push(supervisor.process);
        await supervisor.stop();
      }
      const keeps = { via: { whereisName: () => ended[0], registerName: () => undefined }, key: "kept" };
      const unknown = { code: "noproc", reason: "noproc", message: expect.stringContaining("there is no supervisor") };
      await expect(asked("gone")).rejects.toMatchObject(unknown);
      await expect(asked(registry.via("gone"))).rejects.toMatchObject({
        ...unknown,
        message: expect.stringContaining('"gone"'),
      });
      await expect(asked(partition("gone", 1))).rejects.toMatchObject(unknown);
      for (const target of [ended[0] as Process, ended[1] as Process, keeps]) {
        await expect(asked(target)).rejects.toMatchObject({
          code: "noproc",
          reason: "noproc",
          message: expect.stringContaining("has ended"),
        });
      }
    });
  });

  test("of what is no supervisor is not_found", async () => {
    const { inProcess, runtime } = createWorld();
    await inProcess(async () => {
      const server = spawn(({ receive }) => receive(() => false), { runtime, name: "server" });
      for (const target of ["server", server]) {
        await expect(asked(target)).rejects.toMatchObject({ code: "not_found", field: "supervisor", value: target });
      }
    });
  });
});

describe("a partition that is a supervisor", () => {
  test("is asked by its key, and by the supervisor as a name", async () => {
    const { inProcess } = createWorld();
    await inProcess(async () => {
      const child = defineDynamicSupervisor({ id: "any" });
      const pool = await startPartitionSupervisor({ name: "pool", partitions: 2, child });
      const ref = await startChild(partition("pool", 1), { logic });
      const addresses = [partition("pool", 1), partition(pool, 1), { via: pool, key: 1 }, partition("pool", -3)];
      for (const address of addresses) {
        expect(whichChildren(address).map((found) => found.ref)).toEqual([ref]);
        expect(whichChild(address, ref).ref).toBe(ref);
        expect(countChildren(address)).toEqual({ specs: 1, active: 1, supervisors: 0, workers: 1 });
        expect(getChildSpec(address, ref)).toMatchObject({ id: "child" });
        expect(tree(address).path).toBe("pool/1");
      }
      expect(whichChildren(partition(pool, 0))).toEqual([]);
      await terminateChild(partition(pool, 1), ref);
      expect(countChildren(partition(pool, 1)).specs).toBe(0);
      await pool.stop();
      expect(() => whichChildren(partition(pool, 1))).toThrow(expect.objectContaining({ code: "noproc" }));
    });
  });

  test("that does not run, or is not there any more, is noproc", async () => {
    const { supervise } = createWorld();
    const child = defineDynamicSupervisor({ id: "any" });
    const root = await supervise({
      children: [definePartitionSupervisor({ id: "pool", name: "pool", partitions: 2, child })],
    });
    const pool = root.whichChild("pool").ref as PartitionSupervisor;
    await pool.resize(1);
    expect(whichChildren(partition(pool, 1))).toEqual([]);
    await pool.terminateChild("0");
    expect(() => whichChildren(partition(pool, 1))).toThrow(expect.objectContaining({ code: "noproc" }));
    await pool.resize(0);
    expect(() => whichChildren(partition(pool, 1))).toThrow("has no partitions");
    await root.stop();
  });

  test("that has died and waits for its restart is nobody's address", async () => {
    const { runtime } = createWorld();
    const spec = {
      name: "pool",
      partitions: 1,
      child: { logic },
      policy: (state: unknown) => ({ decision: { type: "restart", delayMs: 100, because: "later" } as const, state }),
    };
    const pool = await startPartitionSupervisor(spec, { runtime });
    const before = pool.whereisName(0) as Process;
    // Within a signal, what follows of other signals waits: the supervisor does not know yet.
    const seen: unknown[] = [];
    runtime.signal(() => {
      before.finish("killed");
      seen.push(pool.whereisName(0));
    });
    expect(seen).toEqual([undefined]);
    await quiet();
    expect(pool.whereisName(0)).toBeUndefined();
    await pool.stop();
  });
});

test("a supervisor's own handle still tells what it was when it has ended, and refuses the rest", async () => {
  const { supervise } = createWorld();
  const supervisor = await supervise({ children: [{ id: "a", logic }] });
  await supervisor.stop();
  const entry = { id: "a", ref: undefined, status: "stopped", type: "worker" };
  expect([whichChildren(supervisor), whichChild(supervisor, "a")]).toEqual([[entry], entry]);
  expect(tree(supervisor)).toMatchObject({ state: "stopped" });
  await expect(startChild(supervisor, { id: "b", logic })).rejects.toMatchObject({ code: "stopped" });
});

test("a root has the name of its specification, as a nested supervisor has; that of the options comes first", async () => {
  const { runtime } = createWorld();
  const named = await startSupervisor({ name: "by its spec", children: [{ id: "a", logic }] }, { runtime });
  const other = await startSupervisor({ name: "by its spec" }, { runtime, name: "by its options" });
  expect([named, other].map(({ process }) => process.name)).toEqual(["by its spec", "by its options"]);
  await expect(startSupervisor({ name: "by its spec" }, { runtime })).rejects.toMatchObject({
    code: "already_started",
    value: named.process,
  });
  await Promise.all([named.stop(), other.stop()]);
});
