/** Conformance rows R24 to R32: registries of duplicate keys. */

import { describe, expect, test } from "vitest";
import { currentProcess } from "../../../src/otp/process/current.ts";
import { Registry } from "../../../src/otp/registry/registry.ts";
import { call, send } from "../../../src/otp/request/call.ts";
import { fromGenServer } from "../../../src/otp/server/gen-server.ts";
import { start } from "../../../src/otp/start/start.ts";
import { createPlace, leftovers } from "../in-process.ts";
import { rejection } from "../support.ts";

/** A registry of duplicate keys in a place of its own. */
function create<Key = unknown, Value = unknown>() {
  const place = createPlace();
  return { ...place, registry: Registry.start<Key, Value>({ keys: "duplicate", runtime: place.runtime }) };
}

test('R24 keys that only look equal are different (adapted: 1, "1", 1n and true; JavaScript has one 1)', async () => {
  const { registry, run } = create();
  await run(() => {
    const keys = [1, "1", 1n, true, [1], ["1"], { 1: 1 }];
    for (const key of keys) registry.register(key, typeof key);
    for (const key of keys) expect(registry.values(key)).toEqual([typeof key]);
    registry.unregister("1");
    expect(registry.values(1)).toEqual(["number"]);
    expect(registry.keys()).toHaveLength(keys.length - 1);
  });
});

test("R25 dispatch calls in the caller's process with all entries of the key, and not for an empty key", async () => {
  const { registry, run, idle } = create();
  const other = idle();
  await run(async (context) => {
    const { self } = context;
    registry.dispatch("hello", () => send(self, "R25 not to be sent"));
    registry.register("hello", "value1");
    registry.register("hello", "value2", other);
    registry.register("world", "value3");
    registry.dispatch("hello", (entries) => {
      expect(currentProcess()).toBe(self);
      for (const { process, value } of entries) send(self, { process, value });
    });
    registry.dispatch("world", (entries) => {
      for (const { process, value } of entries) send(self, { process, value });
    });
    expect(await leftovers(context)).toEqual([
      { process: self, value: "value1" },
      { process: other, value: "value2" },
      { process: self, value: "value3" },
    ]);
  });
});

test("R27 one unregister removes all entries of the process under the key, and no others", async () => {
  const { registry, run, idle } = create();
  const other = idle();
  await run(() => {
    registry.register("hello", "value1");
    registry.register("hello", "value2");
    registry.register("world", "value3");
    registry.register("hello", "other's", other);
    expect(registry.keys().sort()).toEqual(["hello", "hello", "world"]);
    registry.unregister("hello");
    expect(registry.keys()).toEqual(["world"]);
    expect(registry.lookup("hello")).toEqual([{ key: "hello", process: other, value: "other's" }]);
    registry.unregister("world");
    expect(registry.keys()).toEqual([]);
  });
});

test("R28 unregisterMatch removes the entries that match; the others keep their order", async () => {
  const { registry, run } = create<string, number>();
  await run(() => {
    for (const value of [1, 2, 3, 4]) registry.register("hello", value);
    registry.unregisterMatch("hello", (value) => value === 9);
    expect(registry.values("hello")).toEqual([1, 2, 3, 4]);
    registry.unregisterMatch("hello", (value) => value % 2 === 0);
    expect(registry.values("hello")).toEqual([1, 3]);
    registry.unregisterMatch("hello", (value) => value > 0);
    expect(registry.keys()).toEqual([]);
    expect(registry.count()).toBe(0);
  });
});

describe("R29 match and countMatch give all entries that match (adapted: a predicate)", () => {
  test("R29 by pattern and guard (adapted: a predicate)", async () => {
    const { registry, run } = create<string, { name: string; size: number }>();
    await run(({ self }) => {
      const values = [1, 2, 3].map((size) => ({ name: "hello", size }));
      for (const value of values) registry.register("hello", value);
      registry.register("world", { name: "world", size: 9 });
      const entries = values.map((value) => ({ key: "hello", process: self, value }));
      expect(registry.match("hello", ({ name }) => name === "hello")).toEqual(entries);
      expect(registry.match("hello", ({ size }) => size > 1)).toEqual(entries.slice(1));
      expect(registry.countMatch("hello", ({ size }) => size > 1)).toBe(2);
      expect(registry.match("_", () => true)).toEqual([]);
    });
  });

  test("R29 under complex and reserved keys (adapted: a predicate)", async () => {
    const { registry, run } = create();
    await run(() => {
      const keys = [["a", { b: [1] }], { a: 1 }, { a: 1, b: 2 }, "_", "$1"];
      for (const key of keys) {
        registry.register(key, "one");
        registry.register(structuredClone(key), "two");
      }
      for (const key of keys) {
        expect(registry.lookup(structuredClone(key)).map(({ value }) => value)).toEqual(["one", "two"]);
        expect(registry.countMatch(structuredClone(key), (value) => value === "two")).toBe(1);
      }
      registry.unregister({ a: 1 });
      expect(registry.lookup({ b: 2, a: 1 })).toHaveLength(2);
      expect(registry.count()).toBe(8);
    });
  });
});

test("R31 a key of a registry of duplicate keys names no process", async () => {
  const { registry, runtime } = create();
  const name = { via: registry, key: "R31" };
  const server = fromGenServer({ init: () => ({ state: undefined }) });
  const error = { code: "invalid_argument", field: "via" };
  expect(await rejection(start(server, { name, runtime }))).toMatchObject(error);
  expect(await rejection((async () => call(name, "hello"))())).toMatchObject(error);
  expect(() => registry.via("R31")).toThrow(expect.objectContaining(error));
  expect(registry.count()).toBe(0);
  expect(runtime.processCount).toBe(1);
});

test("R32 select and countSelect look through all keys (adapted: a predicate)", async () => {
  const { registry, run } = create<unknown, number>();
  await run(({ self }) => {
    expect(registry.select()).toEqual([]);
    registry.register("hello", 1);
    registry.register("hello", 2);
    registry.register(["_", "$1"], 3);
    expect(registry.select(({ value }) => value > 1)).toEqual([
      { key: "hello", process: self, value: 2 },
      { key: ["_", "$1"], process: self, value: 3 },
    ]);
    expect(registry.countSelect(({ key }) => key === "hello")).toBe(2);
    expect(registry.countSelect(() => true)).toBe(3);
  });
});

test("R32 updateValue is for unique keys only (adapted: an invalid argument)", async () => {
  const { registry, run } = create<string, number>();
  await run(() => {
    registry.register("hello", 1);
    expect(() => registry.updateValue("hello", (value) => value + 1)).toThrow(
      expect.objectContaining({ code: "invalid_argument" }),
    );
  });
});
