/** What the compiler knows of a server without being told at the call site. Checked by tsc; the calls run too. */

import { expect, expectTypeOf, test } from "vitest";
import { createActor } from "xstate";
import { sendRequest, waitResponse } from "../../../src/otp/request/async-request.ts";
import { call, cast, type From } from "../../../src/otp/request/call.ts";
import type { Ref, Request } from "../../../src/otp/request/protocol.ts";
import { readCell, startCell, updateCell } from "../../../src/otp/server/cell.ts";
import { fromGenServer } from "../../../src/otp/server/gen-server.ts";
import { start, startMonitor } from "../../../src/otp/start/start.ts";
import { createKernel } from "../kernel.ts";

const account = fromGenServer({
  init: (opening: number) => ({ state: { balance: opening } }),
  handleCall: (
    message: Request<{ type: "balance" }, number> | Request<{ type: "withdraw"; amount: number }, "paid" | "refused">,
    state,
    from,
  ) => {
    expectTypeOf(state).toEqualTypeOf<{ balance: number }>();
    expectTypeOf(from).toEqualTypeOf<From>();
    if (message.type === "balance") return { reply: state.balance };
    if (message.amount > state.balance) return { reply: "refused" as const };
    return { reply: "paid" as const, state: { balance: state.balance - message.amount } };
  },
  handleCast: (message: { type: "deposit"; amount: number }, state) => {
    expectTypeOf(state.balance).toBeNumber();
    return { state: { balance: state.balance + message.amount } };
  },
  handleInfo: (message, state) => {
    expectTypeOf(message).toBeUnknown();
    expectTypeOf(state).toEqualTypeOf<{ balance: number }>();
    return { state };
  },
  terminate: (_reason, state) => void expectTypeOf(state).toEqualTypeOf<{ balance: number }>(),
});

test("each request has its own reply, and a message that is none does not compile", async () => {
  const { runtime } = createKernel();
  const ref = await start(account, { runtime, input: 10 });
  const balance = await call(ref, { type: "balance" });
  expectTypeOf(balance).toEqualTypeOf<number>();
  const answer = await call(ref, { type: "withdraw", amount: 3 });
  expectTypeOf(answer).toEqualTypeOf<"paid" | "refused">();
  expect([balance, answer]).toEqual([10, "paid"]);
  cast(ref, { type: "deposit", amount: 1 });
  const response = await waitResponse(sendRequest(ref, { type: "balance" }));
  if (response.type === "reply") expectTypeOf(response.reply).toEqualTypeOf<number>();
  expect(response).toEqual({ type: "reply", reply: 8 });
  const wrong = () => {
    // @ts-expect-error: no such request
    void call(ref, { type: "rob" });
    // @ts-expect-error: a field is missing
    void call(ref, { type: "withdraw" });
    // @ts-expect-error: a call is no cast
    cast(ref, { type: "balance" });
    // @ts-expect-error: the input is a number
    void start(account, { input: "ten" });
  };
  expect(wrong).toBeTypeOf("function");
});

test("without marked requests the reply is what the handler answers", async () => {
  const { run } = createKernel();
  await run(async () => {
    const plain = fromGenServer({
      init: (_input: undefined) => ({ state: new Map<string, number>() }),
      handleCall: (key: string, state) => ({ reply: state.get(key) }),
    });
    const { ref } = await startMonitor(plain);
    const found = await call(ref, "x");
    expectTypeOf(found).toEqualTypeOf<number | undefined>();
    expect(found).toBeUndefined();
    // @ts-expect-error: a server without handleCast takes no casts
    expect(() => cast(ref, "x")).not.toThrow();
  });
});

test("a request may be answered with nothing", async () => {
  const { runtime } = createKernel();
  const names = fromGenServer({
    init: (_input: undefined) => ({ state: new Map([["a", "Ada"]]) }),
    handleCall: (
      message: Request<{ type: "name"; of: string }, string | undefined> | Request<{ type: "size" }, number>,
      state,
    ) => (message.type === "name" ? { reply: state.get(message.of) } : { reply: state.size }),
  });
  const ref = await start(names, { runtime });
  const name = await call(ref, { type: "name", of: "b" });
  expectTypeOf(name).toEqualTypeOf<string | undefined>();
  expect([name, await call(ref, { type: "size" })]).toEqual([undefined, 1]);
});

test("a ref can be written down, a name is untyped, an actor of a server is typed", async () => {
  const { run } = createKernel();
  await run(async () => {
    const ref: Ref<{ call: string; reply: number; cast: never }> = await start(
      fromGenServer({
        init: (_input: undefined) => ({ state: 0 }),
        handleCall: (text: string, _state) => ({ reply: text.length }),
      }),
      { name: "typed" },
    );
    expectTypeOf(await call(ref, "four")).toEqualTypeOf<number>();
    expectTypeOf(await call("typed", "four")).toBeUnknown();
    const actor = createActor(account, { input: 1 }).start();
    expectTypeOf(await call(actor, { type: "balance" })).toEqualTypeOf<number>();
    actor.stop();
  });
});

test("a cell knows its state", async () => {
  const { runtime } = createKernel();
  const cell = await startCell(() => ({ count: 1 }), { runtime });
  await updateCell(cell, ({ count }) => ({ count: count + 1 }));
  const text = await readCell(cell, ({ count }) => String(count));
  expectTypeOf(text).toBeString();
  expect(text).toBe("2");
});
