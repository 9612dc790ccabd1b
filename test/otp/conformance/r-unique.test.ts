/** Conformance rows R1 to R22 and R40: registries of unique keys. */

import { describe, expect, test } from "vitest";
import { exit } from "../../../src/otp/process/link.ts";
import { monitor } from "../../../src/otp/process/monitor.ts";
import type { Process } from "../../../src/otp/process/process.ts";
import { Registry } from "../../../src/otp/registry/registry.ts";
import { call } from "../../../src/otp/request/call.ts";
import { stop } from "../../../src/otp/request/stop.ts";
import { fromGenServer } from "../../../src/otp/server/gen-server.ts";
import { spawn } from "../../../src/otp/start/spawn.ts";
import { start } from "../../../src/otp/start/start.ts";
import { startSupervisor } from "../../../src/otp/supervisor/start.ts";
import { createPlace, leftovers } from "../in-process.ts";
import { quiet } from "../scripted.ts";
import { rejection } from "../support.ts";

/** A registry of unique keys in a place of its own. */
function create<Key = unknown, Value = unknown>(options: Partial<Parameters<typeof Registry.start>[0]> = {}) {
  const place = createPlace();
  const registry = Registry.start<Key, Value>({ keys: "unique", runtime: place.runtime, ...options });
  return { ...place, registry };
}

const echo = fromGenServer({
  init: () => ({ state: undefined }),
  handleCall: (message: string) => ({ reply: `echo ${message}` }),
});

describe.each(["unique", "duplicate"] as const)("R1 in a registry of %s keys", (keys) => {
  test("R1 no entry is left of processes that were killed, before links and monitors are told", async () => {
    const { registry, idle, run } = create({ keys });
    const [one, two] = [idle(), idle()];
    registry.register("one", 1, one);
    registry.register("two", 2, two);
    registry.register("two again", 2, two);
    await run(async ({ receive }) => {
      for (const process of [one, two]) {
        monitor(process);
        exit(process, "kill");
        expect(registry.keys(process)).toEqual([]);
        expect(await receive()).toMatchObject({ type: "DOWN", process, reason: "killed" });
      }
    });
    expect(registry.count()).toBe(0);
    expect(registry.select()).toEqual([]);
    expect([registry.lookup("one"), registry.lookup("two")]).toEqual([[], []]);
  });
});

test("R3 an empty registry counts none, then as many as there are", async () => {
  const { registry, run } = create();
  await run(() => {
    expect(registry.count()).toBe(0);
    registry.register("hello", "value");
    registry.register("world", "value");
    expect(registry.count()).toBe(2);
  });
});

test("R4 a process that registers a key twice is refused and keeps the old value; another key of it is listed", async () => {
  const { registry, run } = create();
  await run(({ self }) => {
    registry.register("hello", "value");
    expect(() => registry.register("hello", "other")).toThrow(
      expect.objectContaining({ code: "already_started", field: "key", value: self }),
    );
    expect(registry.lookup("hello")).toEqual([{ key: "hello", process: self, value: "value" }]);
    registry.register("world", "value");
    expect(registry.keys().sort()).toEqual(["hello", "world"]);
  });
});

test("R5 a key that another process holds is refused with its holder; the loser has no keys, no values and no links", async () => {
  const { registry, run, idle } = create();
  const holder = idle();
  registry.register("hello", "value", holder);
  await run(({ self }) => {
    expect(() => registry.register("hello", "other")).toThrow(
      expect.objectContaining({ code: "already_started", value: holder }),
    );
    expect(registry.keys()).toEqual([]);
    expect(registry.values("hello")).toEqual([]);
    expect(registry.lookup("hello")).toEqual([{ key: "hello", process: holder, value: "value" }]);
    expect(self.links?.size ?? 0).toBe(0);
  });
});

test("R6 a dead holder is replaced, also before its end was handled", async () => {
  const { registry, idle, runtime } = create();
  const [dead, next] = [idle(), idle()];
  registry.register("hello", "old", dead);
  // Within a signal, what follows of other signals waits; errors in it are reported, not thrown.
  const seen: unknown[] = [];
  runtime.signal(() => {
    dead.finish("killed");
    seen.push(dead.exitHooks?.size, registry.lookup("hello"), registry.whereisName("hello"));
    registry.register("hello", "new", next);
    seen.push(dead.exitHooks?.size, registry.whereisName("hello"));
    try {
      registry.register("hello", "newer", idle());
    } catch (error) {
      seen.push(error);
    }
  });
  const taken = expect.objectContaining({ code: "already_started", value: next });
  expect(seen).toEqual([1, [], undefined, undefined, next, taken]);
  expect(registry.lookup("hello")).toEqual([{ key: "hello", process: next, value: "new" }]);
  expect(registry.keys(next)).toEqual(["hello"]);
});

