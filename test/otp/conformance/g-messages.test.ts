/** Rows G49 to G60: casts, other messages, continues and timeouts. */

import { describe, expect, test } from "vitest";
import { self } from "../../../src/otp/process/current.ts";
import { processInfo } from "../../../src/otp/process/process-info.ts";
import { call, cast, send } from "../../../src/otp/request/call.ts";
import { stop } from "../../../src/otp/request/stop.ts";
import { getState, getStatus, resume, suspend } from "../../../src/otp/request/sys.ts";
import type { HandlerResult } from "../../../src/otp/server/definition.ts";
import { fromGenServer } from "../../../src/otp/server/gen-server.ts";
import { exited, isAlive } from "../../../src/otp/start/names.ts";
import { start, startLink } from "../../../src/otp/start/start.ts";
import { createKernel, createTable, quiet } from "../kernel.ts";

/** Does what each message says, and remembers what it has seen. */
const obedient = (ends: unknown[] = []) =>
  fromGenServer({
    init: (_input: undefined) => ({ state: [] as unknown[] }),
    handleCall: (_message: "seen", state) => ({ reply: state }),
    handleCast: (act: (state: unknown[]) => HandlerResult<unknown[]>, state) => act(state),
    handleInfo: (message, state) => (typeof message === "function" ? message(state) : { state: [...state, message] }),
    terminate: (reason) => void ends.push(reason),
  });

test("G49 a cast returns at once; its handler changes the state, sets a timeout, or stops the server through terminate", async () => {
  const { runtime, clock } = createKernel();
  const ends: unknown[] = [];
  const ref = await start(obedient(ends), { runtime });
  expect(cast(ref, (state) => ({ state: [...state, "cast"] }))).toBeUndefined();
  expect(processInfo(ref)?.handled).toBe(0);
  expect(await call(ref, "seen")).toEqual(["cast"]);
  cast(ref, (state) => ({ state, timeoutMs: 1 }));
  await quiet();
  clock.advance(1);
  expect(await call(ref, "seen")).toEqual(["cast", { type: "timeout" }]);
  cast(ref, (state) => ({ stop: "by cast", state }));
  expect(await exited(ref)).toBe("by cast");
  expect(ends).toEqual(["by cast"]);
});

test("G50 a cast to a server that cannot answer now does not wait (adapted: its start has not finished, or it is suspended)", async () => {
  const { run, runtime } = createKernel();
  await run(async () => {
    void start(fromGenServer({ init: () => new Promise<never>(() => undefined) }), { name: "unreachable" });
    cast("unreachable", "x");
    expect(runtime.names.get("unreachable")?.queueLength).toBe(1);
    const held = await start(obedient());
    await suspend(held);
    cast(held, (state) => ({ state }));
    expect(processInfo(held)?.queueLength).toBe(1);
  });
});

test("G51 a linked stack pops, takes a push, pops it, stops; casts to nobody succeed and are told", async () => {
  const { run, letters } = createKernel();
  await run(async ({ self: me }) => {
    const stack = fromGenServer({
      init: (items: string[]) => ({ state: items }),
      handleCall: (message: "pop" | "stop", [top, ...rest]) =>
        message === "pop" ? { reply: top, state: rest } : { stop: "normal", reply: "ok" },
      handleCast: (message: { push: string }, state) => ({ state: [message.push, ...state] }),
    });
    const ref = await startLink(stack, { input: ["hello"] });
    expect(processInfo(me)?.links).toEqual([ref]);
    expect(await call(ref, "pop")).toBe("hello");
    cast(ref, { push: "world" });
    expect(await call(ref, "pop")).toBe("world");
    expect(await call(ref, "stop")).toBe("ok");
    expect(await exited(ref)).toBe("normal");
    for (const nobody of ["nobody", { via: createTable(), key: "nobody" }, ref]) cast(nobody as string, "lost");
    expect(letters()).toEqual([1, 2, 3].map(() => ({ message: "lost", why: "noproc" })));
  });
});

test("G52 handleInfo sees plain messages, delayed ones, and stops the server with a reason that reaches terminate", async () => {
  const { runtime, clock } = createKernel();
  const ends: unknown[] = [];
  const ref = await start(obedient(ends), { runtime });
  for (const message of ["text", 7, undefined, null, { no: "type" }, { type: "typed" }]) send(ref, message);
  expect(await call(ref, "seen")).toEqual(["text", 7, undefined, null, { no: "type" }, { type: "typed" }]);
  send(ref, () => ({ state: [], timeoutMs: 10, timeoutMessage: "delayed" }));
  await quiet();
  clock.advance(10);
  expect(await call(ref, "seen")).toEqual(["delayed"]);
  send(ref, () => ({ stop: "by info" }));
  expect(await exited(ref)).toBe("by info");
  expect(ends).toEqual(["by info"]);
});

const chained = (order: unknown[]) =>
  fromGenServer({
    init: (argument: unknown) => {
      send(self(), "queued");
      return { state: 0, continue: argument };
    },
    handleContinue: (argument, state) => {
      order.push(argument);
      if (Array.isArray(argument) && argument.length > 0) return { state, continue: argument.slice(1) };
      return argument === "stop" ? { stop: "normal" } : { state };
    },
    handleCall: (message: string, _state) => ({ reply: message, continue: `after ${message}` }),
    handleInfo: (message, state) => {
      order.push(message);
      return { state };
    },
  });

