import { describe, expect, test } from "vitest";
import { restartIntensity } from "../../../src/otp/policy/restart-policy.ts";
import { exit } from "../../../src/otp/process/link.ts";
import type { Process } from "../../../src/otp/process/process.ts";
import type { Via } from "../../../src/otp/process/target.ts";
import { Groups } from "../../../src/otp/registry/groups.ts";
import { Registry } from "../../../src/otp/registry/registry.ts";
import { register } from "../../../src/otp/start/names.ts";
import type { ChildSpec } from "../../../src/otp/supervisor/child-spec.ts";
import { definePartitionSupervisor, startPartitionSupervisor } from "../../../src/otp/supervisor/partition.ts";
import {
  defineDynamicSupervisor,
  defineSupervisor,
  startChild,
  startDynamicSupervisor,
  startSupervisor,
} from "../../../src/otp/supervisor/start.ts";
import { defineTaskSupervisor, startTaskSupervisor } from "../../../src/otp/task/supervisor.ts";
import { createWorld, recorder } from "../scripted.ts";
import { bystander, listed, rejection } from "../support.ts";

const { logic } = recorder();

/** A world in which a stranger has the name "taken" and the key "taken" of a registry. */
function createTaken() {
  const world = createWorld();
  const { runtime } = world;
  const holder = bystander(world);
  runtime.names.set("taken", holder);
  holder.name = "taken";
  const registry = Registry.start<string, undefined>({ keys: "unique", runtime });
  registry.register("taken", undefined, holder);
  const taken = { code: "already_started", name: "CallerError", value: holder };
  return { ...world, holder, registry, taken, before: runtime.processCount };
}

const kinds: [string, (name: string | Via) => ChildSpec][] = [
  ["a process", (name) => ({ id: "child", logic, name })],
  ["a supervisor", (name) => defineSupervisor({ id: "child", name, children: [{ id: "a", logic }] })],
  ["a dynamic supervisor", (name) => defineDynamicSupervisor({ id: "child", name })],
  [
    "a partition supervisor",
    (name) => definePartitionSupervisor({ id: "child", name, partitions: 2, child: { logic } }),
  ],
  ["a task supervisor", (name) => defineTaskSupervisor({ id: "child", name })],
  ["a registry", (name) => ({ id: "child", start: () => Registry.start({ keys: "unique", name }) })],
  ["a scope of groups", (name) => ({ id: "child", start: async () => Groups.start({ name }) })],
];

describe.each(kinds)("the name of %s that another process has", (_kind, child) => {
  test("is already_started with its holder, as it is, where the child was asked for; nothing is kept", async () => {
    const { supervise, superviseDynamic, registry, taken, runtime, before } = createTaken();
    const fixed = await supervise({});
    const dynamic = await superviseDynamic();
    for (const name of ["taken", registry.via("taken")]) {
      expect(await rejection(fixed.startChild(child(name)))).toMatchObject(taken);
      expect(await rejection(dynamic.startChild(child(name)))).toMatchObject(taken);
      expect(await rejection(startChild(fixed.process, child(name)))).toMatchObject(taken);
    }
    expect([fixed.whichChildren(), dynamic.whichChildren()]).toEqual([[], []]);
    expect(runtime.processCount).toBe(before + 2);
    await Promise.all([fixed.stop(), dynamic.stop()]);
  });

  test("fails the start of the supervisor with the child's id, and with that error as its cause and inmost reason", async () => {
    const { runtime, registry, taken, before } = createTaken();
    for (const name of ["taken", registry.via("taken")]) {
      const inner = defineSupervisor({ id: "inner", children: [{ id: "first", logic }, child(name)] });
      const error = await rejection(startSupervisor({ children: [inner] }, { runtime }));
      const failed = (childId: string, reason: unknown) => ({
        shutdown: { type: "failed_to_start_child", childId, reason },
      });
      expect(error).toMatchObject({
        code: "start_failed",
        cause: { code: "start_failed", cause: taken },
        reason: failed("inner", failed("child", taken)),
      });
    }
    expect(runtime.processCount).toBe(before);
  });
});

test("a supervisor of any kind whose own name is taken is already_started with the holder, and leaves nothing", async () => {
  const { runtime, registry, taken, before } = createTaken();
  for (const name of ["taken", registry.via("taken")]) {
    for (const started of [
      startSupervisor({ children: [{ id: "a", logic }] }, { runtime, name }),
      startDynamicSupervisor({}, { runtime, name }),
      startTaskSupervisor({}, { runtime, name }),
      startPartitionSupervisor({ name, partitions: 2, child: { logic } }, { runtime }),
    ]) {
      expect(await rejection(started)).toMatchObject(taken);
    }
  }
  expect(runtime.processCount).toBe(before);
});

test("partitions that all want one name: the second is refused with the first as its holder, and neither is left", async () => {
  const { runtime } = createWorld();
  const spec = { name: "pool", partitions: 3, child: { logic, name: "same" } };
  expect(await rejection(startPartitionSupervisor(spec, { runtime }))).toMatchObject({
    code: "start_failed",
    reason: { shutdown: { childId: "1" } },
    cause: { code: "already_started", value: { name: "same", exitReason: "shutdown" } },
  });
  expect([runtime.processCount, runtime.names.size]).toEqual([0, 0]);
});

test("restartChild of a child whose name another has meanwhile is already_started with that one, and the child is kept", async () => {
  const world = createWorld();
  const supervisor = await world.supervise({ children: [{ id: "a", logic, name: "wanted" }] });
  await supervisor.terminateChild("a");
  const holder = bystander(world);
  await world.inProcess(() => register("wanted", holder));
  expect(await rejection(supervisor.restartChild("a"))).toMatchObject({ code: "already_started", value: holder });
  expect(listed(supervisor)).toEqual(["a stopped"]);
  exit(holder, "kill");
  expect(await supervisor.restartChild("a")).toBe(world.runtime.names.get("wanted"));
  await supervisor.stop();
});

test("a restart whose name is taken is a failed restart, tried until the supervisor gives up", async () => {
  const world = createWorld();
  const holder = bystander(world);
  const supervisor = await world.supervise({
    policy: (state, ended, nowMs) => {
      // Taken by a stranger, between the end and the restart.
      world.runtime.names.set("wanted", holder);
      return restartIntensity({ maxRestarts: 3, periodMs: 5_000 })(state, ended, nowMs);
    },
    children: [{ id: "a", logic, name: "wanted" }],
  });
  exit(world.runtime.names.get("wanted") as Process, "died");
  expect(await supervisor.ended).toBe("shutdown");
  const failures = world.reports.filter(({ type }) => type === "child.start_failed");
  expect(failures).toMatchObject(Array(3).fill({ reason: { code: "already_started", value: holder } }));
});

test("what fails for another reason, or is taken by what is no process, is a failed start as before", async () => {
  const { supervise } = createWorld();
  const supervisor = await supervise({});
  const inner = { id: "inner", start: () => startSupervisor({ children: [{ id: "a", logic, name: "" }] }) };
  expect(await rejection(supervisor.startChild(inner))).toMatchObject({
    code: "start_failed",
    cause: { code: "invalid_argument", field: "spec.children[0].name" },
  });
  await supervisor.stop();
});
