import { inspect } from "node:util";
import { expect, test } from "vitest";
import { createMachine } from "xstate";
import { currentProcess, self } from "../../../src/otp/process/current.ts";
import { exit, link } from "../../../src/otp/process/link.ts";
import { monitor } from "../../../src/otp/process/monitor.ts";
import type { Process } from "../../../src/otp/process/process.ts";
import { LocalRuntime } from "../../../src/otp/process/runtime.ts";
import { Exit } from "../../../src/otp/report/exit-reason.ts";
import { call, cast, send } from "../../../src/otp/request/call.ts";
import { stop } from "../../../src/otp/request/stop.ts";
import { fromGenServer } from "../../../src/otp/server/gen-server.ts";
import { exited, isAlive } from "../../../src/otp/start/names.ts";
import { type ProcessContext, spawn, spawnLink } from "../../../src/otp/start/spawn.ts";
import { start } from "../../../src/otp/start/start.ts";
import { createKernel, failure, quiet } from "../kernel.ts";

const idle = ({ receive }: ProcessContext) => receive(() => false);

test("a chain of 100,000 linked processes ends from one end to the other without growing the stack", async () => {
  const runtime = new LocalRuntime();
  const refs: Process[] = [];
  const grow = async (context: ProcessContext): Promise<void> => {
    refs.push(context.self);
    if (refs.length < 100_000) spawnLink(grow);
    await idle(context);
  };
  const first = spawn(grow, { runtime });
  while (refs.length < 100_000) await quiet();
  exit(first, "domino");
  expect(await exited(refs.at(-1) as Process)).toBe("domino");
  expect(runtime.processCount).toBe(0);
});

test("at its end a process frees its name, answers its callers, drops its mail, tells its hooks, then its links, then its monitors", async () => {
  const { run, runtime, letters } = createKernel();
  const order: string[] = [];
  await run(
    async ({ receive }) => {
      const ending = spawn(idle, { name: "ending" });
      const calling = failure(call(ending, "x")).then(() => order.push("caller"));
      await quiet();
      link(ending);
      monitor(ending);
      send(ending, "unread");
      ending.addExitHook(() => order.push(`hook, name ${runtime.names.has("ending") ? "taken" : "free"}`));
      exit(ending, "end");
      order.push((await receive<{ type: string }>()).type, (await receive<{ type: string }>()).type);
      await calling;
    },
    { trapExit: true },
  );
  expect(order).toEqual(["hook, name free", "caller", "EXIT", "DOWN"]);
  expect(letters()).toEqual([{ message: "unread", why: "noproc" }]);
});

test("messages to the dead, to nobody, unread and unhandled are dead letters; signals and calls are not", async () => {
  const { run, letters } = createKernel();
  await run(async () => {
    const dead = spawn(() => undefined);
    await exited(dead);
    send(dead, 1);
    cast(dead as never, 2 as never);
    send("nobody", 3);
    cast("nobody", 4);
    expect(await failure(call("nobody", "a call"))).toMatchObject({ code: "noproc" });
    const picky = spawn(({ receive }) => receive((message) => message === "wanted"));
    for (const message of [5, "wanted", 6]) send(picky, message);
    await exited(picky);
    const bare = await start(fromGenServer({ init: () => ({ state: 0 }) }));
    send(bare, 7);
    await stop(bare);
    expect(letters()).toEqual([
      ...[1, 2, 3, 4, 5, 6].map((message) => ({ message, why: "noproc" })),
      { message: 7, why: "unhandled" },
    ]);
  });
});

test("an exit hook that throws keeps nobody else from being told, and is told of", async () => {
  const { run, reports } = createKernel();
  await run(
    async ({ receive }) => {
      const ending = spawnLink(idle);
      const told: string[] = [];
      ending.addExitHook(() => {
        throw new Error("raised by a hook");
      });
      const taken = () => told.push("taken back");
      ending.addExitHook(taken);
      ending.removeExitHook(taken);
      ending.addExitHook(() => told.push("second"));
      exit(ending, "end");
      expect(await receive()).toMatchObject({ type: "EXIT", reason: "end" });
      expect(told).toEqual(["second"]);
      expect(reports).toMatchObject([{ type: "process.late_error", error: { message: "raised by a hook" } }]);
    },
    { trapExit: true },
  );
});

test.each([
  {
    onReport: "that throws",
    broken: () => {
      throw new Error("raised by onReport");
    },
  },
  { onReport: "whose promise rejects", broken: () => Promise.reject(new Error("raised by onReport")) },
])("an onReport $onReport is a warning of the host's, and harms no process", async ({ broken }) => {
  const warned = new Promise<Error>((resolve) => process.once("warning", resolve));
  const runtime = new LocalRuntime({ onReport: broken });
  const crashed = spawn(
    () => {
      throw new Error("crashed while nobody could be told");
    },
    { runtime },
  );
  expect(await exited(crashed)).toMatchObject({ message: "crashed while nobody could be told" });
  expect((await warned).message).toContain("raised by onReport");
  expect(runtime.processCount).toBe(0);
});

