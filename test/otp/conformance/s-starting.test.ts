/** Conformance rows S1 to S19: starting a supervisor and its children. */

import { describe, expect, test } from "vitest";
import { self } from "../../../src/otp/process/current.ts";
import { exit, link, trapExit } from "../../../src/otp/process/link.ts";
import { monitor } from "../../../src/otp/process/monitor.ts";
import { spawn } from "../../../src/otp/start/spawn.ts";
import type { ChildSpec } from "../../../src/otp/supervisor/child-spec.ts";
import { startDynamicSupervisor, startSupervisor } from "../../../src/otp/supervisor/start.ts";
import { createWorld, quiet } from "../scripted.ts";
import { bystander, counted, listed, rejection } from "../support.ts";

/** What a process that traps exits finds in its mailbox. */
const nothing = { timeoutMs: 0 };

describe("S1 a supervisor", () => {
  test("S1 ends with the shutdown its parent signals, seen as EXIT and as DOWN", async () => {
    const world = createWorld();
    const seen = await receiving(world, async (receive) => {
      trapExit();
      const supervisor = await startSupervisor({ maxRestarts: 2, periodMs: 3_600_000 }, { link: true });
      const watch = monitor(supervisor.process);
      exit(supervisor.process, "shutdown");
      return { watch, supervisor, first: await receive(), second: await receive() };
    });
    const from = seen.supervisor.process;
    expect(seen.first).toEqual({ type: "EXIT", from, reason: "shutdown" });
    expect(seen.second).toEqual({ type: "DOWN", monitor: seen.watch, process: from, reason: "shutdown" });
  });

  test("S1 start settles only when its children have started", async () => {
    const world = createWorld();
    const gate = Promise.withResolvers<void>();
    let ready = false;
    const slow = { id: "slow", start: () => gate.promise.then(() => bystander(world)) };
    const starting = startSupervisor({ children: [slow] }, { runtime: world.runtime }).then((supervisor) => {
      ready = true;
      return supervisor;
    });
    await quiet();
    expect(ready).toBe(false);
    gate.resolve();
    await (await starting).stop();
  });
});

describe("children that choose not to start", () => {
  test("S3 startChild of a permanent one answers undefined and keeps its spec", async () => {
    const { script, supervise } = createWorld();
    const [child1, child2] = [script("child1"), script("child2")];
    child1.ignore = true;
    const supervisor = await supervise({});
    expect(await supervisor.startChild(child1.spec)).toBeUndefined();
    expect(await supervisor.startChild(child2.spec)).toBe(child2.ref);
    expect(listed(supervisor)).toEqual(["child2 ref", "child1 stopped"]);
    expect(counted(supervisor)).toBe("2/1/0/2");
    await supervisor.stop();
  });

  test("S3 a start function that answers undefined is the same", async () => {
    const { script, supervise } = createWorld();
    const supervisor = await supervise({ children: [{ id: "none", start: () => undefined }, script("a").spec] });
    expect(listed(supervisor)).toEqual(["a ref", "none stopped"]);
    await supervisor.stop();
  });

  test("S4 a temporary one in the list is not stored", async () => {
    const { script, supervise } = createWorld();
    const [child1, child2] = [script("child1", { restart: "temporary" }), script("child2", { restart: "temporary" })];
    child1.ignore = true;
    const supervisor = await supervise({ children: [child1.spec, child2.spec] });
    expect(listed(supervisor)).toEqual(["child2 ref"]);
    expect(counted(supervisor)).toBe("1/1/0/1");
    await supervisor.stop();
  });

  test("S5 startChild of a temporary one answers undefined and stores nothing", async () => {
    const { script, supervise } = createWorld();
    const [child1, child2] = [script("child1", { restart: "temporary" }), script("child2", { restart: "temporary" })];
    child1.ignore = true;
    const supervisor = await supervise({});
    expect(await supervisor.startChild(child1.spec)).toBeUndefined();
    expect(await supervisor.startChild(child2.spec)).toBe(child2.ref);
    expect(listed(supervisor)).toEqual(["child2 ref"]);
    expect(counted(supervisor)).toBe("1/1/0/1");
    await supervisor.stop();
  });

  test.each([
    [
      "S6 a temporary instance that ignores is not stored (adapted: DynamicSupervisor rejects it as ignored)",
      "temporary",
    ],
    ["S7 nor is a permanent one (adapted: DynamicSupervisor rejects it as ignored)", "permanent"],
  ] as const)("%s", async (_title, restart) => {
    const { script, superviseDynamic } = createWorld();
    const supervisor = await superviseDynamic();
    const [ignoring, healthy] = [script("ignoring", { restart }), script("healthy", { restart })];
    ignoring.ignore = true;
    await expect(supervisor.startChild(ignoring.spec)).rejects.toMatchObject({ code: "ignored" });
    expect(await supervisor.startChild(healthy.spec)).toBe(healthy.ref);
    expect(listed(supervisor)).toEqual(["- ref"]);
    expect(counted(supervisor)).toBe("1/1/0/1");
    expect(await supervisor.stop()).toBe("shutdown");
  });
});

