/** Rows G63 to G72 and G81: when terminate runs, with what, and what becomes of its errors. */

import { expect, test } from "vitest";
import { exit, link } from "../../../src/otp/process/link.ts";
import type { Process } from "../../../src/otp/process/process.ts";
import { Exit } from "../../../src/otp/report/exit-reason.ts";
import { call, cast, send } from "../../../src/otp/request/call.ts";
import { stop } from "../../../src/otp/request/stop.ts";
import { fromGenServer } from "../../../src/otp/server/gen-server.ts";
import { exited, isAlive } from "../../../src/otp/start/names.ts";
import { spawn } from "../../../src/otp/start/spawn.ts";
import { start, startLink } from "../../../src/otp/start/start.ts";
import { createKernel, createTable, failure, quiet } from "../kernel.ts";

type Ends = [reason: unknown, state: unknown][];

const counting = (ends: Ends, trapExit = false) =>
  fromGenServer({
    init: (_input: undefined) => ({ state: 1 }),
    trapExit,
    handleCall: (message: "crash" | "stop", state) => {
      if (message === "stop") return { stop: "asked", state: state + 1 };
      throw new Error("raised by a handler");
    },
    handleCast: async (_message: "crash", _state) => {
      await Promise.resolve();
      throw new Error("rejected by a handler");
    },
    handleInfo: (_message, state) => ({ state }),
    terminate: (reason, state) => void ends.push([reason, state]),
  });

test("G63 terminate runs once: on a stop with its reason and the new state, on a crash with the error and the old one", async () => {
  const { runtime, crashes } = createKernel();
  const ends: Ends = [];
  const asked = await start(counting(ends), { runtime });
  expect(await failure(call(asked, "stop"))).toMatchObject({ reason: "asked" });
  const crashed = await start(counting(ends), { runtime });
  const error = await failure(call(crashed, "crash"));
  const late = await start(counting(ends), { runtime });
  cast(late, "crash");
  const rejected = await exited(late);
  expect(ends).toEqual([
    ["asked", 2],
    [error.reason, 1],
    [rejected, 1],
  ]);
  expect(error.reason).toMatchObject({ message: "raised by a handler", stack: expect.stringContaining("g-terminate") });
  expect(crashed.exitReason).toBe(error.reason);
  expect(rejected).toMatchObject({ message: "rejected by a handler" });
  expect(crashes()).toHaveLength(3);
});

test.each(["why", "normal"])(
  "G64 a server that traps exits ends with its parent's reason %s, after terminate",
  async (why) => {
    const { runtime } = createKernel();
    const ends: Ends = [];
    let child: Process | undefined;
    const parent = spawn(
      async ({ receive }) => {
        child = await startLink(counting(ends, true));
        throw new Exit((await receive()) as string);
      },
      { runtime },
    );
    await quiet();
    send(parent, why);
    expect(await exited(child as Process)).toBe(why);
    expect(ends).toEqual([[why, 1]]);
  },
);

test("the exit of another linked process is an ordinary message to a server that traps exits", async () => {
  const { run } = createKernel();
  await run(async () => {
    const seen: unknown[] = [];
    const logic = fromGenServer({
      init: (_input: undefined) => ({ state: 0 }),
      trapExit: true,
      handleInfo: (message, state) => {
        seen.push(message);
        return { state };
      },
    });
    const ref = await start(logic);
    const other = spawn(() => {
      link(ref);
      throw new Exit("of another");
    });
    await exited(other);
    await quiet();
    expect(seen).toEqual([{ type: "EXIT", from: other, reason: "of another" }]);
    expect(isAlive(ref)).toBe(true);
  });
});

test("terminate does not run on a kill, nor on a signal to a server that does not trap exits", async () => {
  const { run } = createKernel();
  await run(async () => {
    const ends: Ends = [];
    const trapping = await start(counting(ends, true));
    exit(trapping, "kill");
    expect(await exited(trapping)).toBe("killed");
    const plain = await start(counting(ends));
    exit(plain, "shutdown");
    expect(await exited(plain)).toBe("shutdown");
    expect(ends).toEqual([]);
  });
});

test.each([["normal"], [{ error: "test" }]])(
  "G67 a server without terminate ends with exactly the reason %j",
  async (reason) => {
    const { runtime } = createKernel();
    const ref = await start(fromGenServer({ init: () => ({ state: 0 }) }), { runtime });
    await stop(ref, reason);
    expect(ref.exitReason).toBe(reason);
  },
);