test("G54 a continue of init runs before a message that is queued already", async () => {
  const { runtime } = createKernel();
  const order: unknown[] = [];
  await start(chained(order), { runtime, input: "continued" });
  await quiet();
  expect(order).toEqual(["continued", "queued"]);
});

test("G56 continues run back to back before any message, and one may stop the server", async () => {
  const { runtime } = createKernel();
  const order: unknown[] = [];
  await start(chained(order), { runtime, input: [1, 2] });
  await quiet();
  expect(order).toEqual([[1, 2], [2], [], "queued"]);
  const ended: unknown[] = [];
  expect(await exited(await start(chained(ended), { runtime, input: "stop" }))).toBe("normal");
  expect(ended).toEqual(["stop"]);
});

test("a continue of a call runs right after the reply and before what waits", async () => {
  const { runtime } = createKernel();
  const order: unknown[] = [];
  const ref = await start(chained(order), { runtime, input: "init" });
  const calling = call(ref, "asked");
  send(ref, "waiting");
  expect(await calling).toBe("asked");
  await quiet();
  expect(order).toEqual(["init", "queued", "after asked", "waiting"]);
});

test("G57 a continue without a handler ends the server (adapted: the reason is an error of type undef)", async () => {
  const { runtime } = createKernel();
  const ref = await start(fromGenServer({ init: () => ({ state: 0, continue: "x" }) }), { runtime });
  expect(await exited(ref)).toMatchObject({ reason: { type: "undef", callback: "handleContinue", message: "x" } });
});

describe.each(["call", "cast", "info"] as const)("a timeout set by a %s", (from) => {
  const timed = fromGenServer({
    init: (_input: undefined) => ({ state: [] as unknown[] }),
    handleCall: (message: "seen" | "set", state) => ({ reply: state, ...(message === "set" ? late : {}) }),
    handleCast: (_message: "set", state) => ({ state, ...late }),
    handleInfo: (message, state) => (message === "set" ? { state, ...late } : { state: [...state, message] }),
  });
  const late = { timeoutMs: 500, timeoutMessage: "fired" };

  async function set(kernel: ReturnType<typeof createKernel>) {
    const ref = await start(timed, { runtime: kernel.runtime });
    if (from === "call") await call(ref, "set");
    else if (from === "cast") cast(ref, "set");
    else send(ref, "set");
    await quiet();
    return ref;
  }

  test("G58 fires once when nothing else is handled", async () => {
    const kernel = createKernel();
    const ref = await set(kernel);
    kernel.clock.advance(500);
    expect(await call(ref, "seen")).toEqual(["fired"]);
    kernel.clock.advance(5_000);
    expect(await call(ref, "seen")).toEqual(["fired"]);
  });

  test("G58 is cancelled by any handled message, also when it has run out and waits behind it", async () => {
    const kernel = createKernel();
    const ref = await set(kernel);
    kernel.clock.advance(499);
    expect(await call(ref, "seen")).toEqual([]);
    kernel.clock.advance(5_000);
    const again = await set(kernel);
    send(again, "first");
    kernel.clock.advance(500);
    expect(processInfo(again)?.queueLength).toBe(2);
    expect(await call(again, "seen")).toEqual(["first"]);
    expect(await call(ref, "seen")).toEqual([]);
    expect(kernel.clock.pending).toBeLessThanOrEqual(1);
  });

  test("G60 is not cancelled by inspection, and is by a request (adapted: inspection leaves it as it is)", async () => {
    const kernel = createKernel();
    const ref = await set(kernel);
    kernel.clock.advance(300);
    await getState(ref);
    await getStatus(ref);
    await suspend(ref);
    await resume(ref);
    kernel.clock.advance(200);
    expect(await call(ref, "seen")).toEqual(["fired"]);
    const asked = await set(kernel);
    await call(asked, "seen");
    kernel.clock.advance(500);
    expect(await call(asked, "seen")).toEqual([]);
  });
});

test("a timeout of 0 comes before what waits, and is gone with the server", async () => {
  const { runtime, clock } = createKernel();
  const seen: unknown[] = [];
  const logic = fromGenServer({
    init: (_input: undefined) => {
      send(self(), "queued");
      return { state: 0, timeoutMs: 0 };
    },
    handleInfo: (message, state) => {
      seen.push(message);
      return { state, timeoutMs: 1_000 };
    },
  });
  const ref = await start(logic, { runtime });
  await quiet();
  expect(seen).toEqual([{ type: "timeout" }, "queued"]);
  expect(clock.pending).toBe(1);
  await stop(ref);
  expect([clock.pending, isAlive(ref)]).toEqual([0, false]);
});

test.each([-1, Number.NaN, 2 ** 31])("a handler that sets the timeout %s ends its server", async (timeoutMs) => {
  const { runtime } = createKernel();
  const ref = await start(obedient(), { runtime });
  cast(ref, (state) => ({ state, timeoutMs }));
  expect(await exited(ref)).toMatchObject({ reason: { type: "bad_return_value", value: timeoutMs } });
});