test("an inspector that throws is a warning of the host's, and stops no actor", async () => {
  const warned = new Promise<Error>((resolve) => process.once("warning", resolve));
  const runtime = new LocalRuntime({
    inspect: () => {
      throw new Error("raised by an inspector");
    },
  });
  const ref = await start(
    fromGenServer({
      init: (_input: undefined) => ({ state: 1 }),
      handleCall: (_message: string, state) => ({ reply: state }),
    }),
    { runtime },
  );
  expect([await call(ref, "x"), await call(ref, "y")]).toEqual([1, 1]);
  expect((await warned).message).toContain("raised by an inspector");
  await stop(ref);
});

test("the code of a process knows which it is, after an await, in timers and in promises; outside there is none", async () => {
  const { run } = createKernel();
  expect(currentProcess()).toBeUndefined();
  expect(() => self()).toThrow(/invalid_argument/);
  await run(async ({ self: me }) => {
    expect(self()).toBe(me);
    await quiet();
    expect(self()).toBe(me);
    expect(await new Promise((resolve) => setTimeout(() => resolve(currentProcess()), 1))).toBe(me);
    const other = spawn(idle);
    expect(await Promise.all([1, 2].map(async () => self()))).toEqual([me, me]);
    exit(other, "kill");
  });
  expect(currentProcess()).toBeUndefined();
});

test("a process inherits the runtime of the one that starts it", async () => {
  const { run, runtime } = createKernel();
  await run(async () => {
    const ref = await start(fromGenServer({ init: () => ({ state: self().runtime }) }));
    expect(ref.runtime).toBe(runtime);
    await stop(ref);
  });
});

test("what is started and killed in one breath leaves nothing behind", async () => {
  const { runtime, clock, run } = createKernel();
  await run(async () => {
    let ran = 0;
    for (let times = 0; times < 1_000; times += 1) {
      exit(
        spawn(() => {
          ran += 1;
        }),
        "kill",
      );
    }
    await quiet();
    expect(ran).toBe(0);
  });
  expect([runtime.processCount, runtime.names.size, clock.pending]).toEqual([0, 0, 0]);
});

test("an error of a callback while a process starts fails the start", async () => {
  const { runtime } = createKernel();
  const starting = failure(
    start(
      fromGenServer({
        init: () => {
          const me = self();
          queueMicrotask(() => me.crash(new Error("raised beside init")));
          return new Promise<{ state: number }>(() => undefined);
        },
      }),
      { runtime },
    ),
  );
  expect(await starting).toMatchObject({ code: "start_failed", reason: { message: "raised beside init" } });
});

test("a process is shown in short, as text, as JSON and to inspect", async () => {
  const { run } = createKernel();
  await run(
    ({ self: me }) => {
      expect(String(me)).toBe(`<${me.id}> "shown"`);
      expect(JSON.stringify({ me })).toBe(JSON.stringify({ me: `<${me.id}> "shown"` }));
      expect(inspect(me)).toBe(`<${me.id}> "shown"`);
    },
    { name: "shown" },
  );
});

test("any XState logic is a process: its end, its error and its chosen reason are the process's", async () => {
  const { run } = createKernel();
  await run(async ({ receive }) => {
    const machine = createMachine({
      initial: "open",
      states: {
        open: {
          on: {
            close: "closed",
            crash: {
              actions: () => {
                throw new TypeError("raised in an action");
              },
            },
            leave: {
              actions: () => {
                throw new Exit("chosen");
              },
            },
          },
        },
        closed: { type: "final" },
      },
    });
    const reasons = [];
    for (const type of ["close", "crash", "leave"]) {
      const ref = await start(machine);
      monitor(ref);
      send(ref, { type: "unknown" });
      send(ref, { type });
      reasons.push((await receive<{ reason: unknown }>()).reason);
    }
    expect(reasons).toEqual(["normal", expect.any(TypeError), "chosen"]);
    const stopped = await start(machine);
    await stop(stopped, "asked");
    expect([stopped.exitReason, stopped.actor.getSnapshot().status, isAlive(stopped)]).toEqual([
      "asked",
      "stopped",
      false,
    ]);
  });
});

test("a machine that is over before it begins ends normal, one that fails in its first state fails the start", async () => {
  const { runtime } = createKernel();
  const over = createMachine({ initial: "over", states: { over: { type: "final" } } });
  expect(await exited(await start(over, { runtime }))).toBe("normal");
  const broken = createMachine({
    entry: () => {
      throw new Error("raised on entry");
    },
  });
  expect(await failure(start(broken, { runtime }))).toMatchObject({
    code: "start_failed",
    reason: { message: "raised on entry" },
  });
  expect(runtime.processCount).toBe(0);
});

test("dead processes do not hold on to those that started them", async () => {
  const { run } = createKernel();
  await run(async ({ self: me }) => {
    const child = spawn(idle);
    expect(child.parent).toBe(me);
    await stop(child);
    expect(child.parent).toBeUndefined();
  });
});
