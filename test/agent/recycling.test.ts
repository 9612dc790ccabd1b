import { describe, expect, test } from "vitest";
import { defineAgent } from "../../src/agent/define.ts";
import type { FakeWorkerScript } from "../../src/testing/index.ts";
import { tellsMemory } from "../../src/worker/memory.ts";
import { rejection } from "../rpc/agent-server.ts";
import { hang, startPoet } from "./fleet.ts";

const MiB = 1024 * 1024;

test("a worker is replaced without a gap when it has ended maxRuns runs, and the next one counts anew", async () => {
  const fleet = await startPoet({ recycle: { maxRuns: 3 } });
  const agent = fleet.agent();
  const incarnations: number[] = [];
  for (let run = 0; run < 3; run += 1) incarnations.push((await agent.run("x")).incarnation);
  expect(incarnations).toEqual([1, 1, 1]);
  const { reason } = await fleet.report("agent.swapped");
  expect(reason).toBe("recycled after 3 runs (maxRuns 3)");
  for (let run = 0; run < 3; run += 1) expect((await agent.run("x")).incarnation).toBe(2);
  expect(await fleet.report("agent.swapped", ({ incarnation }) => incarnation === 3)).toMatchObject({ retired: 2 });
  expect(fleet.reports.map(({ type }) => type)).not.toContain("agent.crashed");
});

test("a worker is replaced when it has served maxAgeMs, busy or not", async () => {
  const fleet = await startPoet({ recycle: { maxAgeMs: 60_000 }, shutdownMs: 1_000 }, { script: hang });
  const agent = fleet.agent();
  await agent.whenReady();
  fleet.clock.advance(59_999);
  expect(fleet.launcher.workers).toHaveLength(1);
  fleet.clock.advance(1);
  expect(await fleet.report("agent.swapped")).toMatchObject({ reason: "recycled after 60000 ms (maxAgeMs 60000)" });
  await fleet.report("worker.retired");
  fleet.clock.advance(60_000);
  await fleet.report("agent.swapped", ({ incarnation }) => incarnation === 3);
});

describe.runIf(tellsMemory)("maxMemoryBytes", () => {
  test("is looked at after each run, and every 10 seconds", async () => {
    const memory = new Map<number, number>();
    const fleet = await startPoet({ recycle: { maxMemoryBytes: 100 * MiB } });
    fleet.environment.memoryOf = (pid) => memory.get(pid) ?? 50 * MiB;
    const agent = fleet.agent();
    await agent.run("small");
    memory.set(agent.pid ?? 0, 100 * MiB);
    await agent.run("large");
    expect(await fleet.report("agent.swapped")).toMatchObject({
      reason: "recycled with 104857600 bytes (maxMemoryBytes 104857600)",
    });
    await fleet.report("worker.retired");
    memory.set(agent.pid ?? 0, 101 * MiB);
    fleet.clock.advance(10_000);
    await fleet.report("agent.swapped", ({ incarnation }) => incarnation === 3);
  });

  test("of a process that tells nothing is not reached", async () => {
    const fleet = await startPoet({ recycle: { maxMemoryBytes: 1 } });
    await fleet.agent().run("x");
    expect(fleet.launcher.workers).toHaveLength(1);
  });
});

test("a swap that does not come about leaves the worker serving, and is tried again after pauses that grow", async () => {
  const script = ({ incarnation }: { incarnation: number }): FakeWorkerScript =>
    incarnation > 1 && incarnation < 4 ? { start: { exitCode: 3 } } : {};
  const fleet = await startPoet({ recycle: { maxRuns: 1 } }, { script });
  const agent = fleet.agent();
  await agent.run("x");
  await fleet.report("agent.swap_failed", ({ crash }) => crash.incarnation === 2);
  expect((await agent.run("on")).incarnation).toBe(1);
  fleet.clock.advance(999);
  expect(fleet.launcher.workers).toHaveLength(2);
  fleet.clock.advance(1);
  await fleet.report("agent.swap_failed", ({ crash }) => crash.incarnation === 3);
  await new Promise((resolve) => setImmediate(resolve));
  fleet.clock.advance(1_999);
  expect(fleet.launcher.workers).toHaveLength(3);
  fleet.clock.advance(1);
  expect(await fleet.report("agent.swapped")).toMatchObject({ incarnation: 4 });
});

test("a limit that is reached while the worker before still finishes its runs waits for its end", async () => {
  const fleet = await startPoet({ recycle: { maxRuns: 2 }, shutdownMs: 20_000 }, { script: hang });
  const agent = fleet.agent();
  const leaving = new AbortController();
  const held = rejection(agent.run("hang", { signal: leaving.signal }));
  for (const prompt of ["x", "x"]) await agent.run(prompt);
  await fleet.report("agent.swapped");
  for (const prompt of ["x", "x"]) expect((await agent.run(prompt)).incarnation).toBe(2);
  expect(fleet.launcher.workers).toHaveLength(2);
  leaving.abort();
  await held;
  await fleet.report("worker.retired");
  fleet.clock.advance(1_000);
  await fleet.report("agent.swapped", ({ incarnation }) => incarnation === 3);
});

test("a worker that crashes takes its timers with it, and a stopped agent waits for nothing", async () => {
  const fleet = await startPoet({ recycle: { maxAgeMs: 60_000, ...(tellsMemory ? { maxMemoryBytes: MiB } : {}) } });
  const agent = fleet.agent();
  await agent.whenReady();
  fleet.launcher.worker("poet").crash();
  await fleet.report("agent.ready", ({ incarnation }) => incarnation === 2);
  await agent.stop();
  expect(fleet.clock.pending).toBe(0);
});

test.each([
  [{ maxRuns: 0 }, "spec.recycle.maxRuns"],
  [{ maxAgeMs: 2 ** 31 }, "spec.recycle.maxAgeMs"],
  [{ maxMemoryBytes: 1.5 }, "spec.recycle.maxMemoryBytes"],
  [{ maxUses: 1 }, "spec.recycle.maxUses"],
  [3, "spec.recycle"],
])("recycle %j is refused by name", (recycle, field) => {
  const define = () => defineAgent({ id: "poet", entry: "poet.py:agent", recycle: recycle as never });
  expect(define).toThrow(expect.objectContaining({ code: "invalid_argument", field }));
});
