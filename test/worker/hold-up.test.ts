import { expect, test } from "vitest";
import { HoldUp } from "../../src/worker/hold-up.ts";

test("a worker that has said nothing is busy or stopped", () => {
  const holdUp = new HoldUp();
  expect(holdUp.describe()).toMatch(/^it had not begun to end when its time was over/);
  expect(holdUp.told).toBe(false);
});

test("the last phase counts, and what holds it up is told with it", () => {
  const holdUp = new HoldUp();
  holdUp.enter("finishing its runs");
  holdUp.enter("joining its threads");
  expect(holdUp.describe()).toBe('its last phase was "joining its threads"');
  holdUp.overdue(["thread 'forgotten' at agent.py:9 in never_ends", "task 'Task-3'"]);
  expect(holdUp.told).toBe(true);
  expect(holdUp.describe()).toBe(
    `its last phase was "joining its threads"; held up by thread 'forgotten' at agent.py:9 in never_ends; task 'Task-3'`,
  );
});

test("a worker that knows of nothing in particular has a last phase all the same", () => {
  const holdUp = new HoldUp();
  holdUp.enter("calling its atexit functions");
  holdUp.overdue([]);
  expect(holdUp.describe()).toBe('its last phase was "calling its atexit functions"');
});
