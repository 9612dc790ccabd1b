import { describe, expect, expectTypeOf, test } from "vitest";
import { exit } from "../../../src/otp/process/link.ts";
import type { Process } from "../../../src/otp/process/process.ts";
import type { RegistryOptions } from "../../../src/otp/registry/options.ts";
import { Registry } from "../../../src/otp/registry/registry.ts";
import { stop } from "../../../src/otp/request/stop.ts";
import { fromGenServer } from "../../../src/otp/server/gen-server.ts";
import { isAlive } from "../../../src/otp/start/names.ts";
import { spawn } from "../../../src/otp/start/spawn.ts";
import { start } from "../../../src/otp/start/start.ts";
import { startSupervisor } from "../../../src/otp/supervisor/start.ts";
import { createPlace, leftovers } from "../in-process.ts";
import { quiet } from "../scripted.ts";
import { rejection } from "../support.ts";

describe("start", () => {
  test.each<[string, unknown]>([
    ["options", undefined],
    ["options.keys", {}],
    ["options.keys", { keys: "many" }],
    ["options.listeners", { keys: "unique", listeners: "one" }],
    ["options.name", { keys: "unique", name: "" }],
  ])("refuses bad %s: %j", (field, options) => {
    const start = () => Registry.start(options as RegistryOptions);
    expect(start).toThrow(expect.objectContaining({ code: "invalid_argument", field }));
  });

  test("refuses a name that is taken", () => {
    const { runtime } = createPlace();
    const first = Registry.start({ keys: "unique", name: "taken", runtime });
    const second = () => Registry.start({ keys: "unique", name: "taken", runtime });
    expect(second).toThrow(expect.objectContaining({ code: "already_started", value: first.process }));
    expect(runtime.processCount).toBe(1);
  });

  test("below a supervisor gives a registry that comes back, empty, under its name", async () => {
    const { runtime, run } = createPlace();
    const names = { id: "names", start: () => Registry.start({ keys: "unique", name: "names" }) };
    const supervisor = await startSupervisor({ children: [names] }, { runtime });
    const process = spawn(({ receive }) => receive(() => false), { runtime, trapExit: true });
    await run(async () => {
      const before = Registry.of<string, number>("names");
      before.register("key", 1, process);
      exit("names", "kill");
      const after = Registry.of<string, number>("names");
      expect(after).not.toBe(before);
      expect(after.lookup("key")).toEqual([]);
      after.register("key", 2, process);
      expect(after.values("key", process)).toEqual([2]);
    });
    await supervisor.stop();
  });
});

describe("the end of a registry", () => {
  test.each([
    ["killed", "kill", "killed"],
    ["asked to shut down", "shutdown", "shutdown"],
    ["crashed", "out of order", "out of order"],
  ])("that is %s ends the processes that are registered, as a link does", async (_how, signal, reason) => {
    const { runtime, run, idle } = createPlace();
    const registry = Registry.start<string, number>({ keys: "duplicate", runtime });
    const [one, other, gone] = [idle(), idle(), idle()];
    await run(async (context) => {
      context.self.trapExit = true;
      for (const process of [one, other, gone, context.self]) registry.register("topic", 1, process);
      registry.register("own", 1, other);
      registry.unregister("topic", gone);
      exit(registry.process, signal);
      expect([one.exitReason, other.exitReason, gone.alive]).toEqual([reason, reason, true]);
      expect(await leftovers(context)).toEqual([{ type: "EXIT", from: registry.process, reason }]);
    });
    expect(registry.count()).toBe(0);
  });

  test("that was stopped is a shutdown to the processes that are registered: none of them would survive it without a name", async () => {
    const { runtime, idle } = createPlace();
    const registry = Registry.start({ keys: "unique", runtime });
    const process = idle();
    registry.register("key", 1, process);
    await stop(registry.process);
    expect([registry.process.exitReason, process.exitReason]).toEqual(["normal", "shutdown"]);
  });

  test("brings its supervised processes back, under their keys in the next one", async () => {
    const { runtime, run } = createPlace();
    const server = fromGenServer({ init: () => ({ state: 0 }) });
    const supervisor = await startSupervisor(
      {
        maxRestarts: 10,
        children: [
          { id: "names", start: () => Registry.start({ keys: "unique", name: "names" }) },
          { id: "a", logic: server, name: Registry.via("names", "a", "the value") },
          { id: "b", logic: server, name: Registry.via("names", "b") },
        ],
      },
      { runtime },
    );
    await run(async () => {
      const before = ["a", "b"].map((key) => Registry.of("names").whereisName(key));
      exit("names", "kill");
      await quiet();
      const registry = Registry.of("names");
      const after = ["a", "b"].map((key) => registry.whereisName(key));
      expect(after).toEqual(["b", "a"].map((id) => supervisor.whichChild(id).ref).reverse());
      expect(before.map((process) => process?.exitReason)).toEqual(["killed", "killed"]);
      expect(registry.lookup("a").map(({ value }) => value)).toEqual(["the value"]);
      expect(isAlive(Registry.via("names", "b"))).toBe(true);
    });
    await supervisor.stop();
    expect(runtime.processCount).toBe(0);
  });

  test("of many processes ends them all, whatever their number", () => {
    const { runtime, idle } = createPlace();
    const registry = Registry.start({ keys: "unique", runtime });
    for (let index = 0; index < 20_000; index += 1) registry.register(index, index, idle());
    exit(registry.process, "kill");
    expect(runtime.processCount).toBe(0);
  });
});

