/** Rows P1 to P18: signals, reasons and how they spread. */

import { expect, test } from "vitest";
import { self } from "../../../src/otp/process/current.ts";
import { exit, link, trapExit, unlink } from "../../../src/otp/process/link.ts";
import { monitor } from "../../../src/otp/process/monitor.ts";
import type { Process } from "../../../src/otp/process/process.ts";
import { processInfo } from "../../../src/otp/process/process-info.ts";
import { Exit, type ExitReason } from "../../../src/otp/report/exit-reason.ts";
import { send } from "../../../src/otp/request/call.ts";
import { exited, isAlive } from "../../../src/otp/start/names.ts";
import { type ProcessContext, spawn, spawnLink } from "../../../src/otp/start/spawn.ts";
import { createKernel, failure, quiet } from "../kernel.ts";

const idle = ({ receive }: ProcessContext) => receive(() => false);

test("P1 three messages, an exit signal, three more: the receiver ends by the signal and has seen at most the first three", async () => {
  const { run } = createKernel();
  for (const trapping of [false, true]) {
    const seen: unknown[] = [];
    await run(async () => {
      const b = spawn(
        async ({ receive }) => {
          for (;;) {
            const message = await receive<{ type?: string; reason?: string }>();
            seen.push(message.type ?? message);
            if (message.type === "EXIT") throw new Exit(message.reason as string);
          }
        },
        { trapExit: trapping },
      );
      await quiet();
      for (const message of [1, 2, 3]) send(b, message);
      exit(b, "signal");
      for (const message of [4, 5, 6]) send(b, message);
      expect(await exited(b)).toBe("signal");
    });
    expect(seen).toEqual(trapping ? [1, 2, 3, "EXIT"] : []);
  }
});

test("P2 what a monitored process sends before its end arrives before DOWN", async () => {
  const { run } = createKernel();
  await run(async ({ self: me, receive }) => {
    const sender = spawn(() => {
      send(me, "first");
      send(me, "second");
    });
    const made = monitor(sender);
    expect([await receive(), await receive()]).toEqual(["first", "second"]);
    expect(await receive()).toEqual({ type: "DOWN", monitor: made, process: sender, reason: "normal" });
  });
});

/** Linked processes, each started by the one before it; answers the first and the last. */
async function chain(length: number, last: (context: ProcessContext) => unknown): Promise<Process[]> {
  const refs: Process[] = [];
  const grow = async (context: ProcessContext): Promise<void> => {
    refs.push(context.self);
    if (refs.length === length) return void (await last(context));
    spawnLink(grow);
    await idle(context);
  };
  spawnLink(grow);
  while (refs.length < length) await quiet();
  return refs;
}

test.each([1, 2, 9, 10])(
  "P3 a kill at the end of a chain of %i arrives at its head as killed, sent by itself or by another",
  async (length) => {
    const { run } = createKernel();
    for (const itself of [true, false]) {
      const from = await run(
        async ({ receive }) => {
          const refs = await chain(length, async ({ receive: hold }) => {
            await hold();
            exit(self(), "kill");
          });
          await quiet();
          if (itself) send(refs.at(-1) as Process, "now");
          else exit(refs.at(-1) as Process, "kill");
          const message = await receive();
          expect(message).toEqual({ type: "EXIT", from: refs[0], reason: "killed" });
          return refs;
        },
        { trapExit: true },
      );
      expect(from.map(({ exitReason }) => exitReason)).toEqual(from.map(() => "killed"));
    }
  },
);

test.each([1, 2, 9, 10])(
  "P4 a raised kill at the end of a chain of %i arrives at its head as kill, which can be trapped",
  async (length) => {
    const { run } = createKernel();
    await run(
      async ({ receive, self: me }) => {
        const refs = await chain(length, async ({ receive: hold }) => {
          await hold();
          throw new Exit("kill");
        });
        await quiet();
        send(refs.at(-1) as Process, "now");
        expect(await receive()).toEqual({ type: "EXIT", from: refs[0], reason: "kill" });
        expect(isAlive(me)).toBe(true);
      },
      { trapExit: true },
    );
  },
);

test("P5 a link to a process that has unlinked itself and ended is noproc, never its reason (adapted: in the one order there is)", async () => {
  const { run } = createKernel();
  await run(
    async ({ self: me, receive }) => {
      for (let times = 0; times < 1_000; times += 1) {
        const b = spawnLink(() => {
          unlink(me);
          throw new Exit("its real reason");
        });
        await exited(b);
        link(b);
        expect(await receive()).toEqual({ type: "EXIT", from: b, reason: "noproc" });
      }
      expect((await failure(receive(undefined, { timeoutMs: 0 }))).code).toBe("timeout");
    },
    { trapExit: true },
  );
});

test("P7 a large reason arrives as the very same value, raised by the process or sent by another", async () => {
  const { run } = createKernel();
  const reason = { rows: Array.from({ length: 10_000 }, (_, index) => ({ index })) };
  await run(
    async ({ receive }) => {
      spawnLink(() => {
        throw new Exit(reason);
      });
      expect((await receive<{ reason: ExitReason }>()).reason).toBe(reason);
      const other = spawnLink(idle);
      spawn(() => exit(other, reason));
      expect((await receive<{ reason: ExitReason }>()).reason).toBe(reason);
    },
    { trapExit: true },
  );
});

test("P8 an exit signal normal to another process is ignored: it lives, and nobody gets EXIT", async () => {
  const { run, clock } = createKernel();
  await run(
    async ({ receive }) => {
      const other = spawnLink(idle);
      await quiet();
      exit(other, "normal");
      await quiet();
      clock.advance(1_000);
      expect(isAlive(other)).toBe(true);
      expect((await failure(receive(undefined, { timeoutMs: 0 }))).code).toBe("timeout");
    },
    { trapExit: true },
  );
});

