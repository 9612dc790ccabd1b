/** Calls and casts as events: what the compiler knows of them without being told. Checked by tsc; the calls run too. */

import { expect, expectTypeOf, test } from "vitest";
import { assign, createMachine, enqueueActions, fromPromise, fromTransition, setup } from "xstate";
import { call, cast, type From, reply, send } from "../../../src/otp/request/call.ts";
import { type CallEvent, type CastEvent, isCall } from "../../../src/otp/request/machine-event.ts";
import type { Protocol, Ref } from "../../../src/otp/request/protocol.ts";
import { type ProtocolOfLogic, start } from "../../../src/otp/start/start.ts";
import { createKernel, failure, quiet } from "../kernel.ts";

type Event =
  | CallEvent<"state", "locked" | "open">
  | CallEvent<{ type: "try"; code: string }, boolean>
  | CallEvent<{ type: "count" }, number | undefined>
  | CastEvent<{ type: "code"; code: string }>
  | { type: "lock" };

/** A lock that answers in an action, by an action with parameters, and from among enqueued actions. */
const lock = setup({
  types: { context: {} as { code: string; tries: number }, events: {} as Event },
  actions: { answer: (_, { from, value }: { from: From<boolean>; value: boolean }) => reply(from, value) },
  guards: {
    opens: ({ context, event }) => isCall(event, "try") && event.message.code === context.code,
    asks: ({ event }, kind: "state" | "try" | "count") => isCall(event, kind),
  },
}).createMachine({
  context: { code: "1234", tries: 0 },
  initial: "locked",
  on: {
    $cast: { actions: assign({ code: ({ event }) => event.message.code }) },
    $call: {
      guard: { type: "asks", params: "count" },
      actions: enqueueActions(({ context, event, enqueue }) => {
        if (isCall(event, "count")) enqueue(() => reply(event.from, context.tries || undefined));
      }),
    },
  },
  states: {
    locked: {
      on: {
        $call: [
          {
            guard: { type: "asks", params: "state" },
            actions: ({ event }) => event.message === "state" && reply(event.from, "locked"),
          },
          {
            guard: "opens",
            target: "open",
            actions: ({ event }) => isCall(event, "try") && reply(event.from, true),
          },
          {
            guard: ({ event }) => isCall(event, "try"),
            actions: enqueueActions(({ event, enqueue }) => {
              enqueue.assign({ tries: ({ context }) => context.tries + 1 });
              if (isCall(event, "try")) enqueue({ type: "answer", params: { from: event.from, value: false } });
            }),
          },
        ],
      },
    },
    open: {
      on: {
        lock: "locked",
        $call: {
          guard: { type: "asks", params: "state" },
          actions: ({ event }) => event.message === "state" && reply(event.from, "open"),
        },
      },
    },
  },
});

test("a machine answers calls and hears casts without a cast of types, and its ref knows each reply", async () => {
  const { runtime } = createKernel();
  const ref = await start(lock, { runtime });
  const state = await call(ref, "state");
  expectTypeOf(state).toEqualTypeOf<"locked" | "open">();
  const wrong = await call(ref, { type: "try", code: "1111" });
  expectTypeOf(wrong).toEqualTypeOf<boolean>();
  const count = await call(ref, { type: "count" });
  expectTypeOf(count).toEqualTypeOf<number | undefined>();
  cast(ref, { type: "code", code: "9999" });
  const right = await call(ref, { type: "try", code: "9999" });
  expect([state, wrong, count, right, await call(ref, "state")]).toEqual(["locked", false, 1, true, "open"]);
  const mistakes = () => {
    // @ts-expect-error: no such call
    void call(ref, "stat");
    // @ts-expect-error: a field is missing
    void call(ref, { type: "try" });
    // @ts-expect-error: a call is no cast
    cast(ref, "state");
    // @ts-expect-error: the code is a string
    cast(ref, { type: "code", code: 1 });
  };
  expect(mistakes).toBeTypeOf("function");
});

test("a reply of another type than the call's does not compile", () => {
  const answer = (event: Event) => {
    // @ts-expect-error: it is not known which call it is
    if (event.type === "$call") reply(event.from, true);
    if (isCall(event, "try")) {
      expectTypeOf(event.message).toEqualTypeOf<{ type: "try"; code: string }>();
      reply(event.from, true);
      // @ts-expect-error: it is a boolean
      reply(event.from, "open");
    }
    // @ts-expect-error: there is no such kind of call
    if (isCall(event, "code")) reply(event.from, 1);
    if (event.type !== "$call" || event.message !== "state") return;
    reply(event.from, "open");
    // @ts-expect-error: neither "locked" nor "open"
    reply(event.from, "ajar");
    // @ts-expect-error: a from of strings is none of numbers
    return event.from satisfies From<number>;
  };
  expect(answer).toBeTypeOf("function");
});