test("G68 an error inside terminate is not taken for a missing hook: the stop rejects with it", async () => {
  const { runtime } = createKernel();
  const logic = fromGenServer({
    init: () => ({ state: {} as { missing(): void } }),
    terminate: (_reason, state) => state.missing(),
  });
  expect(await failure(stop(await start(logic, { runtime })))).toMatchObject({
    code: "exited",
    reason: expect.any(TypeError),
  });
});

test.each([false, true])(
  "G69 the reason of a terminate that fails takes the place of the first, with one report (later: %s)",
  async (later) => {
    const { runtime, crashes } = createKernel();
    const reason = { crash: "terminate" };
    const logic = fromGenServer({
      init: () => ({ state: 0 }),
      terminate: async () => {
        if (later) await quiet();
        throw new Exit(reason);
      },
    });
    const ref = await start(logic, { runtime });
    expect(await failure(stop(ref))).toMatchObject({ code: "exited", reason });
    expect(ref.exitReason).toBe(reason);
    expect(crashes().map((report) => report.reason)).toEqual([reason]);
  },
);

test("G70 a call or cast without its handler ends the server, and the caller with it (adapted: the reason is an error of type undef)", async () => {
  const { runtime } = createKernel();
  const bare = fromGenServer({ init: () => ({ state: 0 }) });
  const called = await start(bare, { runtime });
  const undef = { reason: { type: "undef", callback: "handleCall", message: "x" } };
  expect(await failure(call(called, "x" as never))).toMatchObject({ code: "exited", reason: undef });
  expect(called.exitReason).toMatchObject(undef);
  const told = await start(bare, { runtime });
  cast(told, "x" as never);
  expect(await exited(told)).toMatchObject({ reason: { type: "undef", callback: "handleCast" } });
});

test("a message without handleInfo is told of and dropped, and the server goes on", async () => {
  const { runtime, letters } = createKernel();
  const ref = await start(fromGenServer({ init: () => ({ state: 0 }) }), { runtime });
  send(ref, { type: "unexpected" });
  await quiet();
  expect(letters()).toEqual([{ message: { type: "unexpected" }, why: "unhandled" }]);
  expect(isAlive(ref)).toBe(true);
});

test("G72 an error inside handleInfo ends the server with it", async () => {
  const { runtime } = createKernel();
  const logic = fromGenServer({
    init: () => ({ state: {} as { missing(): never } }),
    handleInfo: (_message, state) => state.missing(),
  });
  const ref = await start(logic, { runtime });
  send(ref, "x");
  expect(await exited(ref)).toBeInstanceOf(TypeError);
});

test.each(["local", "via"])(
  "G81 a server whose parent has a %s name runs terminate with the reason of its stop",
  async (kind) => {
    const { run } = createKernel();
    const ends: Ends = [];
    const name = kind === "local" ? "parent" : { via: createTable(), key: "parent" };
    await run(
      async ({ receive }) => {
        const ref = await startLink(counting(ends));
        await failure(call(ref, "stop"));
        expect(await receive()).toEqual({ type: "EXIT", from: ref, reason: "asked" });
      },
      { name, trapExit: true },
    );
    expect(ends).toEqual([["asked", 2]]);
  },
);

test("a signal during terminate ends a server that does not trap exits, and passes one that does; a kill ends both", async () => {
  const { run } = createKernel();
  await run(async () => {
    const ending = (trapExit: boolean) =>
      fromGenServer({ init: () => ({ state: 0 }), trapExit, terminate: () => new Promise(() => undefined) });
    const [plain, trapping] = [await start(ending(false)), await start(ending(true))];
    for (const ref of [plain, trapping]) void stop(ref).catch(() => undefined);
    await quiet();
    exit(plain, "first");
    exit(trapping, "first");
    expect([plain.exitReason, trapping.exitReason]).toEqual(["first", undefined]);
    exit(trapping, "kill");
    expect(trapping.exitReason).toBe("killed");
  });
});

test("what a handler answers after its server has been killed is dropped", async () => {
  const { run, runtime, clock, letters } = createKernel();
  await run(async () => {
    const work = Promise.withResolvers<{ reply: string; state: string; timeoutMs: number; continue: string }>();
    const slow = fromGenServer({
      init: (_input: undefined) => ({ state: "before" }),
      handleCall: (_message: "work", _state) => work.promise,
    });
    const ref = await start(slow);
    const calling = failure(call(ref, "work", { timeoutMs: "infinity" }));
    await quiet();
    exit(ref, "kill");
    expect(await calling).toMatchObject({ code: "exited", reason: "killed" });
    work.resolve({ reply: "late", state: "after", timeoutMs: 1, continue: "on" });
    await quiet();
    expect(ref.behaviour.rawState?.()).toBe("before");
    expect([ref.queueLength, clock.pending, letters(), runtime.processCount]).toEqual([0, 0, [], 1]);
  });
});
