import { expect, test } from "vitest";
import { assign, createActor, createMachine, type InspectionEvent, sendTo, setup } from "xstate";
import { exit } from "../../../src/otp/process/link.ts";
import type { Process } from "../../../src/otp/process/process.ts";
import { defaultRuntime, LocalRuntime } from "../../../src/otp/process/runtime.ts";
import { processOf } from "../../../src/otp/process/target.ts";
import { call, cast, send } from "../../../src/otp/request/call.ts";
import { stop } from "../../../src/otp/request/stop.ts";
import { fromGenServer } from "../../../src/otp/server/gen-server.ts";
import { exited, isAlive, whereis } from "../../../src/otp/start/names.ts";
import { start } from "../../../src/otp/start/start.ts";
import { createKernel, failure, quiet } from "../kernel.ts";

const server = (ends: unknown[] = []) =>
  fromGenServer({
    name: "counter",
    init: (from: number) => ({ state: { count: from, seen: [] as unknown[] } }),
    handleCall: (message: "get" | "crash", state) => {
      if (message === "crash") throw new Error("crashed in createActor");
      return { reply: state.count };
    },
    handleCast: (by: number, state) => ({ state: { ...state, count: state.count + by } }),
    handleInfo: (message, state) => ({ state: { ...state, seen: [...state.seen, message] } }),
    terminate: (reason) => void ends.push(reason),
  });

test("createActor alone makes a server: it is called, cast to and sent to by its actor, and shows its state", async () => {
  const actor = createActor(server(), { input: 5 });
  expect(actor.getSnapshot().value).toBe("initializing");
  actor.start();
  expect(await call(actor, "get")).toBe(5);
  cast(actor, 2);
  actor.send({ type: "from.xstate" });
  expect(await call(actor, "get")).toBe(7);
  expect(actor.getSnapshot()).toMatchObject({
    status: "active",
    value: "running",
    context: { state: { count: 7, seen: [{ type: "from.xstate" }] } },
  });
  await stop(actor, "done");
  expect(actor.getSnapshot()).toMatchObject({ status: "done", value: "terminated", output: "done" });
});

test("an inspector sees the definition and every state, and can write both as JSON", async () => {
  const events: InspectionEvent[] = [];
  const runtime = new LocalRuntime({ inspect: (event) => events.push(event) });
  const ref = await start(server(), { runtime, input: 1 });
  cast(ref, 1);
  await call(ref, "get");
  await stop(ref);
  const mine = events.filter(({ actorRef }) => actorRef === ref.actor);
  expect(mine[0]?.type).toBe("@xstate.actor");
  expect((ref.actor as unknown as { logic: { config: object } }).logic.config).toMatchObject({
    id: "counter",
    initial: "initializing",
    states: { terminated: { type: "final" } },
  });
  const shown = mine.flatMap((event) => (event.type === "@xstate.snapshot" ? [event.snapshot] : []));
  expect(shown.map((snapshot) => (snapshot as { value?: unknown }).value)).toContain("running");
  expect(JSON.parse(JSON.stringify(shown.at(-1)))).toMatchObject({ status: "done", context: { state: { count: 2 } } });
  const asked = mine.find((event) => event.type === "@xstate.event" && event.event.type === "$call");
  expect(JSON.parse(JSON.stringify((asked as { event: unknown }).event))).toEqual({ type: "$call", message: "get" });
});

test("a server that a machine invokes gets the machine's sendTo as plain messages, and ends with it", async () => {
  const ends: unknown[] = [];
  const before = defaultRuntime.processCount;
  const machine = setup({ actors: { server: server(ends) } }).createMachine({
    invoke: { id: "child", src: "server", input: 1 },
    on: { tell: { actions: sendTo("child", ({ event }) => ({ type: "told", what: event.what })) } },
  });
  const actor = createActor(machine).start();
  const child = processOf(actor.getSnapshot().children.child as never) as Process;
  actor.send({ type: "tell", what: 7 });
  await quiet();
  expect(child.behaviour.state()).toEqual({ count: 1, seen: [{ type: "told", what: 7 }] });
  actor.stop();
  expect(await exited(child)).toBe("shutdown");
  expect([ends, defaultRuntime.processCount]).toEqual([[], before]);
});

test("a machine that is a process may make servers while it begins: each is a process of its own", async () => {
  const { runtime } = createKernel();
  const child = server();
  const machine = setup({ actors: { child } }).createMachine({
    context: ({ spawn }) => ({ spawned: spawn("child", { id: "spawned", input: 1 }) }),
    invoke: { id: "invoked", src: "child", input: 2 },
  });
  const ref = await start(machine, { runtime });
  await quiet();
  const { children } = ref.actor.getSnapshot() as { children: Record<string, never> };
  const made = [children.spawned, children.invoked].map((actor) => processOf(actor as never) as Process);
  expect(made.map(({ behaviour }) => behaviour.state())).toMatchObject([{ count: 1 }, { count: 2 }]);
  expect(made.map(({ parent }) => parent)).toEqual([ref, ref]);
  expect(new Set([ref, ...made]).size).toBe(3);
  await stop(ref);
  expect([made.map(isAlive), runtime.processCount]).toEqual([[false, false], 0]);
});

