import { expect, test } from "vitest";
import { createMachine } from "xstate";
import { self } from "../../../src/otp/process/current.ts";
import { exit } from "../../../src/otp/process/link.ts";
import type { TraceEvent } from "../../../src/otp/process/process.ts";
import { processInfo } from "../../../src/otp/process/process-info.ts";
import { call, cast, send } from "../../../src/otp/request/call.ts";
import type { Ref } from "../../../src/otp/request/protocol.ts";
import { stop } from "../../../src/otp/request/stop.ts";
import { getState, getStatus, replaceState, resume, statistics, suspend, trace } from "../../../src/otp/request/sys.ts";
import { fromGenServer } from "../../../src/otp/server/gen-server.ts";
import { exited } from "../../../src/otp/start/names.ts";
import { spawn } from "../../../src/otp/start/spawn.ts";
import { start, startLink } from "../../../src/otp/start/start.ts";
import { thorny } from "../hostile-messages.ts";
import { createKernel, failure, quiet } from "../kernel.ts";

const counter = fromGenServer({
  init: (_input: undefined) => ({ state: 0 }),
  handleCall: (message: "get" | "me", state) =>
    message === "get"
      ? { reply: state }
      : (async () => ({ reply: -1, state: (await getState(self()).catch(() => -1)) as number }))(),
  handleCast: (by: number, state) => ({ state: state + by }),
});

test("a state is replaced between two messages, also while suspended; a replacer that throws leaves it", async () => {
  const { runtime } = createKernel();
  const ref = await start(counter, { runtime });
  cast(ref, 5);
  expect(await replaceState<number>(ref, (state) => state * 10)).toBe(50);
  expect(ref.actor.getSnapshot().context).toEqual({ state: 50 });
  await suspend(ref);
  cast(ref, 1);
  expect(await replaceState<number>(ref, (state) => state + 50)).toBe(100);
  const error = await failure(
    replaceState(ref, () => {
      throw new RangeError("raised by a replacer");
    }),
  );
  expect(error).toMatchObject({ message: "raised by a replacer" });
  await resume(ref);
  expect(await call(ref, "get")).toBe(101);
});

test("a suspended process takes messages and handles none until it is resumed; stop and kill end it", async () => {
  const { runtime } = createKernel();
  const ref = await start(counter, { runtime });
  await suspend(ref);
  await suspend(ref);
  for (let index = 0; index < 100; index += 1) cast(ref, 1);
  await quiet();
  expect([await getState(ref), processInfo(ref)]).toMatchObject([0, { queueLength: 100, handled: 0, suspended: true }]);
  const calling = call(ref, "get");
  await resume(ref);
  expect(await calling).toBe(100);
  await suspend(ref);
  await stop(ref, "asked");
  expect(ref.exitReason).toBe("asked");
  const other = await start(counter, { runtime });
  await suspend(other);
  exit(other, "kill");
  expect(other.exitReason).toBe("killed");
});

test("a suspended server that traps exits still follows its parent", async () => {
  const { runtime } = createKernel();
  const child = Promise.withResolvers<Awaited<ReturnType<typeof start<typeof counter>>>>();
  const parent = spawn(
    async ({ receive }) => {
      child.resolve(await startLink(counter, { trapExit: true }));
      await receive();
    },
    { runtime },
  );
  const ref = await child.promise;
  await suspend(ref);
  exit(parent, "shutdown");
  expect(await exited(ref)).toBe("shutdown");
});

test("the state of a machine is its snapshot, of plain code its actor's; neither can be replaced", async () => {
  const { runtime } = createKernel();
  const machine = createMachine({ initial: "off", states: { off: { on: { flip: "on" } }, on: {} } });
  const ref = await start(machine, { runtime });
  send(ref, { type: "flip" });
  expect(await getState(ref)).toMatchObject({ value: "on", status: "active" });
  expect(await getStatus(ref)).toMatchObject({ status: "running", state: { value: "on" } });
  expect(await failure(replaceState(ref, (state) => state))).toMatchObject({ code: "exited" });
  const code = spawn(({ receive }) => receive(() => false), { runtime });
  await suspend(code);
  send(code, "waits");
  await quiet();
  expect(await getStatus(code)).toMatchObject({ status: "suspended", queueLength: 1, state: { unread: 0 } });
  await resume(code);
  expect(await getStatus(code)).toMatchObject({ status: "running", queueLength: 1, state: { unread: 1 } });
  await stop(code);
  await stop(ref);
});

