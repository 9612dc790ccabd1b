import { expect, expectTypeOf, test } from "vitest";
import { assign, createActor, setup } from "xstate";
import { self } from "../../../src/otp/process/current.ts";
import { exit, link } from "../../../src/otp/process/link.ts";
import type { Process } from "../../../src/otp/process/process.ts";
import { Exit, type ExitReason } from "../../../src/otp/report/exit-reason.ts";
import { call, type From, reply, send } from "../../../src/otp/request/call.ts";
import type { CallEvent } from "../../../src/otp/request/machine-event.ts";
import { stop } from "../../../src/otp/request/stop.ts";
import { fromMachine } from "../../../src/otp/start/from-machine.ts";
import { exited } from "../../../src/otp/start/names.ts";
import { spawn } from "../../../src/otp/start/spawn.ts";
import { start } from "../../../src/otp/start/start.ts";
import { whichChild } from "../../../src/otp/supervisor/start.ts";
import { createKernel, quiet } from "../kernel.ts";
import { createWorld } from "../scripted.ts";

type Event =
  | CallEvent<"wait", string>
  | { type: "crash" | "finish" | "tick" }
  | { type: "EXIT"; from: Process | undefined; reason: ExitReason };

/** Counts ticks, lets callers wait, and hears what exits it traps. */
const counter = setup({
  types: { context: {} as { ticks: number; waiting: From<string>[]; exits: ExitReason[] }, events: {} as Event },
}).createMachine({
  id: "counter",
  context: { ticks: 0, waiting: [], exits: [] },
  initial: "counting",
  states: {
    counting: {
      after: {
        1000: { actions: assign({ ticks: ({ context }) => context.ticks + 1 }), reenter: true, target: "counting" },
      },
      on: {
        $call: { actions: assign({ waiting: ({ context, event }) => [...context.waiting, event.from] }) },
        EXIT: { actions: assign({ exits: ({ context, event }) => [...context.exits, event.reason] }) },
        tick: { actions: assign({ ticks: ({ context }) => context.ticks + 1 }) },
        crash: {
          actions: () => {
            throw new Error("raised in the counter");
          },
        },
        finish: "finished",
      },
    },
    finished: { type: "final" },
  },
});

/** The counter, and what its terminate was told. */
function watched(trapExit = false) {
  const ends: unknown[] = [];
  const logic = fromMachine(counter, {
    trapExit,
    terminate(reason, { value, context }) {
      ends.push({ reason, value, ticks: context.ticks });
      for (const from of context.waiting) reply(from, "closing");
    },
  });
  return { logic, ends };
}

test("terminate runs at the final state, at a stop and after a crash, with the reason and the last snapshot", async () => {
  const { runtime } = createKernel();
  const { logic, ends } = watched();
  const [finished, stopped, crashed] = await Promise.all([1, 2, 3].map(() => start(logic, { runtime })));
  for (const ref of [finished, stopped, crashed]) send(ref as Process, { type: "tick" });
  send(finished as Process, { type: "finish" });
  await stop(stopped as Process, "asked");
  send(crashed as Process, { type: "crash" });
  const error = await exited(crashed as Process);
  expect(error).toMatchObject({ message: "raised in the counter" });
  expect(ends).toEqual([
    { reason: "normal", value: "finished", ticks: 1 },
    { reason: "asked", value: "counting", ticks: 1 },
    { reason: error, value: "counting", ticks: 1 },
  ]);
});

test("terminate does not run on a kill, nor on an exit signal that is not trapped", async () => {
  const { runtime } = createKernel();
  const { logic, ends } = watched();
  const trapping = watched(true);
  const refs = [await start(logic, { runtime }), await start(trapping.logic, { runtime })] as const;
  exit(refs[0], "shutdown");
  exit(refs[1], "kill");
  expect([await exited(refs[0]), await exited(refs[1])]).toEqual(["shutdown", "killed"]);
  expect([ends, trapping.ends]).toEqual([[], []]);
});

