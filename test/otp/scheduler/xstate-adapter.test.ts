import { describe, expect, test } from "vitest";
import {
  type AnyActorRef,
  createActor,
  createMachine,
  type EventObject,
  fromCallback,
  fromPromise,
  fromTransition,
  type InspectionEvent,
  raise,
  SimulatedClock,
  sendTo,
} from "xstate";
import {
  actorState,
  childrenOf,
  createChildActor,
  interceptEvents,
  isEvent,
  isSameState,
  parentOf,
  passEvent,
  readActorEnd,
  stopActor,
  stopChildren,
  takesEvent,
} from "../../../src/otp/scheduler/xstate-adapter.ts";

// These tests pin what XState does not promise: when one of them fails after an update, src/otp/scheduler/xstate-adapter.ts is what has to change.

/** A parent that writes down the ends of its children. */
function startParent(inspect?: (event: InspectionEvent) => void) {
  const ends: ReturnType<typeof readActorEnd>[] = [];
  const machine = createMachine({
    id: "parent",
    on: { "*": { actions: ({ event }) => void ends.push(readActorEnd(event)) } },
  });
  const parent = createActor(machine, inspect === undefined ? {} : { inspect });
  parent.start();
  return { parent, ends };
}

const light = createMachine({
  id: "light",
  initial: "red",
  states: { red: { on: { go: "green", end: "off" } }, green: {}, off: { type: "final" } },
});

async function turns(): Promise<void> {
  for (let turn = 0; turn < 5; turn += 1) await new Promise((resolve) => setImmediate(resolve));
}

test("childrenOf finds what a machine has invoked and spawned, and nothing of what has none", () => {
  const outer = createActor(createMachine({ invoke: { id: "inner", src: light } })).start();
  expect(childrenOf(outer).map(({ id }) => id)).toEqual(["inner"]);
  expect(childrenOf(createActor(fromPromise(async () => 1)))).toEqual([]);
});

describe("createChildActor", () => {
  test("makes a child that its parent's snapshot does not list, in the parent's system", () => {
    const { parent } = startParent();
    const child = createChildActor(light, parent, { id: "a" });
    child.start();
    expect(parent.getSnapshot().children).toEqual({});
    expect(parentOf(child)).toBe(parent);
    expect(parentOf(parent)).toBeUndefined();
    expect(child.system).toBe(parent.system);
    expect(child.id).toBe("a");
  });

  test("does not start it, and passes the input", () => {
    const { parent } = startParent();
    const machine = createMachine({ context: ({ input }) => ({ given: input as unknown }) });
    const child = createChildActor(machine, parent, { id: "a", input: 7 });
    expect(child.getSnapshot()).toMatchObject({ context: { given: 7 } });
    const idle = createChildActor(
      fromCallback(() => undefined),
      parent,
      { id: "b" },
    );
    expect((idle as unknown as { _processingStatus: number })._processingStatus).toBe(0);
  });

  test("tells an inspector of the child with its parent and its definition", () => {
    const seen: InspectionEvent[] = [];
    const { parent } = startParent((event) => seen.push(event));
    createChildActor(light, parent, { id: "a" }).start();
    const child = seen.find((event) => event.type === "@xstate.actor" && (event.actorRef as AnyActorRef).id === "a");
    const ref = child?.actorRef as unknown as { _parent: AnyActorRef; logic: { config: unknown } };
    expect(ref._parent).toBe(parent);
    expect(ref.logic.config).toBe(light.config);
  });
});

describe("the end of a child reaches its parent", () => {
  test("as done, with the child's id, when a machine is final", () => {
    const { parent, ends } = startParent();
    const child = createChildActor(light, parent, { id: "a" });
    child.start();
    child.send({ type: "end" });
    expect(ends).toEqual([{ actorId: "a", failed: false }]);
  });

  test("as done when a promise resolves, and as error with the error when it rejects", async () => {
    const { parent, ends } = startParent();
    const boom = new Error("the promise of this child broke");
    createChildActor(
      fromPromise(async () => 1),
      parent,
      { id: "ok" },
    ).start();
    createChildActor(
      fromPromise(async () => {
        throw boom;
      }),
      parent,
      { id: "bad" },
    ).start();
    await turns();
    expect(ends).toEqual([
      { actorId: "ok", failed: false },
      { actorId: "bad", failed: true, error: boom },
    ]);
  });

  test("as error when a callback throws on an event", () => {
    const { parent, ends } = startParent();
    const boom = new Error("the callback of this child broke");
    const logic = fromCallback(({ receive }) => {
      receive(() => {
        throw boom;
      });
    });
    const child = createChildActor(logic, parent, { id: "cb" });
    child.start();
    child.send({ type: "poke" });
    expect(ends).toEqual([{ actorId: "cb", failed: true, error: boom }]);
  });

  test("not at all when it is stopped", () => {
    const { parent, ends } = startParent();
    const child = createChildActor(light, parent, { id: "a" });
    child.start();
    stopActor(child);
    expect(ends).toEqual([]);
  });
});

