/** Rows G22 to G37: a call, its reply, and every way in which there is none. */

import { expect, test } from "vitest";
import { self } from "../../../src/otp/process/current.ts";
import { exit } from "../../../src/otp/process/link.ts";
import type { Process } from "../../../src/otp/process/process.ts";
import { processInfo } from "../../../src/otp/process/process-info.ts";
import { Exit } from "../../../src/otp/report/exit-reason.ts";
import { call, cast, type From, reply, send } from "../../../src/otp/request/call.ts";
import { stop } from "../../../src/otp/request/stop.ts";
import { fromGenServer } from "../../../src/otp/server/gen-server.ts";
import { exited, isAlive } from "../../../src/otp/start/names.ts";
import { start, startLink } from "../../../src/otp/start/start.ts";
import { createKernel, failure, quiet } from "../kernel.ts";

const silent = fromGenServer({
  init: (_input: undefined) => ({ state: undefined as From | undefined }),
  handleCall: (_message: unknown, _state, from) => ({ noreply: true, state: from }),
  handleCast: (answer: unknown, from) => {
    if (from !== undefined) reply(from, answer);
    return { noreply: true };
  },
});

test("G22 a call answers the reply; without one it waits 5,000 ms", async () => {
  const { run, clock } = createKernel();
  await run(async () => {
    const echo = await start(
      fromGenServer({
        init: (_input: undefined) => ({ state: 0 }),
        handleCall: (message: string, _state) => ({ reply: message }),
      }),
    );
    expect(await call(echo, "hello")).toBe("hello");
    const calling = failure(call(await start(silent), "hello"));
    await quiet();
    clock.advance(4_999);
    await quiet();
    let settled = false;
    void calling.then(() => {
      settled = true;
    });
    await quiet();
    expect(settled).toBe(false);
    clock.advance(1);
    expect(await calling).toMatchObject({ code: "timeout", reason: "timeout" });
  });
});

test("G23 a server replies later to a caller it has kept", async () => {
  const { runtime, clock } = createKernel();
  const logic = fromGenServer({
    init: (_input: undefined) => ({ state: undefined as From | undefined }),
    handleCall: (_message: string, _state, from) => ({ noreply: true, state: from, timeoutMs: 1 }),
    handleInfo: (_message, from) => {
      reply(from as From, "delayed");
      return { noreply: true };
    },
  });
  const calling = call(await start(logic, { runtime }), "later");
  await quiet();
  clock.advance(1);
  expect(await calling).toBe("delayed");
});

test("G24 a timeout set by a call is cancelled by the next message, and fires when none comes", async () => {
  const { runtime, clock } = createKernel();
  const logic = fromGenServer({
    init: (_input: undefined) => ({ state: true }),
    handleCall: (_message: "next", state) => ({ reply: state, timeoutMs: 1_000 }),
    handleInfo: () => ({ state: false }),
  });
  const ref = await start(logic, { runtime });
  await call(ref, "next");
  clock.advance(500);
  expect(await call(ref, "next")).toBe(true);
  clock.advance(1_500);
  expect(await call(ref, "next")).toBe(false);
});

test("G26 a reply after the timeout reaches nobody but the reports, and is not in the caller's mailbox", async () => {
  const { run, clock, letters } = createKernel();
  await run(async ({ receive, self: me }) => {
    const ref = await start(silent);
    const calling = failure(call(ref, "late", { timeoutMs: 10 }));
    await quiet();
    clock.advance(10);
    expect((await calling).code).toBe("timeout");
    expect(isAlive(ref)).toBe(true);
    cast(ref, "too late");
    await quiet();
    expect((await failure(receive(undefined, { timeoutMs: 0 }))).code).toBe("timeout");
    expect(letters()).toEqual([{ message: "too late", why: "late" }]);
    expect([me.awaitedCalls, ref.openCalls]).toEqual([undefined, undefined]);
  });
});

test.each([["junk"], [undefined], [{ answer: 1 }], [null]])(
  "G27 a call handler that answers %j ends its server and its caller",
  async (junk) => {
    const { runtime, crashes } = createKernel();
    const logic = fromGenServer({
      init: (_input: undefined) => ({ state: 0 }),
      handleCall: (_message: string, _state) => junk as never,
    });
    const ref = await start(logic, { runtime });
    const reason = { reason: { type: "bad_return_value", callback: "handleCall", value: junk } };
    expect(await failure(call(ref, "x"))).toMatchObject({
      code: "exited",
      reason,
      call: { target: ref, message: "x" },
    });
    expect(ref.exitReason).toMatchObject(reason);
    expect(crashes()).toHaveLength(1);
  },
);

