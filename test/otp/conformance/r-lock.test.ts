/** Conformance rows R35 to R39: locks by key. */

import { expect, test } from "vitest";
import { exit } from "../../../src/otp/process/link.ts";
import { Registry } from "../../../src/otp/registry/registry.ts";
import { spawn } from "../../../src/otp/start/spawn.ts";
import { createPlace } from "../in-process.ts";
import { quiet } from "../scripted.ts";

function create() {
  const place = createPlace();
  const registry = Registry.start({ keys: "unique", runtime: place.runtime });
  const log: string[] = [];
  /** A process that locks a key until it is let go. */
  const locker = (name: string, key: unknown = "key") => {
    const go = Promise.withResolvers<string>();
    const result = Promise.withResolvers<string>();
    const process = spawn(
      () => {
        const locked = registry.lock(key, async () => {
          log.push(name);
          return go.promise;
        });
        return locked.then(result.resolve, result.reject);
      },
      { runtime: place.runtime },
    );
    return { process, result: result.promise, leave: go.resolve, fail: go.reject };
  };
  return { ...place, registry, log, locker };
}

test("R35 locks of different keys are held at once, and give what their code returns (adapted: asynchronous)", async () => {
  const { locker, log } = create();
  const [one, two] = [locker("one", 1), locker("two", [2])];
  await quiet();
  expect(log).toEqual(["one", "two"]);
  two.leave("two's");
  expect(await two.result).toBe("two's");
  one.leave("one's");
  expect(await one.result).toBe("one's");
});

test("R36 who locks a key that is locked waits its turn (adapted: first in, first out)", async () => {
  const { locker, log, registry } = create();
  const all = [locker("first", ["key"]), locker("second", ["key"]), locker("third", ["key"])];
  for (const [index, expected] of [["first"], ["first", "second"], ["first", "second", "third"]].entries()) {
    await quiet();
    expect(log).toEqual(expected);
    all[index]?.leave("done");
    expect(await all[index]?.result).toBe("done");
  }
  expect(await registry.lock(["key"], () => "free again")).toBe("free again");
});

test("R37 a holder that raises frees the lock and keeps its error (adapted: a rejection)", async () => {
  const { locker, log } = create();
  const [first, second] = [locker("first"), locker("second")];
  await quiet();
  first.fail(new Error("R37 the holder raises"));
  await expect(first.result).rejects.toThrow("R37 the holder raises");
  await quiet();
  expect(log).toEqual(["first", "second"]);
  second.leave("done");
  expect(await second.result).toBe("done");
});

test("R38 a holder that is killed frees the lock (adapted: by its end)", async () => {
  const { locker, log, registry } = create();
  const [first, second] = [locker("first"), locker("second")];
  await quiet();
  expect(log).toEqual(["first"]);
  exit(first.process, "kill");
  await quiet();
  expect(log).toEqual(["first", "second"]);
  // What the dead one's code does later changes nothing.
  first.leave("too late");
  const third = locker("third");
  await quiet();
  expect(log).toEqual(["first", "second"]);
  second.leave("done");
  await quiet();
  expect(log).toEqual(["first", "second", "third"]);
  third.leave("done");
  expect(await third.result).toBe("done");
  expect(await registry.lock("key", () => "free again")).toBe("free again");
});

test("R39 a waiter that is killed is left out (adapted: by its end)", async () => {
  const { locker, log } = create();
  const [first, second, third] = [locker("first"), locker("second"), locker("third")];
  await quiet();
  exit(second.process, "kill");
  first.leave("done");
  await quiet();
  expect(log).toEqual(["first", "third"]);
  third.leave("done");
  expect(await third.result).toBe("done");
});

test("R39 locks and waits leave nothing on the processes that had them (adapted: by its end)", async () => {
  const { registry, run } = create();
  await run(async ({ self }) => {
    const before = self.exitHooks?.size ?? 0;
    const release = Promise.withResolvers<void>();
    const held = registry.lock("key", () => release.promise);
    const waiting = registry.lock("key", () => "second");
    expect(self.exitHooks?.size ?? 0).toBe(before + 2);
    release.resolve();
    await held;
    expect(await waiting).toBe("second");
    expect(self.exitHooks?.size ?? 0).toBe(before);
  });
});