test("the crash of a server that a machine invokes is the machine's xstate.error, with the error", async () => {
  const machine = setup({
    types: { context: {} as { error: unknown } },
    actors: { server: server() },
  }).createMachine({
    context: { error: undefined },
    invoke: {
      id: "child",
      src: "server",
      input: 1,
      onError: { actions: assign({ error: ({ event }) => event.error }) },
    },
  });
  const actor = createActor(machine).start();
  const child = actor.getSnapshot().children.child as never;
  const error = await failure(call(child, "crash" as never));
  expect(actor.getSnapshot().context.error).toBe(error.reason);
  actor.stop();
});

test("terminate runs when XState stops a server that traps exits", async () => {
  const ends: unknown[] = [];
  const logic = fromGenServer({
    init: () => ({ state: 0 }),
    trapExit: true,
    terminate: (reason) => void ends.push(reason),
  });
  const actor = createActor(logic).start();
  const ref = processOf(actor) as Process;
  actor.stop();
  expect(await exited(ref)).toBe("shutdown");
  expect(ends).toEqual(["shutdown"]);
});

test("an actor that is made and never started counts for nothing", () => {
  const before = [defaultRuntime.processCount, process.listenerCount("uncaughtException")];
  createActor(server(), { input: 1 });
  expect([defaultRuntime.processCount, process.listenerCount("uncaughtException")]).toEqual(before);
});

test("an init that fails or ignores under createActor ends the actor", async () => {
  const ignoring = createActor(fromGenServer({ init: () => ({ ignore: true }) })).start();
  expect(await exited(processOf(ignoring) as Process)).toBe("normal");
  expect(ignoring.getSnapshot().status).toBe("done");
  const failing = createActor(
    fromGenServer({
      init: async (): Promise<{ state: number }> => {
        throw new Error("raised in init under createActor");
      },
    }),
  );
  const seen = Promise.withResolvers<unknown>();
  failing.subscribe({ error: seen.resolve });
  failing.start();
  expect(await seen.promise).toMatchObject({ message: "raised in init under createActor" });
  expect(failing.getSnapshot().status).toBe("error");
});

test("asynchronous handlers run one at a time, in order, and the state passes from one to the next", async () => {
  const { runtime, clock } = createKernel();
  const order: string[] = [];
  const slow = fromGenServer({
    init: async (_input: undefined) => ({ state: [] as string[] }),
    handleCall: async (message: string, state) => {
      order.push(`begins ${message}`);
      await new Promise<void>((resolve) => void clock.setTimeout(resolve, message === "long" ? 100 : 1));
      order.push(`ends ${message}`);
      return { reply: state.length, state: [...state, message] };
    },
  });
  const ref = await start(slow, { runtime });
  const answers = ["long", "short"].map((message) => call(ref, message));
  for (let ms = 0; ms < 20; ms += 1) {
    await quiet();
    clock.advance(10);
  }
  expect(await Promise.all(answers)).toEqual([0, 1]);
  expect(order).toEqual(["begins long", "ends long", "begins short", "ends short"]);
  expect(ref.actor.getSnapshot().context).toEqual({ state: ["long", "short"] });
});

test("a thousand servers that come and go leave nothing behind", async () => {
  const { runtime, clock, run } = createKernel();
  await run(async ({ self: me }) => {
    for (let index = 0; index < 1_000; index += 1) {
      const ref = await start(server(), { input: index, name: "same" });
      const asking = failure(call(ref, "crash"));
      send(ref, "mail");
      if (index % 2 === 0) await asking;
      else exit(ref, "kill");
      await asking;
      expect(whereis("same")).toBeUndefined();
    }
    expect([me.links?.size ?? 0, me.held?.size ?? 0, me.awaitedCalls]).toEqual([0, 0, undefined]);
  });
  await quiet();
  expect([runtime.processCount, runtime.names.size, clock.pending]).toEqual([0, 0, 0]);
});

test("a machine's events reach it through its ref, calls among them", async () => {
  const { runtime } = createKernel();
  const seen: unknown[] = [];
  const machine = createMachine({ on: { "*": { actions: ({ event }) => void seen.push(event) } } });
  const ref = await start(machine, { runtime });
  send(ref, { type: "typed" });
  send(ref, "text");
  await quiet();
  expect(seen).toEqual([{ type: "typed" }, { type: "message", message: "text" }]);
  await stop(ref);
});
