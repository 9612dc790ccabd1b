/** Rows P42 to P47: timers, labels, starts, crash reports and stops of processes. */

import { expect, test } from "vitest";
import { link } from "../../../src/otp/process/link.ts";
import { processInfo, setLabel } from "../../../src/otp/process/process-info.ts";
import { Exit, type ExitReason } from "../../../src/otp/report/exit-reason.ts";
import { send } from "../../../src/otp/request/call.ts";
import { cancelTimer, readTimer, sendAfter, sendAt } from "../../../src/otp/request/send-after.ts";
import { stop } from "../../../src/otp/request/stop.ts";
import { fromGenServer } from "../../../src/otp/server/gen-server.ts";
import { exited, isAlive } from "../../../src/otp/start/names.ts";
import { type ProcessContext, spawn, spawnLink } from "../../../src/otp/start/spawn.ts";
import { start } from "../../../src/otp/start/start.ts";
import { createKernel, createTable, failure, quiet } from "../kernel.ts";

const idle = ({ receive }: ProcessContext) => receive(() => false);

test("P42 a timer sends its message after a time or at one; read and cancel answer what is left, and false once it has fired", async () => {
  const { run, clock } = createKernel();
  await run(async ({ self: me, receive }) => {
    const after = sendAfter(me, "after", 100);
    const at = sendAt(me, "at", clock.now() + 200);
    const cancelled = sendAfter(me, "cancelled", 150);
    expect([readTimer(after), readTimer(at), readTimer(cancelled)]).toEqual([100, 200, 150]);
    clock.advance(40);
    expect([readTimer(after), cancelTimer(cancelled), cancelTimer(cancelled)]).toEqual([60, 110, false]);
    clock.advance(60);
    expect([await receive(), readTimer(after), cancelTimer(after)]).toEqual(["after", false, false]);
    clock.advance(100);
    expect(await receive()).toBe("at");
    sendAt(me, "past", 0);
    clock.advance(0);
    expect(await receive()).toBe("past");
    expect(clock.pending).toBe(0);
    for (const ms of [-1, 0.5, Number.NaN])
      expect(await failure(() => sendAfter(me, "x", ms))).toMatchObject({ field: "ms" });
  });
});

test("a timer for a name finds who has it when the time has come, and a timer for a process goes with it", async () => {
  const { run, clock, letters } = createKernel();
  await run(
    async ({ receive }) => {
      sendAfter("late_name", "found", 50);
      sendAfter("no_name", "lost", 50);
      const ended = spawn(() => undefined);
      const aimed = sendAfter(ended, "never", 50);
      const watched = sendAfter(spawn(idle), "never", 50);
      expect(await exited(ended)).toBe("normal");
      expect([readTimer(aimed), readTimer(watched), readTimer(sendAfter(ended, "x", 1))]).toEqual([false, 50, false]);
      cancelTimer(watched);
      spawn(
        async (context) => {
          send("asker", await context.receive());
        },
        { name: "late_name" },
      );
      clock.advance(50);
      expect(await receive()).toBe("found");
      expect(letters()).toEqual([{ message: "lost", why: "noproc" }]);
    },
    { name: "asker" },
  );
});

test("P43 a process sets its label, and its facts are known while it lives (adapted: label and info, there is no dictionary)", async () => {
  const { run } = createKernel();
  await run(
    async ({ self: me }) => {
      const other = spawn(
        async (context) => {
          setLabel("counts stars");
          link(me);
          await idle(context);
        },
        { name: "p43", trapExit: true },
      );
      await quiet();
      send(other, "waits");
      await quiet();
      expect(processInfo("p43")).toEqual({
        id: other.id,
        name: "p43",
        label: "counts stars",
        status: "running",
        suspended: false,
        trapExit: true,
        parent: me,
        queueLength: 1,
        handled: 1,
        links: [me],
        monitoredBy: [],
        startedAtMs: 0,
      });
      await stop(other);
      expect(processInfo(other)).toBeUndefined();
      expect(processInfo("nobody")).toBeUndefined();
      expect(await failure(() => setLabel(""))).toMatchObject({ code: "invalid_argument" });
    },
    { trapExit: true },
  );
});

