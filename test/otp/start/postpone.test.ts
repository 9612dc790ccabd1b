import { expect, test } from "vitest";
import { assign, createActor, createMachine, enqueueActions, fromCallback, fromPromise, raise, setup } from "xstate";
import type { Process } from "../../../src/otp/process/process.ts";
import { processInfo } from "../../../src/otp/process/process-info.ts";
import { call, reply, send } from "../../../src/otp/request/call.ts";
import type { CallEvent } from "../../../src/otp/request/machine-event.ts";
import { stop } from "../../../src/otp/request/stop.ts";
import { exited } from "../../../src/otp/start/names.ts";
import { postpone } from "../../../src/otp/start/postpone.ts";
import { type StartOptions, start } from "../../../src/otp/start/start.ts";
import { whichChild } from "../../../src/otp/supervisor/start.ts";
import { createKernel, failure, quiet } from "../kernel.ts";
import { createWorld, quiet as settled } from "../scripted.ts";

type Event = { type: "work"; n: number } | { type: "ready" | "busy" | "poke" } | CallEvent<"sum", number>;

/** Works only when it is ready; what comes earlier waits. */
const worker = setup({
  types: { context: {} as { done: number[]; pokes: number }, events: {} as Event },
  actions: { postpone },
}).createMachine({
  context: { done: [], pokes: 0 },
  initial: "busy",
  states: {
    busy: {
      on: {
        work: { actions: "postpone" },
        $call: { actions: postpone },
        poke: { actions: assign({ pokes: ({ context }) => context.pokes + 1 }) },
        busy: { target: "busy", reenter: true },
        ready: "ready",
      },
    },
    ready: {
      on: {
        work: { actions: assign({ done: ({ context, event }) => [...context.done, event.n] }) },
        $call: {
          actions: ({ context, event }) =>
            reply(
              event.from,
              context.done.reduce((sum, n) => sum + n, 0),
            ),
        },
        busy: "busy",
      },
    },
  },
});

const work = (...numbers: number[]) => numbers.map((n) => ({ type: "work", n }));
const tell = (ref: Process, ...events: unknown[]) => {
  for (const event of events) send(ref, event);
};
const contextOf = (ref: Process) => ref.actor.getSnapshot().context as { done: number[]; pokes: number };

async function startWorker(options: StartOptions = {}) {
  const kernel = createKernel();
  return { ...kernel, ref: await start(worker, { ...options, runtime: kernel.runtime }) };
}

test("postponed events come again after the next change of state, in their order, before newer messages", async () => {
  const { ref } = await startWorker();
  tell(ref, ...work(1, 2), { type: "poke" }, ...work(3), { type: "ready" }, ...work(4, 5));
  await quiet();
  expect(contextOf(ref)).toEqual({ done: [1, 2, 3, 4, 5], pokes: 1 });
});

test("neither a change of the context nor a transition to the same state brings them back", async () => {
  const { ref } = await startWorker();
  const handled: unknown[] = [];
  tell(ref, ...work(1), { type: "poke" }, { type: "busy" });
  await quiet();
  expect(contextOf(ref)).toEqual({ done: [], pokes: 1 });
  handled.push(processInfo(ref)?.handled);
  tell(ref, { type: "ready" });
  await quiet();
  handled.push(processInfo(ref)?.handled);
  expect([handled, contextOf(ref).done]).toEqual([[3, 5], [1]]);
});

test("a postponed call keeps its caller waiting until another state answers it", async () => {
  const { ref } = await startWorker();
  const sum = call(ref, "sum");
  tell(ref, ...work(2, 3));
  await quiet();
  expect(contextOf(ref).done).toEqual([]);
  tell(ref, { type: "ready" });
  const after = call(ref, "sum");
  expect([await sum, await after]).toEqual([0, 5]);
});

test("a postponed call whose caller has given up is handled all the same: its reply is a dead letter", async () => {
  const { ref, clock, letters } = await startWorker();
  const sum = failure(call(ref, "sum"));
  await quiet();
  clock.advance(5_000);
  expect(await sum).toMatchObject({ code: "timeout" });
  tell(ref, { type: "ready" });
  await quiet();
  expect(letters()).toEqual([{ message: 0, why: "late" }]);
});