test("P9 after a normal signal that does nothing an abnormal one ends the process", async () => {
  const { run } = createKernel();
  await run(
    async ({ receive }) => {
      const other = spawnLink(idle);
      await quiet();
      exit(other, "normal");
      expect(isAlive(other)).toBe(true);
      exit(other, "abnormal");
      expect(await receive()).toEqual({ type: "EXIT", from: other, reason: "abnormal" });
    },
    { trapExit: true },
  );
});

test("P10 a trapping process gets a normal signal as a message and lives", async () => {
  const { run } = createKernel();
  await run(async ({ self: me }) => {
    const got = Promise.withResolvers<unknown>();
    const trapping = spawn(
      async (context) => {
        got.resolve(await context.receive());
        await idle(context);
      },
      { trapExit: true },
    );
    await quiet();
    exit(trapping, "normal");
    expect(await got.promise).toEqual({ type: "EXIT", from: me, reason: "normal" });
    expect(isAlive(trapping)).toBe(true);
  });
});

test("a normal signal that a process sends to itself ends it", async () => {
  const { run } = createKernel();
  const selfish = run(async (context) => {
    exit(self(), "normal");
    await idle(context);
  });
  expect(await selfish.catch((reason: unknown) => reason)).toBe("normal");
});

test("P14 a signal to oneself inside a try cannot be caught (adapted: code that is on its way goes on, and nothing of it counts)", async () => {
  const { run, runtime } = createKernel();
  let caught = false;
  const selfish = run(async ({ receive }) => {
    try {
      exit(self(), "mine");
      await receive();
    } catch {
      caught = true;
    }
    return "a result";
  });
  expect(await selfish.catch((reason: unknown) => reason)).toBe("mine");
  await quiet();
  expect([caught, runtime.processCount]).toEqual([false, 0]);
});

test("P15 an error raised by a linked process, or by what it calls, is the EXIT reason with its stack (adapted: it is the Error)", async () => {
  const { run } = createKernel();
  await run(
    async ({ receive }) => {
      spawnLink(() => {
        throw new TypeError("badarg of P15");
      });
      const { reason } = await receive<{ reason: Error }>();
      expect(reason).toMatchObject({ name: "TypeError", message: "badarg of P15" });
      expect(reason.stack).toContain("p-signals");
      spawnLink(() => link({} as never));
      expect((await receive<{ reason: Error }>()).reason).toMatchObject({ code: "invalid_argument", field: "target" });
    },
    { trapExit: true },
  );
});

test("P16 raise, throw and return: the error, an error whose cause is what was thrown, and normal (adapted: for JavaScript's ways to end)", async () => {
  const { runtime } = createKernel();
  const reasonOf = (code: () => unknown) => exited(spawn(code, { runtime }));
  const raised = new RangeError("raised in P16");
  const throwing = (value: unknown) => () => {
    throw value;
  };
  expect(await reasonOf(throwing(raised))).toBe(raised);
  expect(await reasonOf(() => Promise.reject(raised))).toBe(raised);
  expect(await reasonOf(throwing("just text"))).toMatchObject({ message: "thrown: just text", cause: "just text" });
  expect(await reasonOf(throwing(undefined))).toBeInstanceOf(Error);
  expect(await reasonOf(() => "a result")).toBe("normal");
  expect(await reasonOf(throwing(new Exit("chosen")))).toBe("chosen");
});

test("P17 a signal that comes with the timeout of a receive ends the process with the signal's reason (adapted: whichever is first)", async () => {
  const { run, clock } = createKernel();
  await run(async () => {
    for (const signalFirst of [true, false]) {
      const waiting = spawn(({ receive }) => receive(undefined, { timeoutMs: 1_000 }).catch(() => idle));
      await quiet();
      clock.setTimeout(() => undefined, 0);
      if (signalFirst) exit(waiting, "signal");
      clock.advance(1_000);
      if (!signalFirst) exit(waiting, "signal");
      expect(await exited(waiting)).toBe("signal");
      expect(clock.pending).toBe(0);
    }
  });
});

test("P18 of two exit signals in a row the first wins", async () => {
  const { run } = createKernel();
  await run(
    async ({ receive }) => {
      const other = spawnLink(idle);
      await quiet();
      exit(other, "first");
      exit(other, "second");
      exit(other, "kill");
      expect(await receive()).toEqual({ type: "EXIT", from: other, reason: "first" });
      await quiet();
      expect((await failure(receive(undefined, { timeoutMs: 0 }))).code).toBe("timeout");
    },
    { trapExit: true },
  );
});

test("a kill ends a trapping process, and its own kill is an EXIT message one link further", async () => {
  const { run } = createKernel();
  await run(
    async ({ receive }) => {
      const trapping = spawnLink(idle, { trapExit: true });
      await quiet();
      exit(trapping, "kill");
      expect(await receive()).toEqual({ type: "EXIT", from: trapping, reason: "killed" });
    },
    { trapExit: true },
  );
});

test("trapExit answers what it was, and from then on signals are messages", async () => {
  const { run } = createKernel();
  await run(async ({ self: me, receive }) => {
    expect([trapExit(), trapExit(true), processInfo(me)?.trapExit]).toEqual([false, true, true]);
    spawn(() => exit(me, "signalled"));
    expect(await receive()).toMatchObject({ type: "EXIT", reason: "signalled" });
    expect(trapExit(false)).toBe(true);
  });
});
