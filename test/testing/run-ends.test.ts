import { expect, test } from "vitest";
import { RunEnds } from "../../src/testing/run-ends.ts";

const run = { runId: "r1", attempt: 1 };

test("a run has ended when all of its work has settled, what was begun meanwhile too", async () => {
  const ends = new RunEnds();
  const [first, second] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  ends.add(run, first.promise);
  const ended = ends.ended(run);
  ends.add(run, second.promise);
  first.reject(new Error("failed work is ended work"));
  let done = false;
  void ended.then(() => {
    done = true;
  });
  await new Promise((resolve) => setImmediate(resolve));
  expect(done).toBe(false);
  second.resolve();
  expect(await ended).toBe(true);
});

test("a run that is not known is given up, this attempt alone", async () => {
  const ends = new RunEnds();
  expect(ends.isGivenUp(run)).toBe(false);
  expect(await ends.ended(run)).toBe(false);
  expect([ends.isGivenUp(run), ends.isGivenUp({ ...run, attempt: 2 })]).toEqual([true, false]);
});
