import { describe, expect, test } from "vitest";
import { createMachine } from "xstate";
import { self } from "../../../src/otp/process/current.ts";
import { exit } from "../../../src/otp/process/link.ts";
import { call, cast, type From, reply, send } from "../../../src/otp/request/call.ts";
import type { Ref } from "../../../src/otp/request/protocol.ts";
import { stop } from "../../../src/otp/request/stop.ts";
import { getState, resume, suspend } from "../../../src/otp/request/sys.ts";
import { fromGenServer } from "../../../src/otp/server/gen-server.ts";
import { start } from "../../../src/otp/start/start.ts";
import { createKernel, failure, quiet } from "../kernel.ts";

/** Runs what it is cast, and answers calls. */
const runner = fromGenServer({
  init: (_input: undefined) => ({ state: 0 }),
  handleCall: (_message: unknown, state: number) => ({ reply: "answered", state: state + 1 }),
  handleCast(code: () => unknown, _state) {
    const done = code();
    return done instanceof Promise ? done.then(() => ({ noreply: true as const })) : { noreply: true as const };
  },
});

describe("a server that calls itself", () => {
  test("is answered when its handler does not wait", async () => {
    const { run } = createKernel();
    await run(async () => {
      const ref = (await start(runner)) as Ref;
      const answers: Promise<unknown>[] = [];
      cast(ref, () => void answers.push(call(ref, "x"), getState(ref)));
      await quiet();
      expect(await Promise.all(answers)).toEqual(["answered", 1]);
    });
  });

  test("is refused at once when its handler is async: it could wait for ever", async () => {
    const { run, clock } = createKernel();
    await run(async () => {
      const ref = (await start(runner, { name: "runner" })) as Ref;
      const errors: unknown[] = [];
      cast(ref, async () => {
        for (const target of [ref, "runner", ref.actor]) errors.push(await failure(call(target as Ref, "x")));
        errors.push(await failure(getState(ref)), await failure(stop(ref)));
        await quiet();
        errors.push(await failure(call(ref, "later")));
      });
      for (let turn = 0; turn < 4; turn += 1) await quiet();
      expect(errors).toHaveLength(6);
      for (const error of errors) expect(error).toMatchObject({ code: "calling_self", reason: "calling_self" });
      expect([ref.queueLength, ref.openCalls, clock.pending]).toEqual([0, undefined, 0]);
      expect(await call(ref, "others are answered")).toBe("answered");
    });
  });

  test("is refused in init and in terminate", async () => {
    const { runtime } = createKernel();
    const errors: unknown[] = [];
    const ask = async (): Promise<void> => void errors.push(await failure(call(self() as Ref, "x")));
    const ref = await start(
      fromGenServer({
        init: (_input: undefined) => ask().then(() => ({ state: 0 })),
        handleCall: (_message: unknown, _state) => ({ reply: 0 }),
        terminate: ask,
      }),
      { runtime },
    );
    await stop(ref);
    expect(errors).toMatchObject([{ code: "calling_self" }, { code: "calling_self" }]);
  });

  test("is answered in the callback of a timer while it is idle, and while it is suspended when it goes on", async () => {
    const { run, clock } = createKernel();
    await run(async () => {
      const ref = (await start(runner)) as Ref;
      const answers: unknown[] = [];
      const later = () => void call(ref, "x").then((answer) => answers.push(answer));
      cast(ref, () => void clock.setTimeout(later, 5));
      await quiet();
      clock.advance(5);
      await quiet();
      expect(answers).toEqual(["answered"]);
      cast(ref, () => void clock.setTimeout(later, 5));
      await suspend(ref);
      clock.advance(5);
      await quiet();
      expect(answers).toHaveLength(1);
      await resume(ref);
      await quiet();
      expect(answers).toHaveLength(2);
    });
  });
});

test("plain code that calls itself is refused unless it receives meanwhile", async () => {
  const { run } = createKernel();
  await run(async ({ self: me, receive }) => {
    expect(await failure(call(me, "x"))).toMatchObject({ code: "calling_self" });
    let called: Promise<unknown> | undefined;
    const received = receive<From>();
    setImmediate(() => {
      called = call(me, "x");
    });
    reply(await received, "of its own");
    expect(await called).toBe("of its own");
  });
});

test("a machine that calls itself in an action, which cannot wait, is answered", async () => {
  const { runtime } = createKernel();
  let answer: Promise<unknown> | undefined;
  const machine = createMachine({
    on: {
      ask: {
        actions: () => {
          answer = call(self() as Ref, "x");
        },
      },
      $call: { actions: ({ event }) => reply(event as unknown as From, "by itself") },
    },
  });
  const ref = await start(machine, { runtime });
  send(ref, { type: "ask" });
  await quiet();
  expect(await answer).toBe("by itself");
});

test("a turn that breaks ends its process, and the others have theirs", async () => {
  const { runtime, reports } = createKernel();
  const [broken, other] = [(await start(runner, { runtime })) as Ref, (await start(runner, { runtime })) as Ref];
  // A defect that no message can cause: it stands for one that is not known.
  Object.defineProperty(broken, "traces", {
    get() {
      throw new Error("a turn breaks");
    },
    set: () => undefined,
  });
  send(broken, "x");
  expect(await call(other, "x")).toBe("answered");
  expect(broken.exitReason).toMatchObject({ message: "a turn breaks" });
  expect(reports).toMatchObject([{ type: "process.late_error", error: { message: "a turn breaks" } }]);
});

describe("the terminate hook", () => {
  const slow = (ends: unknown[]) =>
    fromGenServer({
      trapExit: true,
      init: (_input: undefined) => ({ state: 0 }),
      handleInfo() {
        throw new Error("crashed, and slow to end");
      },
      terminate(reason) {
        ends.push(reason);
        return new Promise<void>(() => undefined);
      },
    });

  test("of a server that has crashed has 5 s, by the runtime's clock", async () => {
    const { runtime, clock, crashes } = createKernel();
    const ends: unknown[] = [];
    const ref = await start(slow(ends), { runtime });
    send(ref, "crash");
    await quiet();
    clock.advance(4_999);
    expect([ref.status, ends]).toMatchObject(["exiting", [{ message: "crashed, and slow to end" }]]);
    clock.advance(1);
    expect([ref.status, ref.exitReason]).toMatchObject(["dead", { message: "crashed, and slow to end" }]);
    await quiet();
    expect([crashes().length, clock.pending]).toEqual([1, 0]);
  });

  test("of one that is stopped has the time that who stops it gives", async () => {
    const { runtime, clock } = createKernel();
    const ref = await start(slow([]), { runtime });
    const stopped = failure(stop(ref, "normal", { timeoutMs: 60_000 }));
    await quiet();
    clock.advance(60_000);
    expect(await stopped).toMatchObject({ code: "timeout" });
    expect(ref.status).toBe("exiting");
    exit(ref, "kill");
    await quiet();
    expect([runtime.processCount, clock.pending]).toEqual([0, 0]);
  });
});

test("of many requests to stop a process that hangs one waits, and the first reason holds", async () => {
  const { runtime } = createKernel();
  const { promise, resolve } = Promise.withResolvers<void>();
  const ref = (await start(runner, { runtime })) as Ref;
  cast(ref, () => promise);
  await quiet();
  const stops = ["first", "second", "first"].map((reason) =>
    stop(ref, reason).catch(({ code, reason: actual }) => [code, actual]),
  );
  expect(ref.queueLength).toBe(1);
  resolve();
  expect(await Promise.all(stops)).toEqual([undefined, ["exited", "first"], undefined]);
});
