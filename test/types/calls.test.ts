import { expectTypeOf, test } from "vitest";
import {
  type CallOptions,
  type Cell,
  call,
  castCell,
  type ExitReason,
  exit,
  exited,
  exitSignal,
  fromGenServer,
  type ProcessError,
  type Ref,
  readAndUpdateCell,
  readCell,
  start,
  startCell,
  updateCell,
} from "../../src/otp/index.ts";

// Types alone are tested here: nothing of this runs.
const types = (_check: () => void) => undefined;

declare const cell: Cell<number>;
declare const ref: Ref;

test("a cell's functions may be async, and its values are what they settle with", () => {
  types(() => {
    expectTypeOf(startCell(() => 1)).resolves.toEqualTypeOf<Cell<number>>();
    expectTypeOf(startCell(async () => "text")).resolves.toEqualTypeOf<Cell<string>>();
    expectTypeOf(readCell(cell, (state) => `${state}`)).resolves.toEqualTypeOf<string>();
    expectTypeOf(readCell(cell, async (state) => [state])).resolves.toEqualTypeOf<number[]>();
    expectTypeOf(readAndUpdateCell(cell, async (state) => ["was", state] as const)).resolves.toEqualTypeOf<"was">();
    updateCell(cell, async (state) => state + 1);
    castCell(cell, async (state) => state + 1);
    // @ts-expect-error the next state is a number
    updateCell(cell, async (state) => `${state}`);
  });
});

test("a call has a time, a moment and a signal, and its error what was asked", () => {
  types(() => {
    call(ref, "x", { timeoutMs: "infinity", deadlineAtMs: 1_000, signal: exitSignal() });
    expectTypeOf<CallOptions["signal"]>().toEqualTypeOf<AbortSignal | undefined>();
    expectTypeOf(exitSignal(ref)).toEqualTypeOf<AbortSignal>();
    const { call: failed, code } = {} as ProcessError;
    expectTypeOf(failed?.target).toEqualTypeOf<unknown>();
    expectTypeOf(failed?.timeoutMs).toEqualTypeOf<number | "infinity" | undefined>();
    expectTypeOf<"aborted">().toExtend<typeof code>();
    // @ts-expect-error there is no such option
    call(ref, "x", { deadline: 5 });
  });
});

test("any value is an exit reason, and the known ones are suggested", () => {
  types(() => {
    for (const reason of ["normal", 42, 7n, null, undefined, true, { a: 1 }, new Error("x")]) exit(ref, reason);
    expectTypeOf(exited(ref)).resolves.toEqualTypeOf<ExitReason>();
    expectTypeOf<"noconnection">().toExtend<ExitReason>();
  });
});

test("a server may set no timeout by name, and formatStatus answers at once", () => {
  types(() => {
    const server = fromGenServer({
      init: () => ({ state: 0, timeoutMs: "infinity", continue: "load" }),
      handleInfo: (_message, state) => ({ state, timeoutMs: 10, timeoutMessage: "late" }),
    });
    expectTypeOf(start(server)).resolves.toExtend<Ref>();
    // @ts-expect-error it is asked at once
    fromGenServer({ init: () => ({ state: 0 }), formatStatus: async () => ({ state: "hidden" }) });
  });
});
