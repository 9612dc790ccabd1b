import { expect, test } from "vitest";
import { exit } from "../../../src/otp/process/link.ts";
import { call, cast, type From, reply, send } from "../../../src/otp/request/call.ts";
import { stop } from "../../../src/otp/request/stop.ts";
import { fromGenServer } from "../../../src/otp/server/gen-server.ts";
import { exited } from "../../../src/otp/start/names.ts";
import { spawn } from "../../../src/otp/start/spawn.ts";
import { start } from "../../../src/otp/start/start.ts";
import { createKernel, failure, quiet } from "../kernel.ts";

const echo = fromGenServer({
  init: (_input: undefined) => ({ state: [] as unknown[] }),
  handleCall: (message: unknown, state) => ({ reply: message === "seen" ? state : message }),
  handleCast: (message: unknown, state) => ({ state: [...state, message] }),
  handleInfo: (message, state) => ({ state: [...state, message] }),
});

test("messages, casts and calls of one sender are handled in the order they were sent", async () => {
  const { run } = createKernel();
  await run(async () => {
    const ref = await start(echo);
    send(ref, 1);
    cast(ref, 2);
    const first = call(ref, "seen");
    send(ref, 3);
    expect([await first, await call(ref, "seen")]).toEqual([
      [1, 2],
      [1, 2, 3],
    ]);
  });
});

test("calls under way are answered out of order, each its own caller", async () => {
  const { runtime } = createKernel();
  const late = fromGenServer({
    init: (_input: undefined) => ({ state: [] as From[] }),
    handleCall: (_message: number, state, from) => ({ noreply: true, state: [...state, from] }),
    handleInfo: (_message, state) => {
      for (const [index, from] of [...state.entries()].reverse()) reply(from, index);
      return { state };
    },
  });
  const ref = await start(late, { runtime });
  const order: unknown[] = [];
  const calls = Array.from({ length: 1_000 }, (_, index) => call(ref, index).then((answer) => order.push(answer)));
  await quiet();
  send(ref, "all at once");
  await Promise.all(calls);
  expect(order).toEqual(Array.from({ length: 1_000 }, (_, index) => 999 - index));
  expect(ref.openCalls).toBeUndefined();
});

test("calls of many timeouts expire each at its own time", async () => {
  const { runtime, clock } = createKernel();
  const silent = fromGenServer({
    init: (_input: undefined) => ({ state: 0 }),
    handleCall: (_message: number, _state) => ({ noreply: true }),
  });
  const ref = await start(silent, { runtime });
  const expired: number[] = [];
  for (const timeoutMs of [30, 10, 20, 10]) {
    call(ref, 0, { timeoutMs }).catch(() => expired.push(clock.now()));
  }
  for (let ms = 0; ms < 40; ms += 5) {
    await quiet();
    clock.advance(5);
  }
  await quiet();
  expect(expired).toEqual([10, 10, 20, 30]);
  expect([ref.openCalls, clock.pending]).toEqual([undefined, 0]);
});

test("all calls under way to a server that ends reject with its reason", async () => {
  const { run } = createKernel();
  await run(async () => {
    const waiting = spawn(({ receive }) => receive(() => false));
    const calls = Array.from({ length: 100 }, (_, index) => failure(call(waiting, index, { timeoutMs: "infinity" })));
    await quiet();
    exit(waiting, { shutdown: "now" });
    for (const error of await Promise.all(calls))
      expect(error).toMatchObject({ code: "exited", reason: { shutdown: "now" } });
  });
});

test("the error of a call quotes whom it was to, what became of it, and keeps the message and the cause", async () => {
  const { runtime } = createKernel();
  const broken = fromGenServer({
    init: (_input: undefined) => ({ state: 0 }),
    handleCall: (_message: { ask: number }, _state) => {
      throw new RangeError("raised by the server");
    },
  });
  const ref = await start(broken, { runtime, name: "broken" });
  const error = await failure(call(ref, { ask: 1 }));
  expect(error.message).toBe(
    `[exited] call to <${ref.id}> "broken": it ended (RangeError: raised by the server) before it replied`,
  );
  expect(error).toMatchObject({ call: { target: ref, message: { ask: 1 } }, cause: error.reason });
});

test("a call to plain code or a machine is answered with reply", async () => {
  const { run } = createKernel();
  await run(async () => {
    const code = spawn(async ({ receive }) => {
      const asked = await receive<From & { type: "$call"; message: string }>(
        (message) => (message as { type?: string }).type === "$call",
      );
      reply(asked, asked.message.toUpperCase());
    });
    expect(await call(code, "loud")).toBe("LOUD");
    expect(await exited(code)).toBe("normal");
  });
});

test("a target that is none is the caller's mistake, at once for casts and messages", async () => {
  for (const nothing of [null, 7, {}, { via: 1, key: 2 }]) {
    const wrong = { code: "invalid_argument", field: "target" };
    expect(await failure(() => send(nothing as never, "x"))).toMatchObject(wrong);
    expect(await failure(() => cast(nothing as never, "x" as never))).toMatchObject(wrong);
    expect(await failure(() => call(nothing as never, "x" as never))).toMatchObject(wrong);
    expect(await failure(() => stop(nothing as never))).toMatchObject(wrong);
  }
});
