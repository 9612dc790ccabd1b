import { expect, test } from "vitest";
import { Turns } from "../../src/agent/turns.ts";

const never = new AbortController().signal;

function make() {
  let idle = 0;
  const turns = new Turns(() => {
    idle += 1;
  });
  return { turns, idle: () => idle };
}

test("turns are taken one at a time, in the order of their queue", async () => {
  const { turns, idle } = make();
  const order: string[] = [];
  const first = await turns.take("queue", never);
  const others = ["a", "b"].map(async (name) => {
    const turn = await turns.take("queue", never);
    order.push(name);
    turn.end();
  });
  expect([turns.busy, order, idle()]).toEqual([true, [], 0]);
  first.end();
  await Promise.all(others);
  expect([turns.busy, order, idle()]).toEqual([false, ["a", "b"], 1]);
  first.end(); // a second time it says nothing
  expect(idle()).toBe(1);
});

test("an interrupt tells the one that has the turn, and goes before those that wait", async () => {
  const { turns } = make();
  const first = await turns.take("queue", never);
  const queued = turns.take("queue", never);
  const urgent = turns.take("interrupt", never);
  expect(first.interrupted.aborted).toBe(true);
  expect((first.interrupted.reason as Error).message).toBe("a later run of the conversation has interrupted it");
  first.end();
  (await urgent).end();
  const last = await queued;
  expect(last.interrupted.aborted).toBe(false);
});

test("who gives up waiting is passed over", async () => {
  const { turns } = make();
  const first = await turns.take("queue", never);
  const controller = new AbortController();
  const given = turns.take("queue", controller.signal);
  const other = turns.take("queue", never);
  controller.abort(new Error("left"));
  await expect(given).rejects.toThrow("left");
  first.end();
  (await other).end();
  await expect(turns.take("queue", controller.signal)).rejects.toThrow("left");
  expect(turns.busy).toBe(false);
});
