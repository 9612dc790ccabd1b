/** Conformance rows S140 to S150: Elixir's Supervisor. */

import { describe, expect, test } from "vitest";
import { fromPromise } from "xstate";
import { exit } from "../../../src/otp/process/link.ts";
import type { Process } from "../../../src/otp/process/process.ts";
import { Registry } from "../../../src/otp/registry/registry.ts";
import { call } from "../../../src/otp/request/call.ts";
import { stop } from "../../../src/otp/request/stop.ts";
import { fromGenServer } from "../../../src/otp/server/gen-server.ts";
import { exited, whereis } from "../../../src/otp/start/names.ts";
import { normalizeSupervisorSpec } from "../../../src/otp/supervisor/spec.ts";
import {
  defineDynamicSupervisor,
  defineSupervisor,
  startSupervisor,
  whichChildren,
} from "../../../src/otp/supervisor/start.ts";
import { createWorld, quiet } from "../scripted.ts";

type StackCall = { type: "push"; item: unknown } | { type: "pop" } | { type: "end" };

/** The stack of Elixir's own tests. */
const stack = fromGenServer({
  init: (items: readonly unknown[]) => ({ state: items }),
  handleCall(message: StackCall, items: readonly unknown[]) {
    switch (message.type) {
      case "push":
        return { reply: "ok" as unknown, state: [message.item, ...items] };
      case "pop":
        return { reply: items[0], state: items.slice(1) };
      case "end":
        return { stop: "normal" as const, reply: "ok" as unknown };
    }
  },
});

describe("S140 defineSupervisor makes a child specification", () => {
  test("S140 its id is the supervisor's, its type supervisor, and it waits for its children without limit", () => {
    const child = defineSupervisor({ id: "inner" });
    expect(child).toMatchObject({ id: "inner", type: "supervisor", restart: "permanent", shutdownMs: "infinity" });
    expect(child.significant).toBe(false);
    expect(defineDynamicSupervisor({ id: "dynamic" })).toMatchObject({ id: "dynamic", type: "supervisor" });
  });

  test("S140 what is given replaces the defaults (adapted: defineSupervisor is the childSpec() helper)", () => {
    const child = defineSupervisor({ id: "inner", restart: "temporary", shutdownMs: 100 });
    expect(child).toMatchObject({ id: "inner", restart: "temporary", shutdownMs: 100 });
  });
});

test("S142 the defaults are one_for_one, 3 restarts in 5,000 ms and autoShutdown never", () => {
  const spec = normalizeSupervisorSpec({ id: "sup" });
  expect(spec).toMatchObject({ strategy: "one_for_one", autoShutdown: "never", children: [] });
  const exits = (count: number, apartMs: number) => {
    let state: unknown;
    const decisions = Array.from({ length: count }, (_, index) => {
      const exit = { childId: "a", restart: "permanent", reason: "died", incarnation: index + 1 } as const;
      const answer = spec.intensity(state, exit, index * apartMs);
      state = answer.state;
      return answer.decision.type;
    });
    return decisions.at(-1);
  };
  expect([exits(3, 0), exits(4, 0), exits(4, 1_666), exits(4, 1_667)]).toEqual([
    "restart",
    "give_up",
    "give_up",
    "restart",
  ]);
});

test("S142 a strategy that does not exist is refused", () => {
  const spec = { id: "sup", strategy: "simple_one_for_one" } as unknown as Parameters<
    typeof normalizeSupervisorSpec
  >[0];
  expect(() => normalizeSupervisorSpec(spec)).toThrow(expect.objectContaining({ field: "spec.strategy" }));
});

test("S144 a supervisor is reached by its local name and by its key in a registry", async () => {
  const { runtime, inProcess } = createWorld();
  await inProcess(async () => {
    const registry = Registry.start({ keys: "unique" });
    const names = ["local", registry.via("sup")];
    for (const name of names) {
      const supervisor = await startSupervisor({}, { name });
      expect(whichChildren(name)).toEqual([]);
      expect(whereis(name)).toBe(supervisor.process);
      await supervisor.stop();
      expect(whereis(name)).toBeUndefined();
    }
    await stop(registry.process);
  });
  await quiet();
  expect(runtime.processCount).toBe(0);
});

test("S144 a supervisor whose name is taken does not start and leaves nothing behind", async () => {
  const { runtime, script } = createWorld();
  const holder = await startSupervisor({}, { runtime, name: "taken" });
  const child = script("a");
  const second = startSupervisor({ children: [child.spec] }, { runtime, name: "taken" });
  await expect(second).rejects.toMatchObject({ code: "already_started", value: holder.process });
  expect([child.refs.length, runtime.processCount]).toEqual([0, 1]);
  await holder.stop();
});