describe("stopActor", () => {
  test("stops a child at once, with its cleanup, and twice does nothing more", () => {
    const { parent } = startParent();
    let cleanups = 0;
    const logic = fromCallback(() => () => {
      cleanups += 1;
    });
    const child = createChildActor(logic, parent, { id: "a" });
    child.start();
    stopActor(child);
    stopActor(child);
    expect([cleanups, child.getSnapshot().status]).toEqual([1, "stopped"]);
  });

  test("stops a root", () => {
    const { parent } = startParent();
    stopActor(parent);
    expect(parent.getSnapshot().status).toBe("stopped");
  });

  test("does nothing to an actor that has ended", () => {
    const { parent } = startParent();
    const child = createChildActor(light, parent, { id: "a" });
    child.start();
    child.send({ type: "end" });
    stopActor(child);
    expect(child.getSnapshot().status).toBe("done");
  });

  test("frees the id: a new child of the same id starts under the same parent", () => {
    const { parent, ends } = startParent();
    for (let life = 1; life <= 3; life += 1) {
      const child = createChildActor(light, parent, { id: "a" });
      child.start();
      child.send({ type: "go" });
      expect(child.getSnapshot().value).toBe("green");
      stopActor(child);
    }
    expect(ends).toEqual([]);
  });
});

test("stopping the parent leaves such children to whoever made them", () => {
  const { parent } = startParent();
  const child = createChildActor(light, parent, { id: "a" });
  child.start();
  stopActor(parent);
  expect(child.getSnapshot().status).toBe("active");
  stopActor(child);
});

test("readActorEnd reads nothing from other events", () => {
  for (const event of [{ type: "go" }, { type: "xstate.done.state.a" }, { type: "x", actorId: "a" }, {}]) {
    expect(readActorEnd(event)).toBeUndefined();
  }
});

test("actorState is a machine's state, nested as JSON, and otherwise the status", () => {
  const { parent } = startParent();
  const nested = createMachine({ initial: "a", states: { a: { initial: "b", states: { b: {} } } } });
  expect(actorState(createActor(light).start())).toBe("red");
  expect(actorState(createActor(nested).start())).toBe('{"a":"b"}');
  const callback = createChildActor(
    fromCallback(() => undefined),
    parent,
    { id: "cb" },
  );
  callback.start();
  expect(actorState(callback)).toBe("active");
  stopActor(callback);
  expect(actorState(callback)).toBe("stopped");
});