describe("R7 match gives the entries of a key that match (adapted: a predicate)", () => {
  test("R7 by pattern and guard, and by a part of the value (adapted: a predicate)", async () => {
    const { registry, run } = create<string, { name: string; size: number }>();
    await run(({ self }) => {
      registry.register("hello", { name: "atom", size: 5 });
      const entry = { key: "hello", process: self, value: { name: "atom", size: 5 } };
      expect(registry.match("hello", ({ name }) => name === "atom")).toEqual([entry]);
      expect(registry.match("hello", ({ size }) => size > 4)).toEqual([entry]);
      expect(registry.match("hello", (_value, process) => process === self)).toEqual([entry]);
      expect(registry.match("hello", ({ size }) => size > 5)).toEqual([]);
      expect(registry.match("_", () => true)).toEqual([]);
    });
  });
});

const reserved = [
  "_",
  "$1",
  ":_",
  ["a", 1],
  ["a", ["b"]],
  { a: 1 },
  { a: 1, b: 2 },
  [],
  {},
  null,
  undefined,
  0,
  "",
  "0",
  false,
];

test("R8 keys that look like patterns, lists and objects are taken literally by every operation (adapted: arrays and plain objects are equal by content)", async () => {
  const { registry, run } = create();
  await run(({ self }) => {
    for (const [index, key] of reserved.entries()) registry.register(key, index);
    expect(registry.count()).toBe(reserved.length);
    for (const [index, key] of reserved.entries()) {
      const same = structuredClone(key);
      const entry = { key, process: self, value: index };
      expect(registry.lookup(same)).toEqual([entry]);
      expect(registry.match(same, () => true)).toEqual([entry]);
      expect(registry.countMatch(same, (value) => value === index)).toBe(1);
      expect(registry.values(same)).toEqual([index]);
      expect(registry.updateValue(same, (value) => value)).toEqual({ new: index, old: index });
      expect(() => registry.register(same, "other")).toThrow(expect.objectContaining({ code: "already_started" }));
    }
    registry.unregister({ a: 1 });
    expect(registry.lookup({ a: 1 })).toEqual([]);
    expect(registry.lookup({ b: 2, a: 1 })).toHaveLength(1);
    expect(registry.count()).toBe(reserved.length - 1);
  });
});

test("R9 countMatch counts what matches (adapted: a predicate)", async () => {
  const { registry, run } = create<string, number>();
  await run(() => {
    registry.register("hello", 5);
    expect(registry.countMatch("hello", (value) => value === 5)).toBe(1);
    expect(registry.countMatch("hello", (value) => value > 5)).toBe(0);
    expect(registry.countMatch("unknown", () => true)).toBe(0);
  });
});

test("R10 unregisterMatch takes a registration back only when its value matches", async () => {
  const { registry, run } = create<string, number>();
  await run(({ self }) => {
    registry.register("hello", 5);
    registry.unregisterMatch("hello", (value) => value === 2);
    registry.unregisterMatch("unknown", () => true);
    expect(registry.lookup("hello")).toEqual([{ key: "hello", process: self, value: 5 }]);
    registry.unregisterMatch("hello", (value) => value > 4);
    expect(registry.lookup("hello")).toEqual([]);
    expect(registry.keys()).toEqual([]);
  });
});

test("R12 updateValue changes an own key; of a missing or a foreign key nothing is called", async () => {
  const { registry, run, idle } = create<string, number>();
  registry.register("foreign", 1, idle());
  await run(() => {
    const refuse = (): number => {
      throw new Error("R12 must not be called");
    };
    expect(registry.updateValue("missing", refuse)).toBeUndefined();
    expect(registry.updateValue("foreign", refuse)).toBeUndefined();
    registry.register("own", 1);
    expect(registry.updateValue("own", (value) => value + 1)).toEqual({ new: 2, old: 1 });
    expect(registry.lookup("own").map(({ value }) => value)).toEqual([2]);
    expect(registry.values("own")).toEqual([2]);
  });
});