test("isCall tells calls by their message or its type, and events from calls", () => {
  const from = { caller: undefined };
  const calls: CallEvent[] = ["a", { type: "a" }, "b", { type: "b" }, { type: 1 }, 1, null, undefined].map(
    (message) => ({
      type: "$call",
      message,
      from,
    }),
  );
  expect(calls.map((event) => isCall(event, "a"))).toEqual([true, true, ...Array(6).fill(false)]);
  expect(isCall({ type: "$cast", message: "a" } as unknown as CallEvent, "a")).toBe(false);
});

test("logic that does not say which events it takes is called with anything", async () => {
  const { runtime } = createKernel();
  const untyped = createMachine({
    on: { $call: { actions: ({ event }) => reply(event.from as From, event.message) } },
  });
  expectTypeOf<ProtocolOfLogic<typeof untyped>>().toEqualTypeOf<Protocol>();
  const ref: Ref = await start(untyped, { runtime });
  const answer = await call(ref, [1]);
  expectTypeOf(answer).toBeUnknown();
  expect(answer).toEqual([1]);
  const promise = fromPromise(async () => 1);
  expectTypeOf<ProtocolOfLogic<typeof promise>>().toEqualTypeOf<Protocol>();
});

test("the types of calls are those of any logic with typed events, and logic that takes none cannot be called", async () => {
  const { runtime } = createKernel();
  const counter = fromTransition((count: number, event: CallEvent<"next", number> | { type: "reset" }) => {
    if (event.type === "reset") return 0;
    reply(event.from, count);
    return count + 1;
  }, 5);
  const ref = await start(counter, { runtime });
  const first: number = await call(ref, "next");
  expect([first, await call(ref, "next")]).toEqual([5, 6]);
  const anything = fromTransition((seen: unknown[], event: CallEvent) => {
    reply(event.from, seen.length);
    return [...seen, event.message];
  }, []);
  expect(await call(await start(anything, { runtime }), { any: "message" })).toBe(0);
  const mute = await start(setup({ types: { events: {} as { type: "on" } } }).createMachine({}), { runtime });
  // @ts-expect-error: it takes no calls
  expect(() => call(mute, "x")).toBeTypeOf("function");
});

test("a machine answers later, from another state, each of many callers; a second reply is a dead letter", async () => {
  const { runtime, letters } = createKernel();
  type Waiting = readonly { readonly from: From<string>; readonly dish: string }[];
  const kitchen = setup({
    types: { context: {} as { waiting: Waiting }, events: {} as CallEvent<string, string> | { type: "serve" } },
    actions: {
      serve: ({ context }) => {
        for (const { from, dish } of context.waiting.toReversed()) reply(from, `hot ${dish}`);
      },
    },
  }).createMachine({
    context: { waiting: [] },
    initial: "cooking",
    states: {
      cooking: {
        on: {
          $call: {
            actions: assign({
              waiting: ({ context, event }) => [...context.waiting, { from: event.from, dish: event.message }],
            }),
          },
          serve: "serving",
        },
      },
      serving: { entry: "serve", on: { serve: { actions: "serve" } } },
    },
  });
  const ref = await start(kitchen, { runtime });
  const dishes: string[] = [];
  const orders = ["soup", "rice", "cake"].map((dish) => call(ref, dish).then((served) => dishes.push(served)));
  await quiet();
  send(ref, { type: "serve" });
  await Promise.all(orders);
  expect(dishes).toEqual(["hot cake", "hot rice", "hot soup"]);
  send(ref, { type: "serve" });
  await quiet();
  expect(letters().map(({ why }) => why)).toEqual(["late", "late", "late"]);
});

test("a call that a machine leaves unanswered times out, and the machine goes on", async () => {
  const { runtime, clock, letters } = createKernel();
  const deaf = setup({ types: { events: {} as CallEvent<"x", never> } }).createMachine({});
  const ref = await start(deaf, { runtime });
  const asked = failure(call(ref, "x"));
  await quiet();
  clock.advance(5_000);
  expect(await asked).toMatchObject({ code: "timeout" });
  expect([ref.alive, letters()]).toEqual([true, []]);
});

test("a message that has the look of a call is no call to a machine", async () => {
  const { runtime } = createKernel();
  const seen: unknown[] = [];
  const ref = await start(createMachine({ on: { "*": { actions: ({ event }) => void seen.push(event) } } }), {
    runtime,
  });
  const forged = { type: "$call", message: "state", from: { caller: undefined } };
  send(ref, forged);
  await quiet();
  expect(seen).toEqual([{ type: "message", message: forged }]);
});