test("an event may be postponed again and again: each state brings all of them back, the oldest first", async () => {
  const { runtime } = createKernel();
  const seen: string[] = [];
  const note = ({ context, event }: { context: { at: string }; event: { type: string } }) =>
    void seen.push(`${event.type} in ${context.at}`);
  const steps = setup({ types: { context: {} as { at: string } } }).createMachine({
    context: { at: "one" },
    initial: "one",
    on: { "*": { actions: [note, postpone] } },
    states: {
      one: { on: { next: "two" } },
      two: { entry: assign({ at: "two" }), on: { a: { target: "three", actions: note } } },
      three: { entry: assign({ at: "three" }), on: { b: { actions: note }, c: { actions: note } } },
    },
  });
  const ref = await start(steps, { runtime });
  tell(ref, { type: "b" }, { type: "a" }, { type: "next" }, { type: "c" });
  await quiet();
  expect(seen).toEqual(["b in one", "a in one", "b in two", "a in two", "b in three", "c in three"]);
});

test("an event that is postponed by a transition to another state comes again there at once", async () => {
  const { runtime } = createKernel();
  const seen: string[] = [];
  const door = createMachine({
    initial: "closed",
    states: {
      closed: { on: { enter: { target: "open", actions: postpone } } },
      open: { on: { "*": { actions: ({ event }) => void seen.push(event.type) } } },
    },
  });
  const ref = await start(door, { runtime });
  tell(ref, { type: "enter" }, { type: "later" });
  await quiet();
  expect(seen).toEqual(["enter", "later"]);
});

test("a timer and an invoked actor that change the state bring postponed messages back, too", async () => {
  const { runtime, clock } = createKernel();
  const seen: unknown[] = [];
  const see = ({ event }: { event: unknown }) => void seen.push(event);
  const slow = createMachine({
    initial: "waiting",
    states: {
      waiting: { after: { 100: "invoking" }, on: { "*": { actions: postpone } } },
      invoking: {
        invoke: {
          src: fromCallback(({ sendBack, receive }) => receive(() => sendBack({ type: "back" }))),
          id: "child",
        },
        on: {
          back: "over",
          first: { actions: [see, ({ self }) => self.getSnapshot().children.child?.send({ type: "go" })] },
          "*": { actions: postpone },
        },
      },
      over: { on: { "*": { actions: see } } },
    },
  });
  const ref = await start(slow, { runtime });
  tell(ref, { type: "first" }, "text");
  await quiet();
  expect(seen).toEqual([]);
  clock.advance(100);
  await quiet();
  expect(seen).toEqual([{ type: "first" }, { type: "message", message: "text" }]);
});

test("events that were no messages can be postponed: those a machine raises, and those of its children", async () => {
  const { runtime } = createKernel();
  const seen: string[] = [];
  const machine = createMachine({
    invoke: { src: fromCallback(({ sendBack }) => sendBack({ type: "fromChild" })) },
    initial: "early",
    states: {
      early: {
        on: {
          go: { actions: raise({ type: "raised" }) },
          raised: { actions: postpone },
          fromChild: { actions: postpone },
          next: "late",
        },
      },
      late: { on: { "*": { actions: ({ event }) => void seen.push(event.type) } } },
    },
  });
  const ref = await start(machine, { runtime });
  tell(ref, { type: "go" }, { type: "next" });
  await quiet();
  expect(seen).toEqual(["fromChild", "raised"]);
});

test("XState's own events can be postponed: they come again as they were, and are nobody's letters", async () => {
  const { runtime, letters } = createKernel();
  const machine = createMachine({
    invoke: { id: "work", src: fromPromise(async () => 42) },
    context: { result: undefined as unknown },
    initial: "early",
    states: {
      early: { on: { "xstate.done.actor.work": { actions: postpone }, next: "late" } },
      late: { on: { "xstate.done.actor.work": { actions: assign({ result: ({ event }) => event.output }) } } },
    },
  });
  const [early, late] = [await start(machine, { runtime }), await start(machine, { runtime })];
  await quiet();
  tell(late, { type: "next" });
  await quiet();
  expect([late.actor.getSnapshot().context, early.queueLength, late.queueLength]).toEqual([{ result: 42 }, 1, 0]);
  await stop(early);
  expect(letters()).toEqual([]);
});