test("a supervisor's shutdown runs the terminate of a machine that traps exits, as its process, and its callers can be answered", async () => {
  const world = createWorld();
  const { logic, ends } = watched(true);
  const supervisor = await world.supervise({ children: [{ id: "counter", logic, shutdownMs: 100 }] });
  const ref = whichChild(supervisor, "counter").ref as Process;
  const waits = call(ref, "wait");
  send(ref, { type: "tick" });
  await quiet();
  await supervisor.stop();
  expect(await waits).toBe("closing");
  expect([ref.exitReason, ends]).toEqual(["shutdown", [{ reason: "shutdown", value: "counting", ticks: 1 }]]);
});

test("terminate may take time, up to the child's shutdownMs: then the machine is killed", async () => {
  const world = createWorld();
  const { clock, runtime } = world;
  const steps: string[] = [];
  const slow = (id: string, ms: number) =>
    fromMachine(counter, {
      trapExit: true,
      async terminate() {
        steps.push(`${id} begins in ${String(self())}`);
        await new Promise<void>((resolve) => void clock.setTimeout(resolve, ms));
        steps.push(`${id} is done`);
      },
    });
  const supervisor = await world.supervise({
    children: [
      { id: "patient", logic: slow("patient", 50), shutdownMs: 100, name: "patient" },
      { id: "endless", logic: slow("endless", 500), shutdownMs: 100, name: "endless" },
    ],
  });
  const [patient, endless] = ["patient", "endless"].map((id) => whichChild(supervisor, id).ref as Process);
  const stopped = supervisor.stop();
  await quiet();
  clock.advance(99);
  await quiet();
  expect(endless?.alive).toBe(true);
  clock.advance(1);
  await quiet();
  clock.advance(50);
  await stopped;
  expect([patient?.exitReason, endless?.exitReason, runtime.processCount]).toEqual(["shutdown", "killed", 0]);
  expect(steps).toEqual([`endless begins in ${endless}`, `patient begins in ${patient}`, "patient is done"]);
});

test("after a crash terminate has five seconds", async () => {
  const { runtime, clock, crashes } = createKernel();
  const stuck = fromMachine(counter, { terminate: () => new Promise(() => undefined) });
  const ref = await start(stuck, { runtime });
  send(ref, { type: "crash" });
  await quiet();
  clock.advance(4_999);
  expect(ref.status).toBe("exiting");
  clock.advance(1);
  expect(ref.exitReason).toMatchObject({ message: "raised in the counter" });
  expect(crashes()).toMatchObject([
    { lastMessage: { type: "crash" }, state: { value: "counting" }, reason: { message: "raised in the counter" } },
  ]);
});

test("what terminate throws, at once or later, replaces the reason", async () => {
  const { runtime } = createKernel();
  const ends = [];
  for (const terminate of [
    () => {
      throw new Exit("at once");
    },
    async () => {
      throw new Exit({ shutdown: "later" });
    },
  ]) {
    const ref = await start(fromMachine(counter, { terminate }), { runtime });
    send(ref, { type: "finish" });
    ends.push(await exited(ref));
  }
  expect(ends).toEqual(["at once", { shutdown: "later" }]);
});

test("while terminate runs the machine does not move: its timers are mute, and what it is told is a dead letter", async () => {
  const { runtime, clock, letters } = createKernel();
  const over = Promise.withResolvers<void>();
  const ref = await start(fromMachine(counter, { terminate: () => over.promise }), { runtime });
  const stopped = stop(ref);
  await quiet();
  clock.advance(2_000);
  send(ref, { type: "tick" });
  ref.actor.send({ type: "tick" });
  await quiet();
  expect(ref.actor.getSnapshot()).toMatchObject({ status: "active", context: { ticks: 0 } });
  over.resolve();
  await stopped;
  const tick = { message: { type: "tick" }, why: "noproc" };
  expect([letters(), clock.pending]).toEqual([[tick, tick], 0]);
});

test("the end of its parent runs terminate, that of another linked process is an event", async () => {
  const { run } = createKernel();
  const { logic, ends } = watched(true);
  let ref: Process | undefined;
  await run(async () => {
    await new Promise<void>((resolve) => {
      spawn(async () => {
        ref = await start(logic);
        link(ref);
        const target = ref;
        spawn(() => exit(target, "from a stranger"));
        await quiet();
        expect(ref?.actor.getSnapshot().context.exits).toEqual(["from a stranger"]);
        resolve();
        throw new Exit("the parent ends");
      });
    });
    expect(await exited(ref as Process)).toBe("the parent ends");
  });
  expect(ends).toEqual([{ reason: "the parent ends", value: "counting", ticks: 0 }]);
});

