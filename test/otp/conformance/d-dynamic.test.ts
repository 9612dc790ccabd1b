/** Conformance rows D1 to D14: DynamicSupervisor, its start and startChild. */

import { describe, expect, test } from "vitest";
import { LocalProcess } from "../../../src/otp/process/local-process.ts";
import { Exit } from "../../../src/otp/report/exit-reason.ts";
import { stop } from "../../../src/otp/request/stop.ts";
import { whereis } from "../../../src/otp/start/names.ts";
import {
  type DynamicChildSpec,
  DynamicSupervisor,
  type DynamicSupervisorSpec,
} from "../../../src/otp/supervisor/dynamic.ts";
import {
  defineDynamicSupervisor,
  startChild,
  startDynamicSupervisor,
  whichChildren,
} from "../../../src/otp/supervisor/start.ts";
import { counts, createWorld, quiet, recorder } from "../scripted.ts";
import { bystander } from "../support.ts";

describe("starting one", () => {
  test("D1 it stands under a supervisor by its name, without children", async () => {
    const { supervise, inProcess } = createWorld();
    const supervisor = await supervise({ children: [defineDynamicSupervisor({ id: "dynamic", name: "pool" })] });
    await inProcess(() => expect(whichChildren("pool")).toEqual([]));
    expect(supervisor.countChildren()).toEqual({ specs: 1, active: 1, supervisors: 1, workers: 0 });
    await supervisor.stop();
  });

  test("D3 its child specification has its id, type supervisor, and what is given (adapted: defineDynamicSupervisor is the helper)", () => {
    const plain = defineDynamicSupervisor({ id: "dynamic" });
    expect(plain).toMatchObject({ id: "dynamic", type: "supervisor", restart: "permanent", shutdownMs: "infinity" });
    const own = defineDynamicSupervisor({ id: "dynamic", restart: "temporary", shutdownMs: 5 });
    expect(own).toMatchObject({ restart: "temporary", shutdownMs: 5 });
  });

  test("D4 the defaults: one_for_one, 3 restarts in 5,000 ms, no limit of children, nothing prepared", async () => {
    const world = createWorld();
    const supervisor = await world.superviseDynamic();
    expect(supervisor.actor.getSnapshot().context).toMatchObject({ strategy: "one_for_one" });
    const { inputs, logic } = recorder();
    for (let count = 0; count < 500; count += 1) await supervisor.startChild({ logic, input: count });
    expect([supervisor.countChildren().active, inputs[499]]).toEqual([500, 499]);
    const a = world.script("a");
    await supervisor.startChild(a.spec);
    for (const advanceMs of [0, 0, 5_000]) {
      world.clock.advance(advanceMs);
      await a.end("died");
    }
    expect(supervisor.process.alive).toBe(true);
    await a.end("died");
    expect(await supervisor.ended).toBe("shutdown");
  });

  test.each([
    ["spec.strategy", { strategy: "one_for_all" }],
    ["spec.maxRestarts", { maxRestarts: -1 }],
    ["spec.periodMs", { periodMs: 0 }],
    ["spec.maxChildren", { maxChildren: -1 }],
    ["spec.prepare", { prepare: -1 }],
    ["spec.autoShutdown", { autoShutdown: "any_significant" }],
    ["spec", 7],
    ["spec", null],
  ])("D5 %s is refused in %j", async (field, spec) => {
    const { runtime } = createWorld();
    const started = startDynamicSupervisor(spec as DynamicSupervisorSpec, { runtime });
    await expect(started).rejects.toMatchObject({ code: "invalid_argument", field });
    expect(runtime.processCount).toBe(0);
  });

  test("D6 a named one is linked to its starter, found by its name, and stopped by it", async () => {
    const { runtime, inProcess } = createWorld();
    await inProcess(async (self) => {
      const supervisor = await startDynamicSupervisor({}, { name: "pool", link: true });
      expect(whereis("pool")).toBe(supervisor.process);
      expect([...(self.links ?? [])]).toEqual([supervisor.process]);
      await stop("pool");
      expect(whereis("pool")).toBeUndefined();
    });
    await quiet();
    expect(runtime.processCount).toBe(0);
  });
});

