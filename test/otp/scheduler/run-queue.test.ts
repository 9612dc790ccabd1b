import { expect, test } from "vitest";
import type { Process } from "../../../src/otp/process/process.ts";
import { LocalRuntime } from "../../../src/otp/process/runtime.ts";
import { call, send } from "../../../src/otp/request/call.ts";
import { stop } from "../../../src/otp/request/stop.ts";
import { type Runnable, RunQueue } from "../../../src/otp/scheduler/run-queue.ts";
import { fromGenServer } from "../../../src/otp/server/gen-server.ts";
import { exited } from "../../../src/otp/start/names.ts";
import { spawn } from "../../../src/otp/start/spawn.ts";
import { start } from "../../../src/otp/start/start.ts";
import { quiet } from "../kernel.ts";

/** Has so many messages, and writes down how many it handles at each turn. */
function worker(name: string, messages: number, log: string[]): Runnable {
  let left = messages;
  return {
    run(budget) {
      const handled = Math.min(left, budget);
      left -= handled;
      log.push(`${name}${handled}`);
      return handled;
    },
    claimTurn: () => left > 0,
    broken: () => undefined,
  };
}

test("those with messages take turns of at most 64", async () => {
  const queue = new RunQueue(2_000);
  const log: string[] = [];
  queue.add(worker("a", 100, log));
  queue.add(worker("b", 10, log));
  await quiet();
  expect(log).toEqual(["a64", "b10", "a36"]);
});

test("after its budget the event loop has its turn", async () => {
  const queue = new RunQueue(100);
  const log: string[] = [];
  queue.add(worker("a", 1_000, log));
  const turns: number[] = [];
  while (log.length < 16) {
    await new Promise((resolve) => setImmediate(resolve));
    turns.push(log.length);
  }
  expect(turns.length).toBeGreaterThan(5);
});

test("a turn comes after those that were queued before, and counts towards the budget", async () => {
  const queue = new RunQueue(100);
  const log: string[] = [];
  queue.add(worker("a", 1, log));
  await queue.turn();
  expect(log).toEqual(["a1"]);
  let turned = false;
  setImmediate(() => {
    turned = true;
  });
  let turns = 0;
  for (; !turned && turns < 1_000; turns += 1) await queue.turn();
  expect(turns).toBeLessThanOrEqual(100);
});

/** Passes every message on; counts them. */
const relay = fromGenServer({
  init: (next: Process | undefined) => ({ state: { next, passed: 0 } }),
  handleCall: (_message: "passed", state) => ({ reply: state.passed }),
  handleInfo: (message, { next, passed }) => {
    if (next !== undefined) send(next, message);
    return { state: { next, passed: passed + 1 } };
  },
});

test("a message passes through a chain of 100,000 processes without growing the stack", async () => {
  const runtime = new LocalRuntime();
  const all: Process[] = [];
  let head: Process | undefined;
  for (let index = 0; index < 100_000; index += 1) {
    head = await start(relay, { runtime, input: head });
    all.push(head);
  }
  send(head as Process, "pass it on");
  const last = all[0] as Process;
  while (last.handled === 0) await quiet();
  expect(await call(last as never, "passed" as never)).toBe(1);
  for (const process of all) process.finish("shutdown");
  expect(runtime.processCount).toBe(0);
});

test("a ping-pong of 1,000,000 messages starves neither timers nor immediates", async () => {
  const runtime = new LocalRuntime();
  const ponger = fromGenServer({
    init: (_input: undefined) => ({ state: { peer: undefined as Process | undefined, left: 0 } }),
    handleInfo: (message, { peer, left }) => {
      const state =
        message === "ball" ? { peer, left: left - 1 } : { peer: (message as { peer: Process }).peer, left: 500_000 };
      if (state.left > 0 && state.peer !== undefined && message === "ball") send(state.peer, "ball");
      return state.left > 0 ? { state } : { stop: "normal", state };
    },
  });
  const [ping, pong] = [await start(ponger, { runtime }), await start(ponger, { runtime })];
  send(ping, { peer: pong });
  send(pong, { peer: ping });
  let immediates = 0;
  let timers = 0;
  let over = false;
  const countImmediate = () => {
    immediates += 1;
    if (!over) setImmediate(countImmediate);
  };
  const interval = setInterval(() => {
    timers += 1;
  }, 1);
  setImmediate(countImmediate);
  send(ping, "ball");
  await exited(ping);
  over = true;
  clearInterval(interval);
  await stop(pong).catch(() => undefined);
  expect(ping.handled + pong.handled).toBeGreaterThan(990_000);
  expect(immediates).toBeGreaterThan(100);
  expect(timers).toBeGreaterThan(10);
});

test("plain code that passes a ball for ever leaves the event loop its turns", async () => {
  const runtime = new LocalRuntime();
  let passes = 0;
  const player = () =>
    spawn(
      async ({ self, receive }) => {
        for (;;) {
          const { from } = await receive<{ from: Process }>();
          passes += 1;
          send(from, { from: self });
        }
      },
      { runtime },
    );
  const [one, two] = [player(), player()];
  for (let balls = 0; balls < 10; balls += 1) send(one, { from: two });
  while (passes < 100_000) await new Promise((resolve) => setImmediate(resolve));
  await stop(one);
  await stop(two);
  expect(runtime.processCount).toBe(0);
});
