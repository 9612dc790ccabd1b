import { describe, expect, test } from "vitest";
import {
  type AnyActorRef,
  assign,
  cancel,
  createMachine,
  fromCallback,
  fromPromise,
  fromTransition,
  type InspectionEvent,
  raise,
  sendTo,
  setup,
} from "xstate";
import { self } from "../../../src/otp/process/current.ts";
import { exit } from "../../../src/otp/process/link.ts";
import { monitor } from "../../../src/otp/process/monitor.ts";
import type { Process } from "../../../src/otp/process/process.ts";
import { LocalRuntime } from "../../../src/otp/process/runtime.ts";
import { Exit, type ExitReason } from "../../../src/otp/report/exit-reason.ts";
import type { RestartType } from "../../../src/otp/report/supervisor-report.ts";
import { call, cast, send } from "../../../src/otp/request/call.ts";
import { stop } from "../../../src/otp/request/stop.ts";
import { resume, suspend } from "../../../src/otp/request/sys.ts";
import { exited } from "../../../src/otp/start/names.ts";
import { start, startLink } from "../../../src/otp/start/start.ts";
import { whichChild } from "../../../src/otp/supervisor/start.ts";
import { createKernel, failure, quiet } from "../kernel.ts";
import { createWorld } from "../scripted.ts";

/** Ends as it is told: by a final state whose output chooses the reason, or by what an action throws. */
const leaving = setup({
  types: {
    context: {} as { why: ExitReason },
    events: {} as { type: "leave" | "throw"; why: ExitReason } | { type: "finish" },
  },
}).createMachine({
  context: { why: "normal" },
  initial: "here",
  states: {
    here: {
      on: {
        leave: { target: "gone", actions: assign({ why: ({ event }) => event.why }) },
        finish: "finished",
        throw: {
          actions: ({ event }) => {
            throw new Exit(event.why);
          },
        },
      },
    },
    gone: { type: "final" },
    finished: { type: "final", output: "done" },
  },
  output: ({ context, event }) => (event.output === "done" ? "a result" : new Exit(context.why)),
});

const reasons: ExitReason[] = [
  "normal",
  "shutdown",
  { shutdown: "moved" },
  "out of paper",
  new Error("broken"),
  0,
  undefined,
];

describe("the exit reason of a machine", () => {
  test.each(reasons)("%s as its output or thrown is what monitors and links see", async (why) => {
    const { run, crashes } = createKernel();
    const clean = why === "normal" || why === "shutdown" || (typeof why === "object" && !(why instanceof Error));
    await run(
      async ({ receive }) => {
        for (const type of ["leave", "throw"]) {
          const ref = await startLink(leaving);
          monitor(ref);
          send(ref, { type, why });
          const told = [await receive<{ type: string }>(), await receive<{ type: string }>()];
          expect(told).toMatchObject([
            { type: "EXIT", reason: why },
            { type: "DOWN", reason: why },
          ]);
          expect(ref.exitReason).toBe(why);
        }
      },
      { trapExit: true },
    );
    expect(crashes().map(({ reason }) => reason)).toEqual(clean ? [] : [why, why]);
  });

  test('a final state ends it "normal", whatever else its output is', async () => {
    const { runtime } = createKernel();
    const ref = await start(leaving, { runtime });
    send(ref, { type: "finish" });
    expect([await exited(ref), ref.actor.getSnapshot().output]).toEqual(["normal", "a result"]);
  });

  test.each<[RestartType, string, ExitReason, boolean]>([
    ["transient", "leave", "normal", false],
    ["transient", "leave", { shutdown: "moved" }, false],
    ["transient", "throw", "shutdown", false],
    ["transient", "leave", "out of paper", true],
    ["permanent", "leave", "shutdown", true],
    ["temporary", "throw", "out of paper", false],
  ])("a %s child that may %s with %s is restarted as the reason says: %s", async (restart, type, why, again) => {
    const world = createWorld();
    const supervisor = await world.supervise({ children: [{ id: "m", logic: leaving, restart }] });
    const ref = whichChild(supervisor, "m").ref as Process;
    send(ref, { type, why });
    await exited(ref);
    await quiet();
    const exits = world.reports.filter((report) => report.type === "child.exited");
    expect(exits).toMatchObject([{ reason: why, decision: { type: again ? "restart" : "leave" } }]);
    const children = supervisor.whichChildren().filter(({ ref: other }) => other !== undefined && other !== ref);
    expect(children.length).toBe(again ? 1 : 0);
    await supervisor.stop();
  });

  test("one chosen before the start is over, or by a promise, is its reason as well", async () => {
    const { runtime } = createKernel();
    const over = createMachine({
      initial: "over",
      states: { over: { type: "final" } },
      output: new Exit({ shutdown: "nothing to do" }),
    });
    expect(await exited(await start(over, { runtime }))).toEqual({ shutdown: "nothing to do" });
    const hasty = createMachine({
      entry: () => {
        throw new Exit("no paper");
      },
    });
    expect(await failure(start(hasty, { runtime }))).toMatchObject({ code: "start_failed", reason: "no paper" });
    const ref = await start(
      fromPromise(async () => new Exit("resolved")),
      { runtime },
    );
    expect(await exited(ref)).toBe("resolved");
  });

  test("a machine that throws takes its invoked and spawned actors with it", async () => {
    const { runtime } = createKernel();
    const stopped: string[] = [];
    const child = (name: string) => fromCallback(() => () => void stopped.push(name));
    const machine = createMachine({
      context: ({ spawn }) => ({ spawned: spawn(child("spawned")) }),
      invoke: { src: child("invoked") },
      on: {
        crash: {
          actions: () => {
            throw new Error("raised beside children");
          },
        },
      },
    });
    const ref = await start(machine, { runtime });
    send(ref, { type: "crash" });
    await exited(ref);
    expect(stopped.sort()).toEqual(["invoked", "spawned"]);
  });
});

