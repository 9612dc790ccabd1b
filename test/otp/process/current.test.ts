import { AsyncLocalStorage } from "node:async_hooks";
import { setImmediate } from "node:timers/promises";
import { expect, test } from "vitest";
import { currentProcess, self } from "../../../src/otp/process/current.ts";
import { LocalRuntime } from "../../../src/otp/process/runtime.ts";
import { call, cast } from "../../../src/otp/request/call.ts";
import { stop } from "../../../src/otp/request/stop.ts";
import { fromGenServer } from "../../../src/otp/server/gen-server.ts";
import { exited } from "../../../src/otp/start/names.ts";
import { spawn } from "../../../src/otp/start/spawn.ts";
import { start } from "../../../src/otp/start/start.ts";

const request = new AsyncLocalStorage<string>();

/** Answers who runs it and in whose request. */
const witness = fromGenServer({
  init: () => ({ state: undefined }),
  handleCall: async (when: "now" | "later") => {
    if (when === "later") await setImmediate();
    return { reply: { self: self(), request: request.getStore() } };
  },
  handleCast: () => ({ state: undefined }),
});

test("a process's code runs as that process, also after it has waited", async () => {
  const server = await start(witness, { runtime: new LocalRuntime() });
  expect(await call(server, "now")).toMatchObject({ self: server });
  expect(await call(server, "later")).toMatchObject({ self: server });
  expect(currentProcess()).toBeUndefined();
  await stop(server);
});

test("a process keeps the async context of the one that started it, whoever sends to it", async () => {
  const runtime = new LocalRuntime();
  const server = await request.run("starter", () => start(witness, { runtime }));
  const seen = await request.run("sender", async () => {
    cast(server, undefined as never);
    return call(server, "later");
  });
  expect(seen).toEqual({ self: server, request: "starter" });
  expect(await call(server, "now")).toEqual({ self: server, request: "starter" });
  await stop(server);
});

test("a sender goes on as itself after the turn of the process it called", async () => {
  const runtime = new LocalRuntime();
  const server = await start(witness, { runtime });
  const seen: unknown[] = [];
  const sender = request.run("sender's", () =>
    spawn(
      async () => {
        await call(server, "now");
        seen.push(currentProcess(), request.getStore());
      },
      { runtime },
    ),
  );
  expect(await exited(sender)).toBe("normal");
  expect(seen).toEqual([sender, "sender's"]);
  await stop(server);
});

test("self() outside any process is refused", () => {
  expect(() => self()).toThrowError(expect.objectContaining({ code: "invalid_argument" }));
});