describe("interceptEvents", () => {
  test("sees what is sent, what a child sends, what is raised later and how an invoked actor ends; what it delivers is processed", async () => {
    const machine = createMachine({
      invoke: [
        { src: fromCallback(({ sendBack }) => sendBack({ type: "fromChild" })) },
        { id: "work", src: fromPromise(async () => 1) },
      ],
      entry: raise({ type: "later" }, { delay: 1 }),
      initial: "on",
      states: { on: { after: { 1: "off" } }, off: {} },
    });
    const clock = new SimulatedClock();
    const actor = createActor(machine, { clock });
    const seen: string[] = [];
    interceptEvents(actor, (event) => {
      seen.push(event.type);
      if (event.type.startsWith("xstate.after")) passEvent(actor, event);
    });
    actor.start();
    actor.send({ type: "sent" });
    await turns();
    clock.increment(1);
    expect(seen).toEqual(["fromChild", "sent", "xstate.done.actor.work", "later", "xstate.after.1.(machine).on"]);
    expect(actor.getSnapshot().value).toBe("off");
    actor.stop();
    expect(actor.getSnapshot().status).toBe("stopped");
  });

  /** An actor whose events are kept back, and what was. */
  function intercepted() {
    const kept: EventObject[] = [];
    const child = createChildActor(light, startParent().parent, { id: "a" });
    interceptEvents(child, function (this: AnyActorRef, event) {
      expect(this).toBe(child);
      kept.push(event);
    });
    child.start();
    return { child, kept };
  }

  test("takes what others send, by send, sendTo and as a child's end, and passEvent hands it in", () => {
    const { child, kept } = intercepted();
    const sender = createMachine({ entry: sendTo(child, { type: "by sendTo" }) });
    child.send({ type: "go" });
    createActor(sender).start();
    const grandchild = createChildActor(light, child, { id: "b" });
    grandchild.start();
    grandchild.send({ type: "end" });
    expect(kept.map(({ type }) => type)).toEqual(["go", "by sendTo", "xstate.done.actor.b"]);
    expect(child.getSnapshot().value).toBe("red");
    passEvent(child, kept[0] as EventObject);
    expect(child.getSnapshot().value).toBe("green");
  });

  test("does not keep XState from stopping the actor, which gets no event any more", () => {
    const { child, kept } = intercepted();
    stopActor(child);
    expect([child.getSnapshot().status, kept]).toEqual(["stopped", []]);
  });

  test("is what keeps XState's queue from standing still for good after an event that throws when it is asked for its type", () => {
    const { parent } = startParent();
    const counter = createChildActor(
      fromTransition((count: number) => count + 1, 0),
      parent,
      { id: "a" },
    );
    counter.start();
    expect(() => counter.send(undefined as never)).toThrow();
    counter.send({ type: "go" });
    expect(counter.getSnapshot().context).toBe(1);
  });
});

test("stopChildren stops the children that a machine leaves behind when it throws; an actor without children has none", () => {
  const stopped: string[] = [];
  const machine = createMachine({
    invoke: { src: fromCallback(() => () => void stopped.push("child")) },
    on: {
      crash: {
        actions: () => {
          throw new Error("raised beside a child");
        },
      },
    },
  });
  const actor = createActor(machine);
  actor.subscribe({ error: () => undefined });
  actor.start();
  actor.send({ type: "crash" });
  expect([actor.getSnapshot().status, stopped]).toEqual(["error", []]);
  stopChildren(actor);
  expect(stopped).toEqual(["child"]);
  const promise = createActor(fromPromise(async () => 1));
  expect(() => stopChildren(promise)).not.toThrow();
});

test("takesEvent tells whether a machine has a transition for an event; an ignored event has one", () => {
  let broken = false;
  const machine = createMachine({
    on: {
      acts: { actions: () => undefined },
      ignored: {},
      guarded: { guard: () => false },
      odd: {
        guard: () => {
          if (broken) throw new Error("a guard that throws the second time");
          return false;
        },
      },
    },
  });
  const snapshot = createActor(machine).getSnapshot();
  const takes = (type: string) => takesEvent(snapshot, { type });
  expect(["acts", "ignored", "guarded", "odd", "unknown"].map(takes)).toEqual([true, true, false, false, false]);
  broken = true;
  expect(takes("odd")).toBeUndefined();
  expect(takesEvent(createActor(fromPromise(async () => 1)).getSnapshot(), { type: "x" })).toBeUndefined();
});

test("isSameState compares states as nested as they are", () => {
  const one = { left: { a: "b" }, right: "c" };
  expect(isSameState(one, { left: { a: "b" }, right: "c" })).toBe(true);
  for (const other of [
    { left: { a: "d" }, right: "c" },
    { left: { a: "b" } },
    { left: "a", right: "c" },
    "left",
    undefined,
    null,
  ]) {
    expect([isSameState(one, other), isSameState(other, one)]).toEqual([false, false]);
  }
  expect([isSameState("a", "a"), isSameState("a", "b"), isSameState(undefined, undefined)]).toEqual([
    true,
    false,
    true,
  ]);
});

test("an event holds its type as plain text, and none that XState has a use for", () => {
  for (const message of [{ type: "go" }, { type: "" }, { type: "xstate" }, Object.freeze({ type: "$call" })]) {
    expect(isEvent(message)).toBe(true);
  }
  const getter = Object.defineProperty({}, "type", { get: () => "go" });
  const none = [
    "go",
    null,
    {},
    { type: 7 },
    { type: "*" },
    { type: "xstate.stop" },
    getter,
    new Proxy({ type: "go" }, {}),
  ];
  for (const message of none) expect(isEvent(message)).toBe(false);
});