describe("messages that a machine does not take", () => {
  const machine = createMachine({
    initial: "a",
    states: {
      a: { on: { known: { actions: () => undefined }, ignored: {}, guarded: { guard: () => false, target: "b" } } },
      b: {},
    },
  });

  test("are dead letters: events without a transition, those that a guard keeps out, casts, and what is no event", async () => {
    const { runtime, letters } = createKernel();
    const ref = await start(machine, { runtime });
    for (const message of [{ type: "known" }, { type: "unknown" }, { type: "ignored" }, { type: "guarded" }, "text"]) {
      send(ref, message);
    }
    cast(ref, "cast");
    await quiet();
    expect(letters()).toEqual([
      { message: { type: "unknown" }, why: "unhandled" },
      { message: { type: "guarded" }, why: "unhandled" },
      { message: "text", why: "unhandled" },
      { message: "cast", why: "unhandled" },
    ]);
  });

  test("are none when they are signals, calls or of XState's own making, nor for logic that is no machine", async () => {
    const { runtime, letters, clock } = createKernel();
    const ref = await start(machine, { runtime, trapExit: true });
    exit(ref, "trapped");
    const asked = failure(call(ref, "x"));
    ref.actor.send({ type: "unknown" });
    await quiet();
    clock.advance(5_000);
    expect(await asked).toMatchObject({ code: "timeout" });
    const reducer = await start(
      fromTransition((state: number) => state, 0),
      { runtime },
    );
    send(reducer, { type: "anything" });
    await quiet();
    expect(letters()).toEqual([]);
  });

  test("are not looked for when nobody listens: guards are asked once", async () => {
    const runtime = new LocalRuntime();
    let asked = 0;
    const guarded = createMachine({
      on: {
        x: {
          guard: () => {
            asked += 1;
            return false;
          },
        },
      },
    });
    const ref = await start(guarded, { runtime });
    send(ref, { type: "x" });
    await quiet();
    expect(asked).toBe(1);
    await stop(ref);
  });
});