test("without terminate the end of its parent is an event, too: a machine may leave by itself, through states of its own", async () => {
  const world = createWorld();
  const closing = setup({ types: { events: {} as { type: "EXIT"; reason: ExitReason } } }).createMachine({
    initial: "open",
    states: {
      open: { on: { EXIT: { guard: ({ event }) => event.reason === "shutdown", target: "flushing" } } },
      flushing: { after: { 70: "closed" } },
      closed: { type: "final" },
    },
    output: () => new Exit("shutdown"),
  });
  const supervisor = await world.supervise({
    children: [{ id: "closing", logic: fromMachine(closing, { trapExit: true }), shutdownMs: 100 }],
  });
  const ref = whichChild(supervisor, "closing").ref as Process;
  const stopped = supervisor.stop();
  await quiet();
  expect([ref.alive, ref.actor.getSnapshot().value]).toEqual([true, "flushing"]);
  world.clock.advance(70);
  await stopped;
  expect([ref.exitReason, ref.actor.getSnapshot().value]).toEqual(["shutdown", "closed"]);
});

test("each incarnation of a supervised machine has its own terminate", async () => {
  const world = createWorld();
  const { logic, ends } = watched(true);
  const supervisor = await world.supervise({ children: [{ id: "counter", logic }] });
  const refs = [];
  for (const type of ["crash", "finish"]) {
    const ref = whichChild(supervisor, "counter").ref as Process;
    refs.push(ref);
    send(ref, { type: "tick" });
    send(ref, { type });
    await exited(ref);
    await quiet();
  }
  await supervisor.stop();
  expect(new Set(refs).size).toBe(2);
  expect(ends).toMatchObject([
    { reason: { message: "raised in the counter" }, ticks: 1 },
    { reason: "normal", ticks: 1 },
    { reason: "shutdown", ticks: 0 },
  ]);
});

test("what a start says of trapped exits comes before what the machine says", async () => {
  const { runtime } = createKernel();
  const { logic } = watched(true);
  expect((await start(logic, { runtime })).trapExit).toBe(true);
  expect((await start(logic, { runtime, trapExit: false })).trapExit).toBe(false);
  expect((await start(watched().logic, { runtime, trapExit: true })).trapExit).toBe(true);
});

test("to XState it is the machine as it was, with the same types", async () => {
  const { logic, ends } = watched(true);
  expectTypeOf(logic).toEqualTypeOf<typeof counter>();
  expect([logic.id, logic.config]).toEqual([counter.id, counter.config]);
  const actor = createActor(logic).start();
  actor.send({ type: "tick" });
  actor.send({ type: "finish" });
  expect(actor.getSnapshot()).toMatchObject({ status: "done", value: "finished", context: { ticks: 1 } });
  expect(ends).toEqual([]);
});

test("a machine that is provided with other implementations keeps its terminate", async () => {
  const { runtime } = createKernel();
  const ends: ExitReason[] = [];
  const machine = setup({ actions: { greet: () => undefined } }).createMachine({ entry: "greet" });
  const greeted: string[] = [];
  const logic = fromMachine(machine, { terminate: (reason) => void ends.push(reason) }).provide({
    actions: { greet: () => void greeted.push("hello") },
  });
  await stop(await start(logic, { runtime }), "asked");
  expect([greeted, ends]).toEqual([["hello"], ["asked"]]);
});

test("terminate knows the machine's states and context by type", () => {
  fromMachine(counter, {
    terminate(reason, snapshot) {
      expectTypeOf(reason).toEqualTypeOf<ExitReason>();
      expectTypeOf(snapshot.value).toEqualTypeOf<"counting" | "finished">();
      expectTypeOf(snapshot.context.ticks).toBeNumber();
    },
  });
  // @ts-expect-error: there is no such callback
  fromMachine(counter, { terminated: () => undefined });
  // @ts-expect-error: only a machine has states to end in
  expect(() => fromMachine("counter", {})).toBeTypeOf("function");
});