test("S145 a named child that stops itself is restarted under its name with its original state", async () => {
  const world = createWorld();
  const { runtime, inProcess } = world;
  const supervisor = await world.supervise({
    children: [{ id: "stack", logic: stack, input: ["hello"], name: "stack" }],
  });
  await inProcess(async () => {
    const first = whereis("stack") as Process;
    await call("stack", { type: "push", item: "world" });
    expect(await call("stack", { type: "pop" })).toBe("world");
    expect(await call("stack", { type: "pop" })).toBe("hello");
    await call("stack", { type: "end" });
    expect(await exited(first)).toBe("normal");
    expect(whereis("stack")).not.toBe(first);
    expect(await call("stack", { type: "pop" })).toBe("hello");
  });
  await stop(supervisor.process, "normal");
  await quiet();
  expect([runtime.processCount, runtime.names.size]).toEqual([0, 0]);
});

test.each([[""], [7], [{ via: {}, key: "x" }], [null]])(
  "S145 the name %j is refused before anything starts",
  async (name) => {
    const { runtime, script } = createWorld();
    const child = script("a");
    const started = startSupervisor({ children: [child.spec] }, { runtime, name: name as string });
    await expect(started).rejects.toMatchObject({ code: "invalid_argument", field: "options.name" });
    expect([child.refs.length, runtime.processCount]).toEqual([0, 0]);
  },
);

test("S146 a supervisor starts its child by what it is given, and the child is reached by its name", async () => {
  const { runtime, inProcess, supervise } = createWorld();
  const supervisor = await supervise({ children: [{ id: "stack", logic: stack, input: [1, 2], name: "numbers" }] });
  expect(await inProcess(() => call("numbers", { type: "pop" }))).toBe(1);
  await supervisor.stop();
  expect(runtime.names.has("numbers")).toBe(false);
});

test("S147 startChild takes logic or a start function (adapted: one shape of specification)", async () => {
  const { supervise, script } = createWorld();
  const supervisor = await supervise({});
  const inner = script("inner");
  const byLogic = await supervisor.startChild({ id: "logic", logic: stack, input: [] });
  const byFunction = await supervisor.startChild({
    id: "function",
    start: () => startSupervisor({ children: [inner.spec] }),
  });
  expect(supervisor.whichChildren().map(({ ref }) => ref)).toEqual([byFunction, byLogic]);
  await supervisor.stop();
  expect(inner.ref.alive).toBe(false);
});

test.each([
  [{}, "spec.id"],
  [{ id: "" }, "spec.id"],
  [{ id: "x" }, "spec.start"],
  [{ id: "x", start: 1 }, "spec.start"],
  [{ id: "x", logic: {} }, "spec.start"],
  [{ id: "x", logic: stack, shutdownMs: -1 }, "spec.shutdownMs"],
])("S148 startChild refuses %j: %s", async (spec, field) => {
  const { supervise } = createWorld();
  const supervisor = await supervise({});
  const refused = supervisor.startChild(spec as Parameters<typeof supervisor.startChild>[0]);
  await expect(refused).rejects.toMatchObject({ code: "invalid_argument", field });
  expect(supervisor.whichChildren()).toEqual([]);
  await supervisor.stop();
});

test.each([[0], [1]])("S149 a task with shutdownMs %i starts and ends when it is asked to", async (shutdownMs) => {
  const { supervise } = createWorld();
  const supervisor = await supervise({});
  const task = fromPromise(() => new Promise(() => undefined));
  const ref = (await supervisor.startChild({ id: "task", logic: task, shutdownMs, restart: "temporary" })) as Process;
  exit(ref, "shutdown");
  expect(await exited(ref)).toBe("shutdown");
  expect(supervisor.countChildren().specs).toBe(0);
  await supervisor.stop();
});

test("S150 the life of a child: start, ask, list, terminate, restart, delete, stop", async () => {
  const { runtime, supervise } = createWorld();
  const supervisor = await supervise({});
  const counts = () => Object.values(supervisor.countChildren());
  expect([supervisor.whichChildren(), counts()]).toEqual([[], [0, 0, 0, 0]]);
  const first = (await supervisor.startChild({ id: "stack", logic: stack, input: ["hello"] })) as Process;
  expect(await call(first, { type: "pop" })).toBe("hello");
  expect(supervisor.whichChildren()).toEqual([{ id: "stack", ref: first, status: "running", type: "worker" }]);
  expect(counts()).toEqual([1, 1, 0, 1]);
  await expect(supervisor.deleteChild("stack")).rejects.toMatchObject({ code: "already_started", value: first });
  await supervisor.terminateChild("stack");
  const second = (await supervisor.restartChild("stack")) as Process;
  expect(await call(second, { type: "pop" })).toBe("hello");
  await supervisor.terminateChild("stack");
  await supervisor.deleteChild("stack");
  expect([supervisor.whichChildren(), counts()]).toEqual([[], [0, 0, 0, 0]]);
  await supervisor.stop("normal");
  expect(runtime.processCount).toBe(0);
});