test("R13 dispatch calls once with the entries of a key, and not at all for a key without", async () => {
  const { registry, run } = create();
  await run(({ self }) => {
    const calls: unknown[] = [];
    registry.dispatch("hello", (entries) => calls.push(entries));
    expect(calls).toEqual([]);
    registry.register("hello", "value");
    registry.dispatch("hello", (entries) => calls.push(entries));
    expect(calls).toEqual([[{ key: "hello", process: self, value: "value" }]]);
  });
});

test("R14 unregister takes own keys back one by one; an unknown key is fine", async () => {
  const { registry, run, idle } = create();
  registry.register("foreign", 1, idle());
  await run(() => {
    registry.register("hello", "value");
    registry.register("world", "value");
    registry.unregister("hello");
    expect(registry.keys()).toEqual(["world"]);
    registry.unregister("hello");
    registry.unregister("foreign");
    registry.unregister("unknown");
    registry.unregister("world");
    expect(registry.keys()).toEqual([]);
    expect(registry.lookup("foreign")).toHaveLength(1);
  });
});

describe.each(["unique", "duplicate"] as const)("listeners of a registry of %s keys", (keys) => {
  test("R15, R30 a named listener is told of every registration and of its end, by unregister or with its process", async () => {
    const { registry, run, idle, reports } = create({ keys, listeners: ["R15 listener", "R15 nobody"] });
    const [process, dying] = [idle(), idle()];
    await run(async (context) => {
      context.self.runtime.names.set("R15 listener", context.self);
      registry.register("hello", "value", process);
      registry.unregister("hello", process);
      registry.register("world", "value", dying);
      exit(dying, "kill");
      const about = (type: string, key: string, holder: Process) => ({ type, registry, key, process: holder });
      expect(await leftovers(context)).toEqual([
        { ...about("registry.register", "hello", process), value: "value" },
        about("registry.unregister", "hello", process),
        { ...about("registry.register", "world", dying), value: "value" },
        about("registry.unregister", "world", dying),
      ]);
    });
    expect(reports.filter(({ type }) => type === "dead_letter")).toHaveLength(4);
  });

  test("R16, R30 a registry watches a process while it holds a key, and no longer; its end ends the registered processes (adapted: a watch and a signal instead of a link)", async () => {
    const { registry, idle, runtime } = create({ keys });
    const process = idle();
    const watches = () => process.exitHooks?.size ?? 0;
    const before = watches();
    registry.register("hello", "value", process);
    registry.register("world", "value", process);
    expect(watches()).toBe(before + 1);
    registry.unregister("hello", process);
    expect(watches()).toBe(before + 1);
    registry.unregister("world", process);
    expect(watches()).toBe(before);

    registry.register("hello", "value", process);
    expect(process.links?.size ?? 0).toBe(0);
    const trapping = spawn(({ receive }) => receive(() => false), { runtime, trapExit: true });
    registry.register("hallo", "value", trapping);
    exit(registry.process, "kill");
    await quiet();
    expect([process.exitReason, trapping.alive]).toEqual(["killed", true]);
    expect(trapping.exitHooks?.size ?? 0).toBe(0);
    expect(registry.count()).toBe(0);
    expect(() => registry.register("hello", "value", trapping)).toThrow(expect.objectContaining({ code: "noproc" }));
  });

  test("R17, R30 an unknown registry is an invalid argument", async () => {
    const { run, registry, idle } = create({ keys, name: "R17 registry" });
    await run(async ({ self }) => {
      expect(Registry.of("R17 registry")).toBe(registry);
      for (const unknown of ["R17 unknown", self, idle()]) {
        expect(() => Registry.of(unknown).register("hello", "value")).toThrow(
          expect.objectContaining({ code: "invalid_argument", field: "registry" }),
        );
      }
      await stop(registry.process);
      expect(() => Registry.of("R17 registry")).toThrow(expect.objectContaining({ code: "invalid_argument" }));
    });
  });
});

