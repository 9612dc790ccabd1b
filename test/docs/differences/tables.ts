/** Rows about registries and groups. */

import { expect } from "vitest";
import { exit, isAlive, link, processInfo, Registry, self, spawn, stop, unlink } from "../../../src/otp/index.ts";
import { createPlace, failure, quiet } from "./place.ts";
import type { Differences } from "./table.ts";

/** The rows. */
export const tables: Differences = {
  "the end of a registry": {
    "its registered processes end with it, by its exit signal, unless they trap exits": async () => {
      const { runtime, idle, inside } = createPlace();
      const rooms = Registry.start<string, undefined>({ keys: "unique", runtime });
      const plain = idle();
      rooms.register("plain", undefined, plain);
      const message = await inside(
        async ({ receive }) => {
          rooms.register("trapping", undefined);
          exit(rooms.process, "gone");
          return receive();
        },
        { trapExit: true },
      );
      expect(plain.exitReason).toBe("gone");
      expect(message).toMatchObject({ type: "EXIT", from: rooms.process, reason: "gone" });
    },
    "it is in nobody's links, and unlink does not help": async () => {
      const { runtime } = createPlace();
      const rooms = Registry.start<string, undefined>({ keys: "unique", runtime });
      const ref = spawn(
        async ({ receive }) => {
          rooms.register("key", undefined);
          link(rooms.process);
          unlink(rooms.process);
          await receive();
        },
        { runtime },
      );
      await quiet();
      expect([processInfo(ref)?.links, processInfo(rooms.process)?.links]).toEqual([[], []]);
      exit(rooms.process, "gone");
      expect(ref.exitReason).toBe("gone");
    },
    "one that ends normal takes them along with shutdown": async () => {
      const { runtime, idle } = createPlace();
      const rooms = Registry.start<string, undefined>({ keys: "unique", runtime });
      const ref = idle();
      rooms.register("key", undefined, ref);
      await stop(rooms);
      expect([rooms.process.exitReason, ref.exitReason]).toEqual(["normal", "shutdown"]);
    },
    "who gave all its keys back lives on": async () => {
      const { runtime, idle } = createPlace();
      const rooms = Registry.start<string, undefined>({ keys: "unique", runtime });
      const ref = idle();
      rooms.register("key", undefined, ref);
      rooms.unregister("key", ref);
      exit(rooms.process, "gone");
      expect(isAlive(ref)).toBe(true);
    },
  },

  "a key in a registry": {
    "strings, numbers and the like are equal by value": () => {
      const { runtime, idle } = createPlace();
      const registry = Registry.start<unknown, number>({ keys: "unique", runtime });
      const keys = ["1", 1, 1n, true, null, undefined, 1.5];
      for (const [value, key] of keys.entries()) registry.register(key, value, idle());
      expect(keys.map((key) => registry.lookup(key).map(({ value }) => value))).toEqual(
        keys.map((_, value) => [value]),
      );
      expect(registry.lookup(1.0).map(({ value }) => value)).toEqual([1]);
    },
    "arrays and plain objects by their contents": async () => {
      const { runtime, idle } = createPlace();
      const registry = Registry.start<unknown, string>({ keys: "unique", runtime });
      registry.register(["a", { b: 1, c: [2] }], "found", idle());
      expect(registry.lookup(["a", { c: [2], b: 1 }]).map(({ value }) => value)).toEqual(["found"]);
      expect(registry.lookup(["a", { b: 1 }])).toEqual([]);
      const taken = await failure(() => registry.register(["a", { c: [2], b: 1 }], "again", idle()));
      expect(taken).toMatchObject({ code: "already_started" });
    },
    "other objects by identity": () => {
      const { runtime, idle } = createPlace();
      const registry = Registry.start<unknown, string>({ keys: "unique", runtime });
      const key = new Date(0);
      registry.register(key, "found", idle());
      expect(registry.lookup(key).map(({ value }) => value)).toEqual(["found"]);
      expect(registry.lookup(new Date(0))).toEqual([]);
    },
  },

  "match specifications": {
    "functions take their place": () => {
      const { runtime, idle } = createPlace();
      const registry = Registry.start<string, number>({ keys: "duplicate", runtime });
      const [a, b] = [idle(), idle()];
      for (const [process, value] of [
        [a, 1],
        [a, 2],
        [b, 3],
      ] as const) {
        registry.register("key", value, process);
      }
      const odd = (value: number) => value % 2 === 1;
      expect(registry.match("key", odd).map(({ value }) => value)).toEqual([1, 3]);
      expect(registry.countMatch("key", (_value, process) => process === a)).toBe(2);
      expect(registry.select(({ value }) => value > 1).map(({ value }) => value)).toEqual([2, 3]);
      expect(registry.countSelect(({ process }) => process === b)).toBe(1);
      registry.unregisterMatch("key", odd, a);
      expect(registry.values("key", a)).toEqual([2]);
    },
    "a pattern is refused": async () => {
      const { runtime } = createPlace();
      const registry = Registry.start<string, number>({ keys: "unique", runtime });
      const pattern = [["$1", "_", "_"], [], ["$1"]] as unknown as () => boolean;
      expect(await failure(() => registry.select(pattern))).toMatchObject({
        code: "invalid_argument",
        field: "matches",
      });
    },
  },

  "partitions of a registry, parallel dispatch": {
    "a registry is one process": () => {
      const { runtime } = createPlace();
      const partitions = { partitions: 8 };
      const before = runtime.processCount;
      Registry.start({ keys: "duplicate", runtime, ...partitions });
      expect(runtime.processCount).toBe(before + 1);
      // @ts-expect-error there is no such option
      const options: Parameters<typeof Registry.start>[0] = { keys: "unique", partitions: 8 };
      expect(options.keys).toBe("unique");
    },
    "dispatch calls its function once, in the process that dispatches": async () => {
      const { runtime, idle, inside } = createPlace();
      const registry = Registry.start<string, number>({ keys: "duplicate", runtime });
      for (let value = 0; value < 20; value += 1) registry.register("key", value, idle());
      await inside(({ self: me }) => {
        const calls: [process: unknown, entries: number][] = [];
        registry.dispatch("key", (entries) => calls.push([self(), entries.length]));
        expect(calls).toEqual([[me, 20]]);
      });
    },
  },

  "`Registry.lock`": {
    "it settles as its code does, and who waits has its turn in the order of arrival": async () => {
      const { runtime } = createPlace();
      const registry = Registry.start({ keys: "unique", runtime });
      const gate = Promise.withResolvers<void>();
      const log: string[] = [];
      const first = registry.lock("key", async () => {
        log.push("first");
        await gate.promise;
        return 1;
      });
      const others = ["second", "third"].map((name) => registry.lock("key", () => void log.push(name)));
      await registry.lock("another key", () => log.push("another key"));
      expect(log).toEqual(["first", "another key"]);
      gate.resolve();
      expect(await first).toBe(1);
      await Promise.all(others);
      expect(log).toEqual(["first", "another key", "second", "third"]);
      const error = new Error("inside");
      expect(await failure(registry.lock("key", () => Promise.reject(error)))).toBe(error);
    },
  },
};
