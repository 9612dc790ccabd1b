import { describe, expect, test } from "vitest";
import { createActor, type InspectionEvent } from "xstate";
import { exit } from "../../../src/otp/process/link.ts";
import { defaultRuntime, LocalRuntime } from "../../../src/otp/process/runtime.ts";
import { processOf } from "../../../src/otp/process/target.ts";
import { call, cast, type From, reply, send } from "../../../src/otp/request/call.ts";
import type { Ref } from "../../../src/otp/request/protocol.ts";
import { stop } from "../../../src/otp/request/stop.ts";
import { getState, getStatus } from "../../../src/otp/request/sys.ts";
import { fromGenServer } from "../../../src/otp/server/gen-server.ts";
import { exited } from "../../../src/otp/start/names.ts";
import { spawn } from "../../../src/otp/start/spawn.ts";
import { start } from "../../../src/otp/start/start.ts";
import { createKernel, failure, quiet } from "../kernel.ts";

/** What acts like a promise and is none. */
function thenable<T>(value: T): PromiseLike<T> {
  // biome-ignore lint/suspicious/noThenProperty: that is what is tested
  return { then: (resolve) => Promise.resolve(value).then(resolve) } as PromiseLike<T>;
}

/** One that throws as soon as somebody waits for it. */
const thorn = (what: string): PromiseLike<never> => {
  const then = (): never => {
    throw new Error(what);
  };
  return { then } as unknown as PromiseLike<never>;
};

describe("what acts like a promise", () => {
  test("is awaited from init, every handler and terminate, and other messages wait", async () => {
    const { runtime } = createKernel();
    const log: unknown[] = [];
    const ref = await start(
      fromGenServer({
        init: (_input: undefined) => thenable({ state: "begun", continue: "on" }),
        handleContinue: (argument, state) => thenable({ state: `${state} ${argument}` }),
        handleCall: (message: string, state) => thenable({ reply: `${message}: ${state}` }),
        handleCast: (message: string, state) => thenable({ state: `${state} ${message}` }),
        handleInfo: (message, state) => thenable({ state: `${state} ${message}` }),
        terminate: (reason, state) => thenable(void log.push(`${reason}: ${state}`)),
      }),
      { runtime },
    );
    cast(ref, "cast");
    send(ref, "info");
    expect(await call(ref, "call")).toBe("call: begun on cast info");
    await stop(ref);
    expect(log).toEqual(["normal: begun on cast info"]);
  });

  test("and throws instead ends its server as a throw does", async () => {
    const { runtime } = createKernel();
    const starting = start(fromGenServer({ init: () => thorn("thrown by what init answered") as never }), { runtime });
    expect(await failure(starting)).toMatchObject({ reason: { message: "thrown by what init answered" } });
    const ref = await start(
      fromGenServer({
        init: (_input: undefined) => ({ state: 0 }),
        handleInfo: () => thorn("thrown by what handleInfo answered"),
        terminate: () => thorn("thrown by what terminate answered"),
      }),
      { runtime },
    );
    send(ref, "x");
    expect(await exited(ref)).toMatchObject({ message: "thrown by what terminate answered" });
  });

  test.each([
    ["a promise", () => Promise.resolve(1)],
    ["a promise that rejects", () => Promise.reject(new Error("refused as a reply")).catch((e) => Promise.reject(e))],
    ["a thenable", () => thenable(1)],
  ])(
    "is no reply (%s): the server crashes with bad_return_value, by reply it is the caller's mistake",
    async (_what, make) => {
      const { runtime, crashes } = createKernel();
      const given = make() as never;
      void Promise.resolve(given).catch(() => undefined);
      const server = () =>
        start(
          fromGenServer({
            init: (_input: undefined) => ({ state: 0 }),
            handleCall: (how: "reply" | "async" | "stop" | "later", _state, from) => {
              if (how === "reply") return { reply: given };
              if (how === "async") return Promise.resolve({ reply: given }) as never;
              if (how === "stop") return { stop: "normal", reply: given };
              reply(from, given);
              return { noreply: true as const };
            },
          }),
          { runtime },
        );
      for (const how of ["reply", "async", "stop"] as const) {
        const error = await failure(call((await server()) as Ref, how));
        expect(error).toMatchObject({
          code: "exited",
          cause: { reason: { type: "bad_return_value", callback: "handleCall" } },
        });
        expect(error.message).toContain("a promise as the reply: await it, or answer noreply and reply later");
      }
      const later = await failure(call((await server()) as Ref, "later"));
      expect(later.cause).toMatchObject({ code: "invalid_argument", field: "value" });
      expect([crashes().length, runtime.processCount]).toEqual([4, 0]);
    },
  );
});

