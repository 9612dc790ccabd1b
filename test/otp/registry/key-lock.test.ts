import { expect, test } from "vitest";
import { exit } from "../../../src/otp/process/link.ts";
import { KeyLock } from "../../../src/otp/registry/key-lock.ts";
import { spawn } from "../../../src/otp/start/spawn.ts";
import { createPlace } from "../in-process.ts";
import { quiet } from "../scripted.ts";

test("code outside any process locks too, and a key that nobody holds takes no room", async () => {
  const locks = new KeyLock();
  const order: number[] = [];
  const enter = (number: number) =>
    locks.run(["key"], async () => {
      await quiet();
      order.push(number);
      return number;
    });
  const entered = Promise.all([enter(1), enter(2), enter(3)]);
  expect(locks.size).toBe(1);
  expect(await entered).toEqual([1, 2, 3]);
  expect(order).toEqual([1, 2, 3]);
  expect(locks.size).toBe(0);
});

test("code that throws at once frees the lock", async () => {
  const locks = new KeyLock();
  const thrown = locks.run("key", () => {
    throw new Error("the locked code throws at once");
  });
  await expect(thrown).rejects.toThrow("the locked code throws at once");
  expect(locks.size).toBe(0);
});

test("the code of a process that has ended cannot lock", async () => {
  const { runtime } = createPlace();
  const locks = new KeyLock();
  const resumed = Promise.withResolvers<void>();

  const refused = Promise.withResolvers<unknown>();
  const process = spawn(
    async () => {
      await resumed.promise;
      locks.run("key", () => "held by the dead").then(refused.reject, refused.resolve);
    },
    { runtime },
  );
  await quiet();
  exit(process, "kill");
  resumed.resolve();
  expect(await refused.promise).toMatchObject({ code: "noproc" });
  expect(locks.size).toBe(0);
});

test("a thousand waiters that are killed are left out", async () => {
  const { run, runtime } = createPlace();

  const locks = new KeyLock();
  const release = Promise.withResolvers<void>();
  const held = locks.run("key", () => release.promise);
  const entered: number[] = [];
  const waiters = Array.from({ length: 1_000 }, (_, index) =>
    spawn(() => locks.run("key", () => void entered.push(index)), { runtime }),
  );
  await quiet();
  for (const [index, waiter] of waiters.entries()) if (index % 100 !== 0) exit(waiter, "kill");
  release.resolve();
  await held;
  await run(() => locks.run("key", () => undefined));
  expect(entered).toEqual([0, 100, 200, 300, 400, 500, 600, 700, 800, 900]);
  expect(locks.size).toBe(0);
});