describe("R18 a key is a name", () => {
  test("R18 that a process is started under, called by, and started under only once", async () => {
    const { registry, runtime, run } = create<string, string | undefined>();
    const name = { via: registry, key: "R18" };
    const server = await start(echo, { name, runtime });
    expect(registry.whereisName("R18")).toBe(server);
    expect(await call(name, "hello")).toBe("echo hello");
    expect(await rejection(start(echo, { name, runtime }))).toMatchObject({ code: "already_started", value: server });
    await stop(name);
    expect(registry.whereisName("R18")).toBeUndefined();
    expect(await rejection(run(() => call(name, "hello")))).toMatchObject({ code: "noproc" });
  });

  test("R18 that carries a value", async () => {
    const { registry, runtime } = create<string, number>();
    const server = await start(echo, { name: registry.via("R18", 7), runtime });
    expect(registry.lookup("R18")).toEqual([{ key: "R18", process: server, value: 7 }]);
    expect(await call(registry.via("R18", 0), "hello")).toBe("echo hello");
  });

  test("R18 that a start which fails leaves free", async () => {
    const { registry, runtime } = create();
    const inits: [string, () => never | { ignore: true } | Promise<never>][] = [
      ["start_failed", () => Promise.reject(new Error("R18 init rejects"))],
      ["ignored", () => ({ ignore: true })],
      [
        "start_failed",
        () => {
          throw new Error("R18 init throws");
        },
      ],
    ];
    for (const [code, init] of inits) {
      const failing = fromGenServer({ init: init as () => { ignore: true } });
      const error = await rejection(start(failing, { name: { via: registry, key: "R18" }, runtime }));
      expect(error).toMatchObject({ code });
      expect(registry.lookup("R18")).toEqual([]);
      expect(registry.count()).toBe(0);
    }
  });
});

test("R21 countSelect counts what matches in all keys; something that is no predicate throws (adapted: a predicate)", async () => {
  const { registry, run } = create<string, number>();
  await run(({ self }) => {
    expect(registry.countSelect(() => true)).toBe(0);
    registry.register("hello", 1);
    registry.register("world", 2);
    expect(registry.countSelect(({ value }) => value > 1)).toBe(1);
    expect(registry.countSelect(({ key }) => key.length === 5)).toBe(2);
    expect(registry.select(({ value }) => value > 1)).toEqual([{ key: "world", process: self, value: 2 }]);
    expect(() => registry.countSelect("bad" as never)).toThrow(
      expect.objectContaining({ code: "invalid_argument", field: "matches" }),
    );
  });
});

test("R22 refused registrations leave nothing behind, by the holder itself and by others", async () => {
  const { registry, run, idle } = create();
  const [holder, other] = [idle(), idle()];
  await run(async () => {
    registry.register("hello", "value", holder);
    for (const process of [holder, other]) {
      for (let tries = 0; tries < 10; tries += 1) {
        expect(() => registry.register("hello", tries, process)).toThrow(
          expect.objectContaining({ code: "already_started" }),
        );
      }
    }
    expect(registry.count()).toBe(1);
    expect(registry.keys(holder)).toEqual(["hello"]);
    expect(registry.keys(other)).toEqual([]);
    expect(other.exitHooks?.size ?? 0).toBe(0);
    registry.unregister("hello", holder);
    expect(holder.exitHooks?.size ?? 0).toBe(0);
  });
});

test("R40 a process that crashes is restarted under the same key, every time", async () => {
  const { registry, runtime } = create<string, undefined>();
  const crashing = fromGenServer({
    init: () => ({ state: undefined }),
    handleInfo: (): never => {
      throw new Error("R40 crash");
    },
  });
  const child = { id: "named", logic: crashing, name: registry.via("R40") };
  const supervisor = await startSupervisor({ children: [child], maxRestarts: 1_000 }, { runtime });
  const seen = new Set<Process>();
  for (let tries = 0; tries < 200; tries += 1) {
    const process = registry.whereisName("R40") as Process;
    seen.add(process);
    if (tries % 2 === 0) exit(process, "kill");
    else process.deliver("crash");
    await quiet();
  }
  expect(seen.size).toBe(200);
  expect(registry.whereisName("R40")?.alive).toBe(true);
  expect(supervisor.countChildren().active).toBe(1);
  await supervisor.stop();
  expect(registry.count()).toBe(0);
});

test("R16 a registry that is linked ends with the process that started it (adapted: startLink)", async () => {
  const { runtime } = createPlace();
  const made = Promise.withResolvers<Registry>();
  const owner = spawn(
    async ({ receive }) => {
      made.resolve(Registry.startLink({ keys: "unique" }));
      await receive();
    },
    { runtime },
  );
  const registry = await made.promise;
  exit(owner, "shutdown");
  await quiet();
  expect(registry.process.exitReason).toBe("shutdown");
});