describe("timers and XState's other events", () => {
  const ticking = (seen: unknown[]) =>
    createMachine({
      initial: "on",
      states: {
        on: {
          after: {
            100: {
              target: "off",
              actions: () => void seen.push(self()),
            },
          },
        },
        off: {
          after: {
            100: {
              actions: () => {
                throw new Error("raised by a timer");
              },
            },
          },
          on: { flip: "on" },
        },
      },
    });

  test("`after` follows the runtime's clock, and its actions run as the machine's process", async () => {
    const { runtime, clock } = createKernel();
    const seen: unknown[] = [];
    const ref = await start(ticking(seen), { runtime });
    clock.advance(99);
    expect(ref.actor.getSnapshot().value).toBe("on");
    clock.advance(1);
    expect([ref.actor.getSnapshot().value, seen]).toEqual(["off", [ref]]);
    clock.advance(100);
    expect(await exited(ref)).toMatchObject({ message: "raised by a timer" });
  });

  test("a state that is left takes its timer along, and the end of the process all of them", async () => {
    const { runtime, clock } = createKernel();
    const seen: unknown[] = [];
    const ref = await start(ticking(seen), { runtime });
    clock.advance(100);
    send(ref, { type: "flip" });
    await quiet();
    clock.advance(99);
    expect([ref.alive, clock.pending]).toEqual([true, 1]);
    exit(ref, "kill");
    expect(clock.pending).toBe(0);
    clock.advance(1_000);
    expect(seen).toEqual([ref]);
  });

  test("a timer with a name of its own outlives its state, is set anew or taken back, and ends with the process", async () => {
    const { runtime, clock } = createKernel();
    const machine = setup({
      types: { context: {} as { late: number }, events: {} as { type: "late" | "again" | "enough" | "move" } },
      actions: { wait: raise({ type: "late" }, { id: "patience", delay: 100 }) },
    }).createMachine({
      context: { late: 0 },
      entry: "wait",
      on: {
        late: { actions: assign({ late: ({ context }) => context.late + 1 }) },
        again: { actions: "wait" },
        enough: { actions: cancel("patience") },
      },
      initial: "here",
      states: { here: { on: { move: "there" } }, there: {} },
    });
    const ref = await start(machine, { runtime });
    const lateAfter = async (type: string, ms: number) => {
      send(ref, { type });
      await quiet();
      clock.advance(ms);
      return ref.actor.getSnapshot().context.late;
    };
    expect(await lateAfter("move", 99)).toBe(0);
    expect(await lateAfter("again", 99)).toBe(0);
    expect(await lateAfter("move", 1)).toBe(1);
    await lateAfter("again", 50);
    expect(await lateAfter("enough", 100)).toBe(1);
    await lateAfter("again", 50);
    expect(clock.pending).toBe(1);
    await stop(ref);
    expect(clock.pending).toBe(0);
  });

  test("wait while the process is suspended, and come before the messages that wait", async () => {
    const { runtime, clock, letters } = createKernel();
    const seen: string[] = [];
    const note = ({ event }: { event: { type: string } }) => void seen.push(event.type);
    const machine = createMachine({
      initial: "on",
      states: {
        on: { after: { 100: "off" }, on: { ask: { actions: note } } },
        off: { entry: note, on: { "*": { actions: note } } },
      },
    });
    const ref = await start(machine, { runtime });
    await suspend(ref);
    send(ref, { type: "ask" });
    clock.advance(100);
    ref.actor.send({ type: "direct" });
    await quiet();
    expect([ref.actor.getSnapshot().value, seen]).toEqual(["on", []]);
    await resume(ref);
    await quiet();
    expect(seen).toEqual(["xstate.after.100.(machine).on", "direct", "ask"]);
    await suspend(ref);
    ref.actor.send({ type: "never" });
    exit(ref, "kill");
    expect(letters()).toEqual([{ message: { type: "never" }, why: "noproc" }]);
  });

  test("an end that comes while the process is suspended is its end when it goes on", async () => {
    const { runtime, clock } = createKernel();
    const ref = await start(ticking([]), { runtime });
    clock.advance(100);
    await suspend(ref);
    clock.advance(100);
    await quiet();
    expect(ref.alive).toBe(true);
    await resume(ref);
    expect(await exited(ref)).toMatchObject({ message: "raised by a timer" });
  });

  test("an event that another process's machine sends is handled as the receiver, and its crash is the receiver's", async () => {
    const { runtime } = createKernel();
    const receiver = await start(
      createMachine({
        on: {
          hit: {
            actions: () => {
              throw new Exit(self());
            },
          },
        },
      }),
      { runtime },
    );
    const sender = await start(
      createMachine({ on: { go: { actions: sendTo(() => receiver.actor as AnyActorRef, { type: "hit" }) } } }),
      { runtime },
    );
    send(sender, { type: "go" });
    expect(await exited(receiver)).toBe(receiver);
    expect(sender.alive).toBe(true);
    sender.actor.send({ type: "go" });
    await stop(sender);
  });
});

test("an inspector sees a machine that is a process as it sees any machine", async () => {
  const told: InspectionEvent[] = [];
  const runtime = new LocalRuntime({ inspect: (event) => void told.push(event) });
  const ref = await start(leaving, { runtime });
  send(ref, { type: "leave", why: "shutdown" });
  await exited(ref);
  const ofMachine = told.filter(({ actorRef }) => actorRef === ref.actor);
  expect(ofMachine.map(({ type }) => type.replace("@xstate.", ""))).toEqual(
    ["actor", "event", "snapshot", "event", "microstep", "snapshot"].map((type) => type),
  );
  expect((ref.actor as unknown as { logic: unknown }).logic).toBe(leaving);
});

test("what XState's side sends to a machine that has ended is a dead letter: a signal that is sent on too, XState's own events not", async () => {
  const { run, letters } = createKernel();
  await run(async ({ receive }) => {
    const ref = await start(createMachine({}));
    await stop(ref);
    monitor(ref);
    const down = await receive();
    for (const event of [{ type: "tick" }, down, { type: "xstate.done.actor.x" }]) ref.actor.send(event as never);
    expect(letters()).toEqual([
      { message: { type: "tick" }, why: "noproc" },
      { message: down, why: "noproc" },
    ]);
  });
});