describe("starts that fail", () => {
  test.each([undefined, null, "meaningless", 17, []])(
    "S8 a specification that is none (%o) is refused, without an EXIT (adapted: the spec stands for init)",
    async (spec) => {
      const world = createWorld();
      const error = await receiving(world, async (receive) => {
        trapExit();
        const refused = await rejection(startSupervisor(spec as never, { link: true }));
        await expect(receive()).rejects.toMatchObject({ code: "timeout" });
        return refused;
      });
      expect(error).toMatchObject({ code: "invalid_argument", field: "spec", value: spec });
      await quiet();
      expect(world.runtime.processCount).toBe(0);
    },
  );

  test("S9 a start that raises rejects with what was raised, without an EXIT", async () => {
    const world = createWorld();
    const fail = new Error("S9 raises");
    const raising: ChildSpec = {
      id: "raising",
      start() {
        throw fail;
      },
    };
    const error = await receiving(world, async (receive) => {
      trapExit();
      const refused = await rejection(startSupervisor({ children: [raising] }, { link: true }));
      await expect(receive()).rejects.toMatchObject({ code: "timeout" });
      return refused;
    });
    const reason = { shutdown: { type: "failed_to_start_child", childId: "raising", reason: fail } };
    expect(error).toMatchObject({ code: "start_failed", cause: fail, reason });
    await quiet();
    expect(world.runtime.processCount).toBe(0);
  });

  const junk = { junk: true };
  const failing: [string, () => never, unknown][] = [
    ["an error", () => Promise.reject(new Error("S10 fails")) as never, { message: "S10 fails" }],
    ["junk", () => junk as never, { message: expect.stringContaining("a start function answers") }],
  ];

  test.each(failing)(
    "S10 startChild rejects with %s wrapped in what is known of the child",
    async (_, start, reason) => {
      const { supervise, reports } = createWorld();
      const supervisor = await supervise({});
      const error = await rejection(supervisor.startChild({ id: "bad", start }));
      expect(error).toMatchObject({
        code: "start_failed",
        reason: { shutdown: { type: "failed_to_start_child", childId: "bad", reason } },
      });
      expect(listed(supervisor)).toEqual([]);
      expect(reports).toContainEqual(expect.objectContaining({ type: "child.start_failed" }));
      await supervisor.stop();
    },
  );

  test.each(failing)(
    "S12 startChild of a dynamic supervisor rejects with %s unwrapped (adapted: DynamicSupervisor)",
    async (_, start, reason) => {
      const { superviseDynamic } = createWorld();
      const supervisor = await superviseDynamic();
      const error = await rejection(supervisor.startChild({ start }));
      expect(error).toMatchObject({ code: "start_failed", reason });
      expect(listed(supervisor)).toEqual([]);
      await supervisor.stop();
    },
  );
});

describe("specifications", () => {
  test("S13 defaults: permanent, worker, 5,000 ms, infinity for a supervisor; brutal_kill is kept", async () => {
    const { script, supervise } = createWorld();
    const children = [
      script("a").spec,
      script("b", { type: "supervisor" }).spec,
      script("c", { shutdownMs: "brutal_kill" }).spec,
    ];
    const supervisor = await supervise({ children });
    const defaults = { restart: "permanent", type: "worker", shutdownMs: 5_000, significant: false };
    expect(supervisor.getChildSpec("a")).toMatchObject({ id: "a", ...defaults });
    expect(supervisor.getChildSpec("b")).toMatchObject({ ...defaults, type: "supervisor", shutdownMs: "infinity" });
    expect(supervisor.getChildSpec("c")).toMatchObject({ ...defaults, shutdownMs: "brutal_kill" });
    await supervisor.stop();
  });

  test("S14 getChildSpec of an unknown id is not_found", async () => {
    const { supervise } = createWorld();
    const supervisor = await supervise({});
    expect(() => supervisor.getChildSpec("nobody")).toThrow(
      expect.objectContaining({ code: "not_found", value: "nobody" }),
    );
    await supervisor.stop();
  });

  test("S15 getChildSpec by ref gives each child's spec; a stranger's ref is not_found (adapted: DynamicSupervisor)", async () => {
    const world = createWorld();
    const supervisor = await world.superviseDynamic();
    for (const id of ["1", "2", "3"]) {
      const ref = await supervisor.startChild(world.script(id, { restart: "temporary" }).spec);
      expect(supervisor.getChildSpec(ref)).toMatchObject({
        restart: "temporary",
        shutdownMs: 5_000,
        type: "worker",
        significant: false,
      });
    }
    const stranger = bystander(world);
    expect(() => supervisor.getChildSpec(stranger)).toThrow(expect.objectContaining({ code: "not_found" }));
    exit(stranger, "kill");
    await supervisor.stop();
  });

  test.each([
    ["S16 a spec without an id fails the start, naming the field", { start: () => undefined }, "spec.children[0].id"],
    ["S19 so does a spec that is none", "not a spec", "spec.children[0]"],
  ])("%s", async (_title, spec, field) => {
    const { supervise, runtime } = createWorld();
    const error = await rejection(supervise({ children: [spec as never] }));
    expect(error).toMatchObject({ code: "invalid_argument", field });
    expect(runtime.processCount).toBe(0);
  });

  test("S18 an unknown key in a spec is ignored (adapted: the compiler refuses it in a literal)", async () => {
    const { script, supervise } = createWorld();
    const supervisor = await supervise({ children: [{ ...script("a").spec, ...{ faulty: "key" } }] });
    expect(listed(supervisor)).toEqual(["a ref"]);
    await supervisor.stop();
  });
});