test("requests fail like calls: noproc, timeout, exited, calling_self", async () => {
  const { runtime, clock, run } = createKernel();
  expect(await failure(getState("nobody"))).toMatchObject({ code: "noproc" });
  const ref = await start(counter, { runtime });
  await call(ref, "me");
  expect(await getState(ref)).toBe(-1);
  const busy = await start(
    fromGenServer({ init: () => ({ state: 0 }), handleInfo: () => new Promise<{ state: number }>(() => undefined) }),
    { runtime },
  );
  send(busy, "hang");
  await quiet();
  const [late, lost] = [failure(getState(busy, { timeoutMs: 10 })), failure(getStatus(busy))];
  await quiet();
  clock.advance(10);
  expect(await late).toMatchObject({ code: "timeout" });
  exit(busy, "kill");
  expect(await lost).toMatchObject({ code: "exited", reason: "killed" });
  await run(async ({ self: me }) => expect(await failure(suspend(me))).toMatchObject({ code: "calling_self" }));
  expect(await failure(getState(ref, { timeoutMs: -1 }))).toMatchObject({ code: "invalid_argument" });
});

test("statistics count what has come and what was handled since the start, requests of the runtime left out", async () => {
  const { runtime, clock } = createKernel();
  clock.advance(1_000);
  const ref = await start(counter, { runtime });
  clock.advance(500);
  for (let index = 0; index < 5; index += 1) cast(ref, 1);
  await getState(ref);
  await suspend(ref);
  for (let index = 0; index < 3; index += 1) cast(ref, 1);
  expect(statistics(ref)).toEqual({ startedAtMs: 1_000, nowMs: 1_500, messagesIn: 8, handled: 5, queueLength: 3 });
  await stop(ref);
  expect(await failure(() => statistics(ref))).toMatchObject({ code: "noproc" });
});

test("a trace tells of every message, reply and state, and of the end; one that throws is not told again", async () => {
  const { runtime, run } = createKernel();
  const ref = await start(counter, { runtime });
  const events: TraceEvent[] = [];
  let thrown = 0;
  const warned = new Promise<Error>((resolve) => process.once("warning", resolve));
  const end = trace(ref, (event) => events.push(event));
  trace(ref, () => {
    thrown += 1;
    throw new Error("raised by a trace");
  });
  cast(ref, 2);
  const asker = await run(async ({ self: me }) => {
    await call(ref, "get");
    return me;
  });
  send(ref, "plain");
  await quiet();
  end();
  cast(ref, 1);
  await quiet();
  trace(ref, (event) => events.push(event));
  await stop(ref, "asked");
  expect(events).toEqual([
    { type: "message", kind: "cast", message: 2 },
    { type: "state", state: 2 },
    { type: "message", kind: "call", message: "get" },
    { type: "reply", to: asker, reply: 2 },
    { type: "state", state: 2 },
    { type: "message", kind: "info", message: "plain" },
    { type: "state", state: 2 },
    { type: "exit", reason: "asked" },
  ]);
  expect(thrown).toBe(1);
  expect((await warned).message).toContain("raised by a trace");
});

test("what replaces a state answers it at once, and a state that is a promise is not answered", async () => {
  const { runtime } = createKernel();
  const ref = await start(
    fromGenServer({
      init: (_input: undefined) => ({ state: 0 as unknown }),
      handleInfo: (message) => ({ state: message }),
    }),
    { runtime },
  );
  const rejecting = async () => Promise.reject(new Error("refused by an async replacement"));
  expect(await failure(replaceState(ref, rejecting))).toMatchObject({ code: "invalid_argument", field: "replace" });
  for (const thrown of [new TypeError("no"), "no", undefined, thorny()]) {
    const error = await failure(
      replaceState(ref, () => {
        throw thrown;
      }),
    );
    expect(error === thrown || error.cause === thrown).toBe(true);
  }
  expect([await getState(ref), ref.status]).toEqual([0, "running"]);
  send(ref, new Promise(() => undefined));
  expect(await failure(getState(ref))).toMatchObject({
    code: "exited",
    reason: { type: "promise", system: "get_state" },
  });
  expect(await replaceState(ref, () => 1)).toBe(1);
});

test("a trace that throws what cannot be shown is not told again, and harms nobody", async () => {
  const { runtime } = createKernel();
  const warned = new Promise<Error>((resolve) => process.once("warning", resolve));
  const ref = await start(
    fromGenServer({
      init: (_input: undefined) => ({ state: 0 }),
      handleCall: (_message: unknown, _state) => ({ reply: 1 }),
    }),
    { runtime },
  );
  let told = 0;
  trace(ref, () => {
    told += 1;
    throw Object.create(null);
  });
  expect([await call(ref as Ref, "x"), await call(ref as Ref, "y"), told]).toEqual([1, 1, 1]);
  expect((await warned).message).toContain("a trace threw");
});