test("a key in a registry by name is nobody's while there is none, and a start under it fails", async () => {
  const { runtime, run } = createPlace();
  const server = fromGenServer({ init: () => ({ state: 0 }) });
  await run(async () => {
    const name = Registry.via("later", "key");
    expect(isAlive(name)).toBe(false);
    const error = await rejection(start(server, { name }));
    expect(error).toMatchObject({ code: "noproc", message: expect.stringContaining('there is no registry "later"') });
    Registry.start({ keys: "unique", name: "later" });
    const ref = await start(server, { name });
    expect(Registry.of("later").whereisName("key")).toBe(ref);
    Registry.start({ keys: "duplicate", name: "many" });
    const many = await rejection(start(server, { name: Registry.via("many", "key") }));
    expect(many).toMatchObject({ code: "invalid_argument", field: "via" });
  });
  await quiet();
  expect(runtime.processCount).toBe(3);
});

test("meta is the registry's own data, by key", () => {
  const { runtime } = createPlace();
  const registry = Registry.start({ keys: "unique", runtime });
  expect(registry.meta("version")).toBeUndefined();
  registry.putMeta("version", 1);
  registry.putMeta(["nested", 1], { any: "value" });
  expect([registry.meta("version"), registry.meta(["nested", 1])]).toEqual([1, { any: "value" }]);
  registry.deleteMeta("version");
  expect(registry.meta("version")).toBeUndefined();
  expect(registry.count()).toBe(0);
});

test("the code of a process that has ended can neither register nor be found", async () => {
  const { runtime, idle } = createPlace();
  const registry = Registry.start({ keys: "unique", runtime });
  const process = idle();
  registry.register("key", 1, process);
  exit(process, "kill");
  expect(() => registry.register("key", 2, process)).toThrow(expect.objectContaining({ code: "noproc" }));
  expect([registry.lookup("key"), registry.whereisName("key")]).toEqual([[], undefined]);
  expect(() => registry.register("key", 3)).toThrow(expect.objectContaining({ code: "invalid_argument" }));
});

test("an update that unregisters its own key changes nothing afterwards", async () => {
  const { runtime, run } = createPlace();
  const registry = Registry.start<string, number>({ keys: "unique", runtime });
  await run(() => {
    registry.register("key", 1);
    registry.updateValue("key", (value) => {
      registry.unregister("key");
      return value + 1;
    });
    expect(registry.lookup("key")).toEqual([]);
  });
});

test("many processes under one key end one after another, whatever their number", () => {
  const { runtime, idle } = createPlace();
  const registry = Registry.start<string, number>({ keys: "duplicate", runtime });
  const processes = Array.from({ length: 20_000 }, () => idle());
  for (const [index, process] of processes.entries()) {
    registry.register("topic", index, process);
    registry.register(`own ${index % 100}`, index, process);
  }
  expect(registry.countMatch("topic", () => true)).toBe(20_000);
  for (const process of processes) exit(process, "kill");
  expect(registry.count()).toBe(0);
});

test("a key may be asked for by any target", async () => {
  const { runtime, idle } = createPlace();
  const registry = Registry.start<string, undefined>({ keys: "unique", runtime });
  const process = idle();
  registry.register("key", undefined, process);
  expect(isAlive(registry.via("key"))).toBe(true);
  exit({ via: registry, key: "key" }, "kill");
  expect(isAlive(registry.via("key"))).toBe(false);
});

test("keys and values have their types", () => {
  type Room = Registry<{ id: number }, "open" | "closed">;
  expectTypeOf<ReturnType<Room["keys"]>>().toEqualTypeOf<{ id: number }[]>();
  expectTypeOf<ReturnType<Room["values"]>>().toEqualTypeOf<("open" | "closed")[]>();
  expectTypeOf<Parameters<Room["register"]>>().toEqualTypeOf<
    [{ id: number }, "open" | "closed", (Process | undefined)?]
  >();
  expectTypeOf<Parameters<Room["via"]>>().toEqualTypeOf<[{ id: number }, value: "open" | "closed"]>();
});