test.each([
  [
    "throws shutdown",
    () => {
      throw new Exit("shutdown");
    },
    "shutdown",
  ],
  [
    "throws { shutdown }",
    () => {
      throw new Exit({ shutdown: "reason" });
    },
    { shutdown: "reason" },
  ],
  ["stops with shutdown", () => ({ stop: "shutdown" }), "shutdown"],
  ["stops with { shutdown }", () => ({ stop: { shutdown: "reason" } }), { shutdown: "reason" }],
])(
  "G29 a call handler that %s: the caller gets that reason, the linked parent too, and no crash is reported",
  async (_how, handler, reason) => {
    const { run, crashes } = createKernel();
    await run(
      async ({ receive }) => {
        const logic = fromGenServer({
          init: (_input: undefined) => ({ state: 0 }),
          handleCall: (_message: string, _state) => handler(),
        });
        const ref = await startLink(logic);
        const error = await failure(call(ref, "go"));
        expect(error).toMatchObject({ code: "exited", reason, call: { target: ref, message: "go" } });
        expect(await receive()).toEqual({ type: "EXIT", from: ref, reason });
      },
      { trapExit: true },
    );
    expect(crashes()).toEqual([]);
  },
);

test("G31 a server that stops normal without a reply rejects its caller with normal, after terminate", async () => {
  const { runtime } = createKernel();
  const order: unknown[] = [];
  const logic = fromGenServer({
    init: (_input: undefined) => ({ state: 0 }),
    handleCall: (_message: string, _state) => ({ stop: "normal" }),
    terminate: (reason) => void order.push(reason),
  });
  const error = await failure(call(await start(logic, { runtime }), "end"));
  order.push("rejected");
  expect(error).toMatchObject({ code: "exited", reason: "normal", call: { message: "end" } });
  expect(order).toEqual(["normal", "rejected"]);
});

test("G32 the reply of a stop is sent after terminate has returned", async () => {
  const { runtime, clock } = createKernel();
  const order: string[] = [];
  const logic = fromGenServer({
    init: (_input: undefined) => ({ state: 0 }),
    handleCall: (_message: string, _state) => ({ stop: "done", reply: "bye" }),
    terminate: async () => {
      await new Promise<void>((resolve) => void clock.setTimeout(resolve, 300));
      order.push("terminated");
    },
  });
  const ref = await start(logic, { runtime });
  const calling = call(ref, "end").then((answer) => order.push(answer as string));
  await quiet();
  expect(order).toEqual([]);
  clock.advance(300);
  await calling;
  expect(order).toEqual(["terminated", "bye"]);
  expect(await exited(ref)).toBe("done");
});

test.each([
  [
    "throws",
    () => {
      throw new Error("raised after G32");
    },
  ],
  [
    "rejects",
    async () => {
      throw new Error("raised after G32");
    },
  ],
])("G32 the reply is sent although terminate %s, whose error becomes the reason", async (_how, terminate) => {
  const { runtime } = createKernel();
  const logic = fromGenServer({
    init: (_input: undefined) => ({ state: 0 }),
    handleCall: (_message: string, _state) => ({ stop: "done", reply: "bye" }),
    terminate,
  });
  const ref = await start(logic, { runtime });
  expect(await call(ref, "end")).toBe("bye");
  expect(await exited(ref)).toMatchObject({ message: "raised after G32" });
});

test.each([undefined, 10, "infinity"] as const)(
  "G33 a server that calls itself is told so at once, with the timeout %s",
  async (timeoutMs) => {
    const { runtime, clock } = createKernel();
    const logic = fromGenServer({
      init: (_input: undefined) => ({ state: 0 }),
      handleCall: async (_message: string, _state) => {
        const options = timeoutMs === undefined ? {} : { timeoutMs };
        return { reply: await failure(call(self() as Process, "again", options)) };
      },
    });
    const ref = await start(logic, { runtime });
    expect(await call(ref, "yourself")).toMatchObject({
      code: "calling_self",
      call: { target: ref, message: "again" },
    });
    expect(clock.now()).toBe(0);
  },
);

test("G34 a call to a name that nobody has, or to a dead process, is noproc at once", async () => {
  const { run } = createKernel();
  await run(async () => {
    expect(await failure(call("nobody", "x"))).toMatchObject({
      code: "noproc",
      call: { target: "nobody", message: "x" },
    });
    const ref = await start(silent, { name: "g34" });
    await stop(ref);
    expect(await failure(call(ref, "x"))).toMatchObject({ code: "noproc", reason: "noproc" });
    expect(await failure(call("g34", "x"))).toMatchObject({ code: "noproc" });
  });
});