describe("a timeout", () => {
  test('of "infinity" is none, and a wrong one is a bad return value', async () => {
    const { runtime, clock } = createKernel();
    const server = fromGenServer({
      init: (_input: undefined) => ({ state: [] as unknown[], timeoutMs: "infinity" as const }),
      handleCall: (_message: "state", state) => ({ reply: state, timeoutMs: "infinity" as const }),
      handleCast: (timeoutMs: number | "infinity", state) => ({ state, timeoutMs }),
      handleInfo: (message, state) => ({ state: [...state, message], timeoutMs: "infinity" as const }),
    });
    const ref = await start(server, { runtime });
    cast(ref, 10);
    await quiet();
    expect(clock.pending).toBe(1);
    cast(ref, "infinity");
    await quiet();
    expect(clock.pending).toBe(0);
    expect(await call(ref, "state")).toEqual([]);
    for (const wrong of [-1, Number.NaN, 2 ** 31, "soon", "5", null, true]) {
      const broken = await start(server, { runtime });
      cast(broken, wrong as never);
      expect(await exited(broken)).toMatchObject({
        reason: { type: "bad_return_value", callback: "timeoutMs", value: wrong },
      });
    }
  });

  test("beside continue begins when that has been handled, unless that sets one of its own", async () => {
    const { runtime, clock } = createKernel();
    const handled = Promise.withResolvers<void>();
    const server = (own: object) =>
      fromGenServer({
        init: (_input: undefined) => ({
          state: [] as unknown[],
          continue: "load",
          timeoutMs: 10,
          timeoutMessage: "first",
        }),
        handleContinue: (argument, state) => handled.promise.then(() => ({ state: [...state, argument], ...own })),
        handleInfo: (message, state) => ({ state: [...state, message] }),
      });
    const [kept, replaced, without] = await Promise.all([
      start(server({}), { runtime }),
      start(server({ timeoutMs: 20, timeoutMessage: "second" }), { runtime }),
      start(server({ timeoutMs: "infinity" }), { runtime }),
    ]);
    await quiet();
    clock.advance(100);
    handled.resolve();
    await quiet();
    clock.advance(10);
    await quiet();
    expect([await getState(kept), await getState(replaced)]).toEqual([["load", "first"], ["load"]]);
    clock.advance(10);
    await quiet();
    expect([await getState(kept), await getState(replaced), await getState(without)]).toEqual([
      ["load", "first"],
      ["load", "second"],
      ["load"],
    ]);
    await quiet();
    expect(clock.pending).toBe(0);
  });
});

test("a formatStatus that answers a promise hides all: what it would have left out is not shown", async () => {
  const shown: unknown[] = [];
  const reports: unknown[] = [];
  const inspect = (event: InspectionEvent) => void (event.type === "@xstate.snapshot" && shown.push(event.snapshot));
  const runtime = new LocalRuntime({ inspect, onReport: (report) => void reports.push(report) });
  const ref = await start(
    fromGenServer({
      init: (_input: undefined) => ({ state: "secret" }),
      handleInfo() {
        throw new Error("crashes beside a secret");
      },
      formatStatus: (async () => Promise.reject(new Error("rejected by formatStatus"))) as never,
    }),
    { runtime },
  );
  const { state } = await getStatus(ref);
  send(ref, "crash");
  await exited(ref);
  expect(state).toMatch(/^formatStatus threw: .*formatStatus answered a promise/);
  expect(JSON.stringify([shown, reports])).not.toContain('"secret"');
});

