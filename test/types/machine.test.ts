import { expectTypeOf, test } from "vitest";
import { setup } from "xstate";
import {
  type CallEvent,
  type CastEvent,
  call,
  cast,
  type DownMessage,
  type ExitMessage,
  type ExitReason,
  type From,
  fromMachine,
  isCall,
  postpone,
  type Ref,
  reply,
  sendRequest,
  start,
  startLink,
  startSupervisor,
  waitResponse,
  whichChild,
} from "../../src/otp/index.ts";

// Types alone are tested here: nothing of this runs.
const types = (_check: () => void) => undefined;

type Event =
  | CallEvent<{ type: "take"; count: number }, "taken" | "sold out">
  | CallEvent<{ type: "stock" }, number>
  | CastEvent<{ type: "deliver"; count: number }>
  | ExitMessage
  | DownMessage
  | { type: "close" };

const shop = fromMachine(
  setup({
    types: {
      context: {} as { stock: number; queue: { from: From<"taken" | "sold out">; count: number }[] },
      events: {} as Event,
      input: {} as { stock: number },
    },
    actions: {
      postpone,
      sell: ({ context, event }) => {
        if (isCall(event, "take")) reply(event.from, event.message.count > context.stock ? "sold out" : "taken");
      },
    },
  }).createMachine({
    context: ({ input }) => ({ stock: input.stock, queue: [] }),
    initial: "open",
    states: {
      open: {
        on: {
          $call: [
            { guard: ({ event }) => isCall(event, "take"), actions: "sell" },
            { actions: ({ context, event }) => isCall(event, "stock") && reply(event.from, context.stock) },
          ],
          EXIT: { actions: ({ event }) => void expectTypeOf(event.reason).toEqualTypeOf<ExitReason>() },
          close: "closed",
        },
      },
      closed: { on: { $call: { actions: "postpone" }, $cast: { actions: [postpone, { type: "sell" }] } } },
    },
  }),
  { terminate: (_reason, { value }) => void expectTypeOf(value).toEqualTypeOf<"open" | "closed">() },
);

test("a machine's calls, replies and casts are known wherever its ref is", () => {
  types(async () => {
    const ref = await start(shop, { input: { stock: 1 } });
    expectTypeOf(call(ref, { type: "take", count: 1 })).resolves.toEqualTypeOf<"taken" | "sold out">();
    expectTypeOf(call(ref, { type: "stock" })).resolves.toEqualTypeOf<number>();
    cast(ref, { type: "deliver", count: 5 });
    const response = await waitResponse(sendRequest(ref, { type: "stock" }));
    if (response.type === "reply") expectTypeOf(response.reply).toEqualTypeOf<number>();
    expectTypeOf(startLink(shop, { input: { stock: 1 } })).resolves.toEqualTypeOf<typeof ref>();
    const written: Ref = ref;
    return written;
  });
});

test("a supervisor knows the calls of a machine that is its child", () => {
  types(async () => {
    const supervisor = await startSupervisor({ children: [{ id: "shop", logic: shop, input: { stock: 1 } }] });
    const { ref } = whichChild(supervisor, "shop");
    if (ref !== undefined) expectTypeOf(call(ref, { type: "stock" })).resolves.toEqualTypeOf<number>();
    // @ts-expect-error there is no such call
    if (ref !== undefined) call(ref, { type: "stocks" });
  });
});

test("what a machine does not take does not compile", () => {
  types(async () => {
    const ref = await start(shop, { input: { stock: 1 } });
    // @ts-expect-error it is called with messages, not with its own events
    call(ref, { type: "close" });
    // @ts-expect-error a field is missing
    call(ref, { type: "take" });
    // @ts-expect-error it is no cast
    cast(ref, { type: "stock" });
    // @ts-expect-error the input has a stock
    start(shop, { input: {} });
  });
});
