import { expect, test } from "vitest";
import { exit } from "../../../src/otp/process/link.ts";
import type { MailboxLimit } from "../../../src/otp/process/mailbox-limit.ts";
import { monitor } from "../../../src/otp/process/monitor.ts";
import { processInfo } from "../../../src/otp/process/process-info.ts";
import { call, cast, send } from "../../../src/otp/request/call.ts";
import { stop } from "../../../src/otp/request/stop.ts";
import { getState, resume, suspend } from "../../../src/otp/request/sys.ts";
import { fromGenServer } from "../../../src/otp/server/gen-server.ts";
import { exited } from "../../../src/otp/start/names.ts";
import { spawn } from "../../../src/otp/start/spawn.ts";
import { start } from "../../../src/otp/start/start.ts";
import { createKernel, failure, quiet } from "../kernel.ts";

const collector = fromGenServer({
  init: (_input: undefined) => ({ state: [] as unknown[] }),
  handleCall: (message: "seen" | "x", state) => (message === "seen" ? { reply: state } : { reply: ["x"] }),
  handleCast: (message: number, state) => ({ state: [...state, message] }),
  handleInfo: (message, state) => ({ state: [...state, message] }),
});

/** A suspended server that holds at most `maxMessages`. */
async function full(limit: MailboxLimit) {
  const kernel = createKernel();
  const ref = await start(collector, { runtime: kernel.runtime, mailbox: limit });
  await suspend(ref);
  return { ...kernel, ref };
}

test('at the bound "drop_newest", the default, makes the new message a dead letter', async () => {
  const { ref, letters } = await full({ maxMessages: 3 });
  for (let index = 1; index <= 5; index += 1) cast(ref, index);
  expect(letters()).toEqual([4, 5].map((message) => ({ message, why: "full" })));
  await resume(ref);
  expect(await call(ref, "seen")).toEqual([1, 2, 3]);
});

test('at the bound "drop_oldest" makes the oldest waiting message a dead letter', async () => {
  const { ref, letters } = await full({ maxMessages: 3, whenFull: "drop_oldest" });
  for (let index = 1; index <= 5; index += 1) send(ref, index);
  expect(letters()).toEqual([1, 2].map((message) => ({ message, why: "full" })));
  await resume(ref);
  expect(await call(ref, "seen")).toEqual([3, 4, 5]);
});

test('at the bound "crash" ends the process with mailbox_full, told, and everything that waited is a dead letter', async () => {
  const { ref, letters, crashes } = await full({ maxMessages: 2, whenFull: "crash" });
  const waiting = failure(call(ref, "x"));
  send(ref, "waits");
  send(ref, "too much");
  expect(await exited(ref)).toBe("mailbox_full");
  expect(await waiting).toMatchObject({ code: "exited", reason: "mailbox_full" });
  expect(letters()).toEqual([
    { message: "too much", why: "full" },
    { message: "waits", why: "noproc" },
  ]);
  expect(crashes()).toMatchObject([{ reason: "mailbox_full" }]);
});

test.each(["drop_newest", "drop_oldest"] as const)('a call that "%s" drops is refused at once', async (whenFull) => {
  const { ref, clock, letters } = await full({ maxMessages: 1, whenFull });
  const [first, second] = [failure(call(ref, "x")), failure(call(ref, "x"))];
  expect(await (whenFull === "drop_newest" ? second : first)).toMatchObject({ code: "exited", reason: "refused" });
  expect(letters()).toEqual([]);
  await stop(ref);
  await quiet();
  expect(clock.pending).toBe(0);
});

test("signals and the runtime's own messages pass the bound", async () => {
  const { run, ref } = await full({ maxMessages: 1 });
  send(ref, "fills it");
  expect(await getState(ref)).toEqual([]);
  await stop(ref, "done");
  await run(
    async ({ receive, self }) => {
      for (let index = 0; index < 3; index += 1) send(self, index);
      await quiet();
      expect(processInfo(self)?.queueLength).toBe(2);
      const target = spawn(({ receive: hold }) => hold());
      monitor(target);
      exit(target, "gone");
      spawn(() => exit(self, "signalled"));
      await quiet();
      expect([await receive(), await receive()]).toEqual([0, 1]);
      expect(await receive()).toMatchObject({ type: "DOWN", reason: "gone" });
      expect(await receive()).toMatchObject({ type: "EXIT", reason: "signalled" });
    },
    { trapExit: true, mailbox: { maxMessages: 2 } },
  );
});

test("drop_oldest leaves signals in their place", async () => {
  const { run, letters } = createKernel();
  await run(
    async ({ receive, self }) => {
      monitor("nobody", { tag: "gone" });
      send(self, "first");
      send(self, "second");
      await quiet();
      expect(await receive()).toMatchObject({ type: "gone" });
      expect(await receive()).toBe("second");
      expect(letters()).toEqual([{ message: "first", why: "full" }]);
    },
    { mailbox: { maxMessages: 2, whenFull: "drop_oldest" } },
  );
});

test.each([
  [{ maxMessages: 0 }, "options.mailbox.maxMessages"],
  [{ maxMessages: 1.5 }, "options.mailbox.maxMessages"],
  [{ maxMessages: 1, whenFull: "panic" }, "options.mailbox.whenFull"],
])("the limit %j is the caller's mistake", async (mailbox, field) => {
  const { runtime } = createKernel();
  const error = await failure(start(collector, { runtime, mailbox: mailbox as MailboxLimit }));
  expect(error).toMatchObject({ code: "invalid_argument", field });
  expect(runtime.processCount).toBe(0);
});
