import { expect, test } from "vitest";
import { Readiness } from "../../src/agent/readiness.ts";

test("a wait goes on through renewals until a worker serves", async () => {
  const readiness = new Readiness();
  const { promise } = readiness;
  readiness.renew();
  expect(readiness.promise).toBe(promise);
  readiness.resolve();
  await promise;
});

test("a wait that is over begins anew when the worker is gone", async () => {
  const readiness = new Readiness();
  readiness.resolve();
  const first = readiness.promise;
  readiness.renew();
  const second = readiness.promise;
  expect(second).not.toBe(first);
  const stopped = new Error("the agent of this wait stopped");
  readiness.reject(stopped);
  await expect(second).rejects.toBe(stopped);
  await first;
});

test("who is told hears of every renewal: the worker may have served at the first one, and serve no more at the next", () => {
  const told: boolean[] = [];
  const readiness = new Readiness((ready) => told.push(ready));
  readiness.resolve();
  readiness.renew();
  readiness.renew();
  expect(told).toEqual([true, false, false]);
});

test("a rejection that nobody waits for is no unhandled one", async () => {
  new Readiness().reject(new Error("nobody hears this"));
  const renewed = new Readiness();
  renewed.resolve();
  renewed.renew();
  renewed.reject(new Error("nobody hears this either"));
  await new Promise((resolve) => setImmediate(resolve));
});