describe("startChild", () => {
  test("D9 ids are not needed and may repeat", async () => {
    const { superviseDynamic } = createWorld();
    const supervisor = await superviseDynamic();
    const { logic } = recorder();
    const refs = [{ logic }, { id: "same", logic }, { id: "same", logic }, { start: () => undefined as never }];
    const started = await Promise.allSettled(refs.map((spec) => supervisor.startChild(spec)));
    expect(started.map(({ status }) => status)).toEqual(["fulfilled", "fulfilled", "fulfilled", "rejected"]);
    expect(counts(supervisor)).toEqual([3, 3, 0, 3]);
    await supervisor.stop();
  });

  test("D10 what all children share is put before what each brings (adapted: `prepare` instead of extra_arguments)", async () => {
    const { superviseDynamic } = createWorld();
    const { inputs, logic } = recorder();
    const supervisor = await superviseDynamic({ prepare: shared("extra") });
    await supervisor.startChild({ logic, input: ["own"] });
    await supervisor.startChild({ logic, input: [] });
    expect(inputs).toEqual([["extra", "own"], ["extra"]]);
    await supervisor.stop();
  });

  const invalid: [string, unknown][] = [
    ["spec.start", {}],
    ["spec.start", { start: 7 }],
    ["spec.start", { logic: "none" }],
    ["spec.shutdownMs", { start: () => undefined, shutdownMs: -1 }],
    ["spec.restart", { start: () => undefined, restart: "always" }],
  ];
  test.each(invalid)(
    "D11 %s of %j is refused before the supervisor is asked, be it busy or not there at all",
    async (field, given) => {
      const { superviseDynamic, inProcess } = createWorld();
      const spec = given as DynamicChildSpec;
      const error = { code: "invalid_argument", field };
      await inProcess(() => expect(startChild("not used", spec)).rejects.toMatchObject(error));
      const supervisor = await superviseDynamic();
      const busy = supervisor.startChild({ start: () => new Promise(() => undefined) }).catch(() => "given up");
      await expect(supervisor.startChild(spec)).rejects.toMatchObject(error);
      supervisor.kill();
      expect(await busy).toBe("given up");
    },
  );

  test("D11 a significant child is refused before the supervisor is asked", async () => {
    const { superviseDynamic } = createWorld();
    const supervisor = await superviseDynamic();
    const spec = { logic: recorder().logic, restart: "temporary", significant: true } as const;
    await expect(supervisor.startChild(spec)).rejects.toMatchObject({ field: "spec.significant", value: true });
    await supervisor.stop();
  });

  test("D12 what a start answers: a ref, something that has a process, a ref with an info, ignore, an error, junk; only refs are kept", async () => {
    const world = createWorld();
    const supervisor = await world.superviseDynamic();
    const a = world.script("a");
    const ref = await supervisor.startChild(a.spec);
    expect(ref).toBe(a.ref);
    const extra = await supervisor.startChild({ start: () => startDynamicSupervisor() });
    expect(extra).toBeInstanceOf(DynamicSupervisor);
    const third = await supervisor.startChild({ start: () => ({ ref: bystander(world), info: "extra" }) });
    expect(third).toEqual({ ref: expect.any(LocalProcess), info: "extra" });
    const start = (answer: () => unknown) => supervisor.startChild({ start: answer as () => undefined });
    await expect(start(() => undefined)).rejects.toMatchObject({ code: "ignored" });
    const found = () => {
      throw new Exit("found");
    };
    await expect(start(found)).rejects.toMatchObject({ code: "start_failed", reason: "found" });
    await expect(start(() => "junk")).rejects.toMatchObject({ code: "start_failed", reason: { name: "TypeError" } });
    expect(supervisor.whichChildren().map((child) => child.ref)).toEqual([ref, extra, third.ref]);
    await supervisor.stop();
  });

  test("D14 under maxChildren 0 no child starts", async () => {
    const { superviseDynamic } = createWorld();
    const supervisor = await superviseDynamic({ maxChildren: 0 });
    const { inputs, logic } = recorder();
    await expect(supervisor.startChild({ logic })).rejects.toMatchObject({ code: "queue_full", field: "maxChildren" });
    expect(inputs).toEqual([]);
    await supervisor.stop();
  });
});

/** Puts something before a child's own input. */
function shared(extra: unknown): NonNullable<DynamicSupervisorSpec["prepare"]> {
  return (spec) => ("logic" in spec ? { ...spec, input: [extra, ...(spec.input as unknown[])] } : spec);
}
