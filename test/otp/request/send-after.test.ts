import { execFileSync } from "node:child_process";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { createAlias, unalias } from "../../../src/otp/process/alias.ts";
import { exit } from "../../../src/otp/process/link.ts";
import { LocalRuntime } from "../../../src/otp/process/runtime.ts";
import { Registry } from "../../../src/otp/registry/registry.ts";
import {
  cancelTimer,
  type MessageTimer,
  readTimer,
  sendAfter,
  sendInterval,
} from "../../../src/otp/request/send-after.ts";
import type { Clock } from "../../../src/otp/scheduler/clock.ts";
import { exited, register, unregister } from "../../../src/otp/start/names.ts";
import { type ProcessContext, spawn } from "../../../src/otp/start/spawn.ts";
import { startTaskSupervisor } from "../../../src/otp/task/supervisor.ts";
import { createVirtualClock } from "../../../src/testing/virtual-clock.ts";
import { createKernel, failure, quiet } from "../kernel.ts";

const idle = ({ receive }: ProcessContext) => receive(() => false);

describe("an interval", () => {
  test("sends its message after each period, the first time after one, until it is cancelled", async () => {
    const { run, clock } = createKernel();
    await run(async ({ self, receive }) => {
      const timer = sendInterval(self, "tick", 10);
      expect([readTimer(timer), timer.atMs]).toEqual([10, clock.now() + 10]);
      clock.advance(9);
      expect((await failure(receive(undefined, { timeoutMs: 0 }))).code).toBe("timeout");
      clock.advance(1);
      expect([await receive(), readTimer(timer)]).toEqual(["tick", 10]);
      clock.advance(34);
      expect([await receive(), await receive(), await receive()]).toEqual(["tick", "tick", "tick"]);
      expect([readTimer(timer), cancelTimer(timer)]).toEqual([6, 6]);
      expect([readTimer(timer), cancelTimer(timer), clock.pending, self.held?.size ?? 0]).toEqual([false, false, 0, 0]);
      clock.advance(100);
      await quiet();
      expect((await failure(receive(undefined, { timeoutMs: 0 }))).code).toBe("timeout");
    });
  });

  test("ends with the process it is for, however that was named as its target", async () => {
    const { run, clock, letters, runtime } = createKernel();
    const supervisor = await startTaskSupervisor({}, { runtime });
    await run(async () => {
      const ref = spawn(idle);
      const timers = [
        sendInterval(ref, "ref", 10),
        sendInterval(ref.actor, "actor", 10),
        sendInterval(supervisor, "what has a process", 10),
        sendAfter(ref.actor, "once", 1_000),
      ];
      clock.advance(25);
      exit(ref, "kill");
      await exited(ref);
      await supervisor.stop();
      expect([timers.map(readTimer), clock.pending]).toEqual([[false, false, false, false], 0]);
      expect([readTimer(sendInterval(ref, "dead already", 10)), clock.pending]).toEqual([false, 0]);
      expect(letters().filter(({ why }) => why === "late")).toEqual([]);
    });
  });

  test("goes on when the process that made it ends", async () => {
    const { run, clock } = createKernel();
    await run(async ({ self, receive }) => {
      const made = Promise.withResolvers<MessageTimer>();
      await exited(spawn(() => made.resolve(sendInterval(self, "still here", 10))));
      clock.advance(10);
      expect(await receive()).toBe("still here");
      cancelTimer(await made.promise);
    });
  });

  test("for a name or a key goes to whoever has it at the time", async () => {
    const { run, clock, letters } = createKernel();
    await run(async ({ self, receive }) => {
      const keys = Registry.start<string, undefined>({ keys: "unique" });
      const timers = [sendInterval("late", "by name", 10), sendInterval(keys.via("late"), "by key", 10)];
      clock.advance(10);
      expect(letters().map(({ message }) => message)).toEqual(["by name", "by key"]);
      register("late", self);
      keys.register("late", undefined);
      clock.advance(10);
      expect([await receive(), await receive()]).toEqual(["by name", "by key"]);
      unregister("late");
      keys.unregister("late");
      clock.advance(10);
      expect(letters()).toHaveLength(4);
      timers.map(cancelTimer);
      expect(clock.pending).toBe(0);
      exit(keys, "kill");
    });
  });

  test("for an alias ends after the alias is closed", async () => {
    const { run, clock } = createKernel();
    await run(async ({ receive }) => {
      const alias = createAlias();
      const once = createAlias({ reply: true });
      const timers = [sendInterval(alias, "alias", 10), sendInterval(once, "once", 10)];
      clock.advance(10);
      expect([await receive(), await receive()]).toEqual(["alias", "once"]);
      unalias(alias);
      clock.advance(10);
      expect([timers.map(readTimer), clock.pending]).toEqual([[false, false], 0]);
    });
  });

  test("that a registry cannot serve ends with the error", async () => {
    const { run, clock } = createKernel();
    await run(async ({ self }) => {
      const via = {
        whereisName(key: unknown) {
          if (key === "good") return self;
          throw new Error("the registry is broken");
        },
        registerName: () => undefined,
      };
      const target = { via, key: "good" as unknown };
      const timer = sendInterval(target, "x", 10);
      target.key = "bad";
      expect(() => clock.advance(10)).toThrow("the registry is broken");
      expect([readTimer(timer), clock.pending]).toEqual([false, 0]);
    });
  });

  test.each([0, -1, 0.5, Number.NaN, Number.POSITIVE_INFINITY, 2 ** 31, "10", undefined])(
    "of %s is refused",
    async (everyMs) => {
      const { run, clock } = createKernel();
      await run(async ({ self }) => {
        const refused = await failure(() => sendInterval(self, "x", everyMs as number));
        expect(refused).toMatchObject({
          code: "invalid_argument",
          field: "everyMs",
          rule: expect.stringContaining("1 to"),
        });
        expect(await failure(() => sendInterval(7 as never, "x", 10))).toMatchObject({ field: "target" });
        expect(clock.pending).toBe(0);
      });
    },
  );
});