describe("from XState's side", () => {
  const server = fromGenServer({
    init: (_input: undefined) => ({ state: [] as unknown[] }),
    handleCall: (_message: "seen", seen) => ({ reply: seen }),
    handleInfo: (message, seen) => ({ state: [...seen, message] }),
  });

  test.each(["xstate.stop", "xstate.init", "$exit", "$shown", "$call", "$timeout"])(
    "an event of the type %s is an ordinary message: only XState itself stops the actor",
    async (type) => {
      const before = defaultRuntime.processCount;
      const actor = createActor(server).start();
      const ref = processOf(actor) as Ref;
      actor.send({ type });
      expect(await call(ref, "seen")).toEqual([{ type }]);
      expect(actor.getSnapshot().status).toBe("active");
      actor.stop();
      expect([await exited(ref), defaultRuntime.processCount]).toEqual(["shutdown", before]);
    },
  );

  test("what an inspector has kept of another server, or of this one, is an ordinary message too", async () => {
    const seen: unknown[] = [];
    const runtime = new LocalRuntime({
      inspect: (event) => void (event.type === "@xstate.event" && seen.push(event.event)),
    });
    const other = (await start(server, { runtime })) as Ref;
    await call(other, "seen");
    await stop(other);
    const kept = seen.filter((event) => (event as { type: string }).type.startsWith("$"));
    expect(kept.map((event) => (event as { type: string }).type)).toEqual(expect.arrayContaining(["$call", "$exit"]));
    const ref = (await start(server, { runtime })) as Ref;
    for (const event of kept) ref.actor.send(event as never);
    const messages = (await call(ref, "seen")) as unknown[];
    expect(messages).toEqual(kept.filter((event) => (event as { type: string }).type !== "$shown"));
    await stop(ref);
  });

  test("an event that is none does not stop XState's own queue", async () => {
    const { runtime } = createKernel();
    const ref = (await start(server, { runtime })) as Ref;
    const strange = [
      undefined,
      null,
      7,
      new Proxy(
        {},
        {
          get: () => {
            throw new Error("asked");
          },
        },
      ),
    ];
    for (const event of strange) ref.actor.send(event as never);
    const seen = (await call(ref, "seen")) as unknown[];
    expect(seen.map((event, index) => Object.is(event, strange[index]))).toEqual(strange.map(() => true));
  });

  test("a `from` that is sent on is a message, and can be replied to by whoever gets it", async () => {
    const { runtime } = createKernel();
    const clerk = await start(
      fromGenServer({
        init: (_input: undefined) => ({ state: 0 }),
        handleInfo(message, state) {
          reply(message as From, "by the clerk");
          return { state };
        },
      }),
      { runtime },
    );
    const desk = await start(
      fromGenServer({
        init: (_input: undefined) => ({ state: 0 }),
        handleCall(how: "send" | "actor", _state, from) {
          if (how === "send") send(clerk, from);
          else clerk.actor.send(from as never);
          return { noreply: true as const };
        },
      }),
      { runtime },
    );
    expect([await call(desk as Ref, "send"), await call(desk as Ref, "actor")]).toEqual([
      "by the clerk",
      "by the clerk",
    ]);
  });
});

test("the exit signal of who has started it ends a server that traps exits, linked or not; that of another is a message", async () => {
  const { run } = createKernel();
  const told: unknown[] = [];
  const trapping = fromGenServer({
    trapExit: true,
    init: () => ({ state: 0 }),
    handleCall: (_message: "look", _state) => ({ reply: told }),
    handleInfo: (message, state) => {
      told.push((message as { reason: unknown }).reason);
      return { state };
    },
    terminate: (reason) => void told.push(`terminate: ${reason}`),
  });
  await run(async () => {
    const ref = await start(trapping);
    await exited(spawn(async () => exit(ref, "another's")));
    await call(ref, "look");
    exit(ref, "its starter's");
    expect(await exited(ref)).toBe("its starter's");
  });
  expect(told).toEqual(["another's", "terminate: its starter's"]);
});
