import { expect, test } from "vitest";
import { currentProcess, self } from "../../../src/otp/process/current.ts";
import { exitSignal } from "../../../src/otp/process/exit-signal.ts";
import { exit } from "../../../src/otp/process/link.ts";
import { send } from "../../../src/otp/request/call.ts";
import { stop } from "../../../src/otp/request/stop.ts";
import { fromGenServer } from "../../../src/otp/server/gen-server.ts";
import { spawn } from "../../../src/otp/start/spawn.ts";
import { start } from "../../../src/otp/start/start.ts";
import { createKernel, quiet } from "../kernel.ts";

test("a server's handler hands it to what it waits for, which ends with the server, in its context", async () => {
  const { runtime } = createKernel();
  const told: unknown[] = [];
  const ref = await start(
    fromGenServer({
      init: (_input: undefined) => ({ state: 0 }),
      handleInfo(_message, state) {
        const signal = exitSignal();
        expect(exitSignal(self())).toBe(signal);
        signal.addEventListener("abort", () => told.push(signal.reason, currentProcess()));
        return { state };
      },
    }),
    { runtime },
  );
  send(ref, "x");
  await quiet();
  expect(exitSignal(ref).aborted).toBe(false);
  spawn(() => exit(ref, { shutdown: "closing time" }), { runtime });
  await quiet();
  expect(told).toEqual([{ shutdown: "closing time" }, ref]);
});

test("of a process that has ended it is aborted with its reason; a reason of undefined is an AbortError", async () => {
  const { runtime } = createKernel();
  for (const reason of ["over", null, undefined]) {
    const ended = spawn(({ receive }) => receive(), { runtime });
    exit(ended, reason);
    const { aborted, reason: shown } = exitSignal(ended);
    expect(aborted).toBe(true);
    if (reason === undefined) expect(shown).toMatchObject({ name: "AbortError" });
    else expect(shown).toBe(reason);
  }
});

test("the context of plain code has it as signal; outside any process there is none", async () => {
  const { run } = createKernel();
  await run(async ({ self: me, signal }) => expect(signal).toBe(exitSignal(me)));
  expect(() => exitSignal()).toThrow(/invalid_argument/);
});

test("a stop aborts it after the terminate hook, which may still use what it was handed to", async () => {
  const { runtime } = createKernel();
  const order: string[] = [];
  const ref = await start(
    fromGenServer({
      init: (_input: undefined) => ({ state: exitSignal() }),
      terminate: (_reason, signal) => void order.push(`terminate, aborted: ${signal.aborted}`),
    }),
    { runtime },
  );
  exitSignal(ref).addEventListener("abort", () => order.push("abort"));
  await stop(ref);
  expect(order).toEqual(["terminate, aborted: false", "abort"]);
});