/** A clock whose time the test sets, with one timer. */
function createLooseClock() {
  let waiting: { readonly run: () => void; readonly ms: number } | undefined;
  const loose = {
    nowMs: 0,
    get ms() {
      return waiting?.ms;
    },
    /** The timer goes off when the clock shows this. */
    goOff(atMs: number) {
      loose.nowMs = atMs;
      const due = waiting;
      waiting = undefined;
      due?.run();
    },
  };
  const clock: Clock = {
    now: () => loose.nowMs,
    monotonicMs: () => loose.nowMs,
    setTimeout(run, ms) {
      waiting = { run, ms };
      return waiting;
    },
    clearTimeout() {
      waiting = undefined;
    },
  };
  return { clock, loose };
}

describe("the times of an interval are counted from its start", () => {
  async function ticks(
    everyMs: number,
    wakes: readonly number[],
  ): Promise<[waits: (number | undefined)[], sent: number]> {
    const { clock, loose } = createLooseClock();
    const runtime = new LocalRuntime({ clock });
    let sent = 0;
    const ref = spawn(
      async ({ receive }) => {
        for (;;) {
          await receive();
          sent += 1;
        }
      },
      { runtime },
    );
    const timer = sendInterval(ref, "tick", everyMs);
    const waits = [loose.ms];
    for (const wake of wakes) {
      loose.goOff(wake);
      waits.push(loose.ms);
    }
    cancelTimer(timer);
    await quiet();
    exit(ref, "kill");
    return [waits, sent];
  }

  test("so that late and early timers do not shift the next", async () => {
    expect(await ticks(100, [103, 207, 299, 400])).toEqual([[100, 97, 93, 101, 100], 4]);
  });

  test("a clock that is late by several sends one message and goes on with the next that is to come", async () => {
    expect(await ticks(100, [100, 550, 600, 1_000])).toEqual([[100, 100, 50, 100, 100], 4]);
  });

  test("and a wall clock that is set back shifts none", async () => {
    const clock = createVirtualClock();
    const runtime = new LocalRuntime({ clock });
    const ref = spawn(({ receive }) => receive((message) => message === "never"), { runtime });
    const timer = sendInterval(ref, "tick", 100);
    clock.advance(150);
    clock.step(-3_600_000);
    expect(readTimer(timer)).toBe(50);
    clock.advance(50);
    await quiet();
    expect([ref.queueLength, readTimer(timer)]).toEqual([2, 100]);
    exit(ref, "kill");
  });

  test("and none is longer than a timer can be", async () => {
    const longestMs = 2_147_483_647;
    expect(await ticks(longestMs, [longestMs - 5])).toEqual([[longestMs, longestMs], 1]);
  });
});

test("an interval keeps its host alive until it is cancelled, and no longer", () => {
  const fixture = join(import.meta.dirname, "../../fixtures/otp/interval.ts");
  const output = execFileSync(process.execPath, [fixture], { encoding: "utf8", timeout: 20_000 });
  expect(output.trim().split("\n")).toEqual(["tick", "tick", "tick", "the host has nothing to wait for"]);
});
