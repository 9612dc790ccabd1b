import { getEventListeners } from "node:events";
import { describe, expect, test } from "vitest";
import { createAlias } from "../../../src/otp/process/alias.ts";
import { exit } from "../../../src/otp/process/link.ts";
import type { Process } from "../../../src/otp/process/process.ts";
import { Registry } from "../../../src/otp/registry/registry.ts";
import { call, type From, reply, send } from "../../../src/otp/request/call.ts";
import type { Ref } from "../../../src/otp/request/protocol.ts";
import { fromGenServer } from "../../../src/otp/server/gen-server.ts";
import { spawn } from "../../../src/otp/start/spawn.ts";
import { start } from "../../../src/otp/start/start.ts";
import { createKernel, failure, quiet } from "../kernel.ts";

/** Keeps callers until it is told to answer them. */
const desk = fromGenServer({
  init: (_input: undefined) => ({ state: [] as From[] }),
  handleCall: (_message: unknown, waiting, from) => ({ noreply: true, state: [...waiting, from] }),
  handleInfo(message, waiting) {
    for (const from of waiting) reply(from, message);
    return { state: [] };
  },
});

/** Answers nobody. */
const silent = fromGenServer({
  init: (_input: undefined) => ({ state: 0 }),
  handleCall: (_message: unknown, _state) => ({ noreply: true as const }),
});

test("the error of a call has its target as it was written, the message and the time it had", async () => {
  const { runtime, clock, run } = createKernel();
  const registry = Registry.start({ keys: "unique", runtime });
  const key = { via: registry, key: "desk" };
  const ref = (await start(desk, { runtime, name: "desk" })) as Ref;
  registry.register("desk", undefined, ref);
  await run(async () => {
    for (const target of [ref, "desk", key, ref.actor, { process: ref }]) {
      const message = { ask: target };
      const late = failure(call(target as Process, message, { timeoutMs: 10 }));
      await quiet();
      clock.advance(10);
      const error = await late;
      expect(error.code).toBe("timeout");
      const { target: written, message: sent, timeoutMs } = error.call as { [Field in string]: unknown };
      expect([written === target, sent === message, timeoutMs]).toEqual([true, true, 10]);
    }
    const alias = createAlias();
    expect(await failure(call(alias, "x"))).toMatchObject({
      code: "calling_self",
      call: { target: alias, timeoutMs: 5_000 },
    });
    expect(await failure(call("nobody", "x", { timeoutMs: "infinity" }))).toMatchObject({
      code: "noproc",
      call: { target: "nobody", message: "x", timeoutMs: "infinity" },
    });
  });
});

test("a reply that comes late, and one to a caller that has ended, is a dead letter", async () => {
  const { runtime, clock, letters } = createKernel();
  const ref = (await start(desk, { runtime })) as Ref;
  const late = failure(call(ref, "x", { timeoutMs: 10 }));
  const caller = spawn(() => call(ref, "y"), { runtime });
  await quiet();
  clock.advance(10);
  await late;
  exit(caller, "kill");
  expect(ref.openCalls).toBeUndefined();
  send(ref, "closed");
  await quiet();
  expect(letters()).toEqual([
    { message: "closed", why: "late" },
    { message: "closed", why: "late" },
  ]);
});

describe("a signal", () => {
  test("gives the call up: the target goes on, its late reply is a dead letter", async () => {
    const { runtime, letters, clock } = createKernel();
    const ref = (await start(desk, { runtime })) as Ref;
    const abort = new AbortController();
    const called = failure(call(ref, "x", { signal: abort.signal }));
    await quiet();
    const reason = new Error("the customer has left");
    abort.abort(reason);
    expect(await called).toMatchObject({ code: "aborted", reason, cause: reason, call: { target: ref, message: "x" } });
    await quiet();
    expect([ref.openCalls, clock.pending]).toEqual([undefined, 0]);
    send(ref, "anybody?");
    await quiet();
    expect(letters()).toEqual([{ message: "anybody?", why: "late" }]);
  });

  test("that is aborted already asks nobody, and may be aborted with any reason", async () => {
    const { runtime } = createKernel();
    const ref = (await start(desk, { runtime })) as Ref;
    for (const reason of [null, 7, { a: 1 }, Symbol("why")]) {
      const error = await failure(call(ref, "x", { signal: AbortSignal.abort(reason) }));
      expect([error.code, error.reason, error.cause]).toEqual(["aborted", reason, undefined]);
    }
    await quiet();
    expect([ref.queueLength, ref.handled]).toEqual([0, 0]);
  });

  test("of 50,000 calls has one listener, and ends them all", async () => {
    const { runtime } = createKernel();
    const ref = (await start(silent, { runtime })) as Ref;
    const abort = new AbortController();
    const calls = Array.from({ length: 50_000 }, (_, index) => failure(call(ref, index, { signal: abort.signal })));
    expect(getEventListeners(abort.signal, "abort")).toHaveLength(1);
    abort.abort();
    for (const { code } of await Promise.all(calls)) expect(code).toBe("aborted");
    expect([ref.openCalls, getEventListeners(abort.signal, "abort")]).toEqual([undefined, []]);
    // It would go on with 50,000 questions that nobody asks any more.
    exit(ref, "kill");
  });

  test("that is aborted after the reply changes nothing", async () => {
    const { runtime } = createKernel();
    const ref = (await start(desk, { runtime })) as Ref;
    const abort = new AbortController();
    const called = call(ref, "x", { signal: abort.signal });
    await quiet();
    send(ref, "done");
    await quiet();
    abort.abort();
    expect(await called).toBe("done");
  });
});

describe("a deadline", () => {
  test("holds by the runtime's clock, until the moment or the time is over, whichever is sooner", async () => {
    const { run, clock } = createKernel();
    await run(async () => {
      const ref = (await start(desk)) as Ref;
      clock.advance(1_000);
      const ends: [options: { timeoutMs?: number | "infinity"; deadlineAtMs: number }, atMs: number][] = [
        [{ deadlineAtMs: 1_010 }, 1_010],
        [{ deadlineAtMs: 1_020, timeoutMs: 15 }, 1_015],
        [{ deadlineAtMs: 1_020, timeoutMs: "infinity" }, 1_020],
        [{ deadlineAtMs: 9_000 }, 9_000],
        [{ deadlineAtMs: 10 }, 1_000],
      ];
      const ended = Promise.all(
        ends.map(async ([options]) => {
          expect(await failure(call(ref, "x", options))).toMatchObject({ code: "timeout" });
          return clock.now();
        }),
      );
      for (let ms = 0; ms < 30; ms += 1) {
        clock.advance(ms === 0 ? 0 : 1);
        await quiet();
      }
      clock.advance(9_000 - clock.now());
      expect(await ended).toEqual(ends.map(([, atMs]) => atMs));
    });
  });

  test("that is no moment is the caller's mistake", async () => {
    for (const deadlineAtMs of [Number.NaN, Number.POSITIVE_INFINITY, "tomorrow" as never]) {
      const error = await failure(() => call("nobody", "x", { deadlineAtMs }));
      expect(error).toMatchObject({ code: "invalid_argument", field: "options.deadlineAtMs" });
    }
  });
});