test.each([
  ["shutdown", 0],
  [{ shutdown: "detail" }, 0],
  ["normal", 0],
  ["die", 1],
] satisfies [ExitReason, number][])(
  "P46 a process that ends with %j is reported as a crash %i times (adapted: a report is a value)",
  async (reason, times) => {
    const { run, crashes } = createKernel();
    await run(
      async ({ self: me }) => {
        const crashing = spawnLink(async function reported({ receive }) {
          await receive();
          throw new Exit(reason);
        });
        const neighbour = spawn(
          async (context) => {
            link(crashing);
            await idle(context);
          },
          { trapExit: true },
        );
        await quiet();
        send(crashing, "now");
        expect(await exited(crashing)).toBe(reason);
        expect(crashes()).toEqual(
          Array.from({ length: times }, () => ({
            type: "process.crashed",
            process: String(crashing),
            label: "reported",
            reason,
            state: expect.anything(),
            ancestors: [String(me)],
            links: [String(me), String(neighbour)],
          })),
        );
      },
      { trapExit: true },
    );
  },
);

test("a process that is ended by a signal or a link is not reported as a crash of its own", async () => {
  const { run, crashes } = createKernel();
  await run(async () => {
    const peer = spawn(idle);
    const crashing = spawn(() => {
      link(peer);
      throw new Error("raised once");
    });
    expect(await exited(peer)).toBe(await exited(crashing));
    expect(crashes().map(({ process }) => process)).toEqual([String(crashing)]);
  });
});

test("P47 stop of a process: fine, noproc of a dead one, its own reason when it ends otherwise, timeout when it hangs, another reason, by name", async () => {
  const { run, clock } = createKernel();
  await run(async () => {
    const fine = spawn(idle);
    await stop(fine);
    expect(fine.exitReason).toBe("normal");
    expect(await failure(stop(fine))).toMatchObject({ code: "noproc" });

    const stubborn = (terminate: () => unknown) =>
      start(fromGenServer({ init: () => ({ state: 0 }), terminate: async () => void (await terminate()) }));
    const other = await stubborn(() => {
      throw new Exit("its own reason");
    });
    expect(await failure(stop(other))).toMatchObject({ code: "exited", reason: "its own reason" });

    const hanging = await stubborn(() => new Promise(() => undefined));
    const stopping = failure(stop(hanging, "normal", { timeoutMs: 1_000 }));
    await quiet();
    clock.advance(1_000);
    expect(await stopping).toMatchObject({ code: "timeout" });
    expect(isAlive(hanging)).toBe(true);

    const asked = spawn(idle, { name: "p47" });
    await stop("p47", "other");
    expect(asked.exitReason).toBe("other");
  });
});

test("code of a process that has ended does not go on: what it waits for in the runtime never comes", async () => {
  const { run, clock } = createKernel();
  let went = 0;
  await run(async () => {
    const waiting = spawn(async ({ receive, signal }) => {
      signal.addEventListener("abort", () => {
        went += 10;
      });
      await receive(undefined, { timeoutMs: 1_000 });
      went += 1;
    });
    await quiet();
    await stop(waiting);
    send(waiting, "late");
    clock.advance(1_000);
    await quiet();
    expect([went, clock.pending]).toEqual([10, 0]);
  });
});

test("names in a registry: a failed registration starts nothing, and the end of the holder frees the key", async () => {
  const { runtime } = createKernel();
  const name = { via: createTable(), key: { structural: true } };
  const first = spawn(idle, { runtime, name });
  expect(() => spawn(idle, { runtime, name })).toThrow(/already_started/);
  expect(runtime.processCount).toBe(1);
  await stop(first);
  const second = spawn(idle, { runtime, name });
  expect(name.via.whereisName(name.key)).toBe(second);
  await stop(second);
});
