/** Rows G14 to G21 and G92: a server is stopped from outside. */

import { expect, test } from "vitest";
import { self } from "../../../src/otp/process/current.ts";
import { call } from "../../../src/otp/request/call.ts";
import { stop } from "../../../src/otp/request/stop.ts";
import { fromGenServer } from "../../../src/otp/server/gen-server.ts";
import { exited, isAlive, whereis } from "../../../src/otp/start/names.ts";
import { start } from "../../../src/otp/start/start.ts";
import { createKernel, createTable, failure, quiet } from "../kernel.ts";

const server = fromGenServer({
  init: (_input: undefined) => ({ state: 0 }),
  handleCall: async (_message: "stop_self", _state) => ({ reply: (await failure(stop(self()))).code }),
});

test("G14 stop with the default reason settles when the process is dead; a second stop is noproc", async () => {
  const { runtime } = createKernel();
  const ref = await start(server, { runtime });
  await stop(ref);
  expect(ref.exitReason).toBe("normal");
  expect(await failure(stop(ref))).toMatchObject({ code: "noproc", reason: "noproc" });
});

test("G15 stop with another reason settles: the reason that was asked for is a success", async () => {
  const { runtime } = createKernel();
  const ref = await start(server, { runtime });
  await stop(ref, "other_reason", { timeoutMs: "infinity" });
  expect(ref.exitReason).toBe("other_reason");
});

test.each([-1, 1.5, Number.NaN, 2 ** 31, "soon"])(
  "G16 stop with the timeout %s is the caller's mistake, the server lives and a proper stop works",
  async (timeoutMs) => {
    const { runtime } = createKernel();
    const ref = await start(server, { runtime });
    const error = await failure(stop(ref, "normal", { timeoutMs: timeoutMs as number }));
    expect(error).toMatchObject({ code: "invalid_argument", field: "options.timeoutMs" });
    await quiet();
    expect(isAlive(ref)).toBe(true);
    await stop(ref);
  },
);

test("G17 a server is stopped by its local name, and then it is noproc", async () => {
  const { run } = createKernel();
  await run(async () => {
    const ref = await start(server, { name: "to_stop" });
    await stop("to_stop");
    expect(isAlive(ref)).toBe(false);
    expect(await failure(stop("to_stop"))).toMatchObject({ code: "noproc" });
  });
});

test("G18 a server is stopped by its key in a registry, and then it is noproc (adapted: registries in the place of global names)", async () => {
  const { runtime } = createKernel();
  const name = { via: createTable(), key: ["to", "stop"] };
  const ref = await start(server, { runtime, name });
  await stop(name);
  expect(isAlive(ref)).toBe(false);
  expect(await failure(stop(name))).toMatchObject({ code: "noproc" });
});

test("G20 a stop that takes too long times out for its caller, and the server ends by itself all the same", async () => {
  const { runtime, clock } = createKernel();
  const slow = fromGenServer({
    init: (_input: undefined) => ({ state: 0 }),
    terminate: () => new Promise((resolve) => void clock.setTimeout(resolve, 500)),
  });
  const ref = await start(slow, { runtime });
  const stopping = failure(stop(ref, "normal", { timeoutMs: 50 }));
  await quiet();
  clock.advance(50);
  expect(await stopping).toMatchObject({ code: "timeout", reason: "timeout" });
  expect(isAlive(ref)).toBe(true);
  clock.advance(450);
  expect(await exited(ref)).toBe("normal");
});

test("G21 a stop whose terminate hook raises rejects with what was raised", async () => {
  const { runtime } = createKernel();
  const broken = fromGenServer({
    init: (_input: undefined) => ({ state: 0 }),
    terminate: () => {
      throw new Error("raised by the hook of G21");
    },
  });
  const error = await failure(stop(await start(broken, { runtime })));
  expect(error).toMatchObject({ code: "exited", reason: { message: "raised by the hook of G21" } });
});

test("G92 stop again and the stop of nobody are noproc, a stop of oneself is calling_self, a stop by name settles", async () => {
  const { run } = createKernel();
  await run(async () => {
    const ref = await start(server);
    await stop(ref);
    expect(await failure(stop(ref))).toMatchObject({ code: "noproc", call: { target: ref } });
    expect(await failure(stop(whereis("nobody") as never))).toMatchObject({ code: "noproc" });
    const named = await start(server, { name: "g92" });
    expect(await call(named, "stop_self")).toBe("calling_self");
    await stop("g92");
    expect(isAlive(named)).toBe(false);
  });
});

test("two stops at once: the first reason ends the server, the second stop tells it", async () => {
  const { runtime } = createKernel();
  const ref = await start(server, { runtime });
  const first = stop(ref, "first");
  const second = failure(stop(ref, "second"));
  await first;
  expect(await second).toMatchObject({ code: "exited", reason: "first" });
});
