import { describe, expect, expectTypeOf, test } from "vitest";
import { exit } from "../../../src/otp/process/link.ts";
import type { Process } from "../../../src/otp/process/process.ts";
import type { RegistryOptions } from "../../../src/otp/registry/options.ts";
import { Registry } from "../../../src/otp/registry/registry.ts";
import { isAlive } from "../../../src/otp/start/names.ts";
import { startSupervisor } from "../../../src/otp/supervisor/start.ts";
import { createPlace } from "../in-process.ts";

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
    const { runtime, run, idle } = createPlace();
    const names = { id: "names", start: () => Registry.start({ keys: "unique", name: "names" }) };
    const supervisor = await startSupervisor({ children: [names] }, { runtime });
    const process = idle();
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