test("G35 10,000 calls of a caller with 500,000 waiting messages take less than 10 times as long (adapted: replies are promises)", async () => {
  const { run } = createKernel();
  await run(async ({ self: me }) => {
    const echo = await start(
      fromGenServer({
        init: (_input: undefined) => ({ state: 0 }),
        handleCall: (message: number, _state) => ({ reply: message }),
      }),
    );
    const time = async () => {
      const began = performance.now();
      for (let index = 0; index < 10_000; index += 1) await call(echo, index);
      return performance.now() - began;
    };
    await time();
    const empty = Math.min(await time(), await time());
    for (let index = 0; index < 500_000; index += 1) send(me, index);
    await quiet();
    expect(processInfo(me)?.queueLength).toBe(500_000);
    // Looking through the messages would take hundreds of times as long each time; a busy machine does not slow down every round.
    let full = Number.POSITIVE_INFINITY;
    for (let round = 0; round < 8 && full >= empty * 10; round += 1) full = Math.min(full, await time());
    expect(full).toBeLessThan(empty * 10);
  });
});

test("G36 a call to a server that has just got an exit signal rejects with its reason or noproc, and never hangs (adapted: the signal comes between call and reply)", async () => {
  const { runtime } = createKernel();
  const before = await start(silent, { runtime });
  exit(before, "boom");
  expect(await failure(call(before, "x", { timeoutMs: "infinity" }))).toMatchObject({ code: "noproc" });
  const after = await start(silent, { runtime });
  const calling = failure(call(after, "x", { timeoutMs: "infinity" }));
  exit(after, "boom");
  expect(await calling).toMatchObject({ code: "exited", reason: "boom" });
});

test("G37 a call to a server whose connection is lost rejects with noconnection (adapted: a lost transport is an exit reason of its own)", async () => {
  const { run } = createKernel();
  await run(async () => {
    const ref = await start(silent, { name: "g37" });
    const calling = failure(call(ref, "x", { timeoutMs: "infinity" }));
    await quiet();
    exit(ref, "noconnection");
    expect(await calling).toMatchObject({ code: "exited", reason: "noconnection" });
    expect(await failure(call("g37", "x"))).toMatchObject({ code: "noproc" });
  });
});

test.each([-1, 0.5, Number.NaN, "long"])(
  "a call with the timeout %s is the caller's mistake, and nothing is sent",
  async (timeoutMs) => {
    const { runtime } = createKernel();
    const ref = await start(silent, { runtime });
    const error = await failure(() => call(ref, "x", { timeoutMs: timeoutMs as number }));
    expect(error).toMatchObject({ code: "invalid_argument", field: "options.timeoutMs" });
    expect(processInfo(ref)).toMatchObject({ handled: 0, queueLength: 0 });
  },
);

test("a second reply to one call reaches nobody", async () => {
  const { runtime, letters } = createKernel();
  const logic = fromGenServer({
    init: (_input: undefined) => ({ state: 0 }),
    handleCall: (_message: string, _state, from) => {
      reply(from, "first");
      return { reply: "second" };
    },
  });
  expect(await call(await start(logic, { runtime }), "x")).toBe("first");
  expect(letters()).toEqual([{ message: "second", why: "late" }]);
});

test("a reply may come from another process, or from outside any", async () => {
  const { run, runtime } = createKernel();
  const ref = await start(silent, { runtime });
  const calling = call(ref, "x");
  await quiet();
  const from = ref.behaviour.rawState?.() as From;
  await run(() => reply(from, "by another"));
  expect(await calling).toBe("by another");
  expect(() => reply({ caller: undefined }, 1)).toThrow(/invalid_argument/);
});

test("a caller that ends while it waits is forgotten: no timer and no open call is left", async () => {
  const { run, runtime, clock } = createKernel();
  const ref = await start(silent, { runtime });
  let went = "waits";
  const caller = run(async () => {
    await call(ref, "x");
    went = "on";
  });
  await quiet();
  expect(clock.pending).toBe(1);
  const from = ref.behaviour.rawState?.() as From | undefined;
  exit(from?.caller as Process, "kill");
  expect(await caller.catch((reason: unknown) => reason)).toBe("killed");
  await quiet();
  expect([ref.openCalls, clock.pending]).toEqual([undefined, 0]);
  cast(ref, "nobody waits");
  await quiet();
  expect(went).toBe("waits");
});