test("a failed start stops what runs in reverse order, starts nothing more and is not retried; nested starts nest the reason", async () => {
  const { script, runtime, log } = createWorld();
  const [a, b, c, d] = [script("a"), script("b"), script("c"), script("d")];
  c.fail = 1;
  const inner: ChildSpec = {
    id: "inner",
    type: "supervisor",
    start: () => startSupervisor({ id: "inner", children: [b.spec, c.spec] }),
  };
  const error = await rejection(startSupervisor({ children: [a.spec, inner, d.spec] }, { runtime }));
  expect(log).toEqual(["start a", "start b", "fail c", "stop b", "stop a"]);
  const failed = (childId: string, reason: unknown) => ({
    shutdown: { type: "failed_to_start_child", childId, reason },
  });
  expect(error).toMatchObject({ reason: failed("inner", failed("c", { message: "start of c fails" })) });
  expect(runtime.processCount).toBe(0);
});

test("flags are checked before specs, and all specs before any start", async () => {
  const { script, supervise, log } = createWorld();
  const bad = { ...script("b").spec, restart: "sometimes" as never };
  const flags = await rejection(supervise({ maxRestarts: -1, children: [script("a").spec, bad] }));
  expect(flags).toMatchObject({ code: "invalid_argument", field: "spec.maxRestarts" });
  const specs = await rejection(supervise({ children: [script("a").spec, bad] }));
  expect(specs).toMatchObject({ code: "invalid_argument", field: "spec.children[1].restart" });
  expect(log).toEqual([]);
});

test("a supervisor whose starter has died meanwhile ends, with its children", async () => {
  const world = createWorld();
  const gate = Promise.withResolvers<void>();
  const a = world.script("a");
  const slow = { id: "slow", start: () => gate.promise.then(() => undefined) };
  const starter = spawn(() => startSupervisor({ children: [a.spec, slow] }, { link: true }), {
    runtime: world.runtime,
  });
  await quiet();
  exit(starter, "kill");
  gate.resolve();
  await quiet();
  expect(world.log).toEqual(["start a", "stop a"]);
  expect(world.runtime.processCount).toBe(0);
});

test("a start function runs as the supervisor: self() is its process, and a link from there is a link to it", async () => {
  const world = createWorld();
  const seen: unknown[] = [];
  const child: ChildSpec = {
    id: "asks",
    start() {
      seen.push(self());
      const ref = bystander(world);
      link(ref);
      return ref;
    },
  };
  const supervisor = await world.supervise({ children: [child] });
  const dynamic = await startDynamicSupervisor({}, { runtime: world.runtime });
  await world.inProcess(() => dynamic.startChild(child));
  expect(seen).toEqual([supervisor.process, dynamic.process]);
  const [entry] = supervisor.whichChildren();
  expect(supervisor.process.links).toEqual(new Set([entry?.ref]));
  await Promise.all([supervisor.stop(), dynamic.stop()]);
});

/** Runs code as a process that can look into its mailbox. */
function receiving<T>(
  { runtime }: ReturnType<typeof createWorld>,
  code: (receive: () => Promise<unknown>) => Promise<T>,
): Promise<T> {
  return new Promise<T>((resolve, reject) => {
    const run = async ({ receive }: { receive: (match?: never, options?: object) => Promise<unknown> }) =>
      code(async () => {
        await quiet();
        return receive(undefined, nothing);
      }).then(resolve, reject);
    spawn(run, { runtime });
  });
}