test("the same object sent twice is two events", async () => {
  const { ref } = await startWorker();
  const again = { type: "work", n: 7 };
  tell(ref, again, again, { type: "ready" });
  await quiet();
  expect(contextOf(ref).done).toEqual([7, 7]);
});

test("two regions that postpone the same event get it once, and a region's change is a change of state", async () => {
  const { runtime } = createKernel();
  const seen: string[] = [];
  const region = (name: string) => ({
    initial: "early",
    states: {
      early: { on: { work: { actions: enqueueActions(({ enqueue }) => enqueue(postpone)) }, next: "late" } },
      late: { on: { work: { actions: () => void seen.push(name) } } },
    },
  });
  const machine = createMachine({ type: "parallel", states: { left: region("left"), right: region("right") } });
  const ref = await start(machine, { runtime });
  tell(ref, { type: "work" });
  await quiet();
  expect(ref.queueLength).toBe(1);
  tell(ref, { type: "next" });
  await quiet();
  expect(seen).toEqual(["left", "right"]);
});

test("what is postponed counts for the mailbox's limit, and what is too much goes as the limit says", async () => {
  const newest = await startWorker({ mailbox: { maxMessages: 2 } });
  const call1 = failure(call(newest.ref, "sum"));
  tell(newest.ref, ...work(1));
  await quiet();
  tell(newest.ref, ...work(2));
  await quiet();
  expect([newest.ref.queueLength, newest.letters()]).toEqual([2, [{ message: { type: "work", n: 2 }, why: "full" }]]);
  await stop(newest.ref);
  await call1;

  const oldest = await startWorker({ mailbox: { maxMessages: 2, whenFull: "drop_oldest" } });
  const call2 = failure(call(oldest.ref, "sum"));
  tell(oldest.ref, ...work(1));
  await quiet();
  tell(oldest.ref, ...work(2));
  expect(await call2).toMatchObject({ code: "exited", reason: "refused" });
  await stop(oldest.ref);
});

test("at the end of the process postponed messages are dead letters, and callers learn of the end", async () => {
  const { ref, letters } = await startWorker();
  const sum = failure(call(ref, "sum"));
  tell(ref, ...work(1));
  await quiet();
  await stop(ref, "shutdown");
  expect(await sum).toMatchObject({ code: "exited", reason: "shutdown" });
  expect(letters()).toEqual([{ message: { type: "work", n: 1 }, why: "noproc" }]);
});

test("an incarnation that a supervisor starts anew begins with nothing postponed", async () => {
  const world = createWorld();
  const supervisor = await world.supervise({ children: [{ id: "worker", logic: worker }] });
  const first = whichChild(supervisor, "worker").ref as Process;
  tell(first, ...work(1));
  await settled();
  first.crash(new Error("crashed with something postponed"));
  await exited(first);
  await settled();
  const second = whichChild(supervisor, "worker").ref as Process;
  tell(second, { type: "ready" }, ...work(2));
  await settled();
  expect([second === first, contextOf(second).done]).toEqual([false, [2]]);
  await supervisor.stop();
});

test("postpone is an error in a machine that is no process, and for the event that begins one", async () => {
  const { runtime } = createKernel();
  const lonely = createActor(createMachine({ id: "lonely", on: { x: { actions: postpone } } }));
  const error = new Promise((resolve) => lonely.subscribe({ error: resolve }));
  lonely.start();
  lonely.send({ type: "x" });
  expect(await error).toMatchObject({ code: "invalid_argument", message: expect.stringContaining('"lonely"') });
  expect(await failure(start(createMachine({ id: "hasty", entry: postpone }), { runtime }))).toMatchObject({
    code: "start_failed",
    reason: { code: "invalid_argument", field: "postpone" },
  });
});
