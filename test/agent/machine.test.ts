import { describe, expect, test } from "vitest";
import { createActor } from "xstate";
import { type AgentEvent, agentMachine } from "../../src/agent/machine.ts";

type State = "starting" | "ready" | "busy" | "crashed" | "restarting" | "stopping" | "stopped";
type Effect = keyof typeof effects;

const effects = {
  startWorker: true,
  stopWorker: true,
  endWorker: true,
  restartWhenGone: true,
  haltWorker: true,
  restartNow: true,
  scheduleRestart: true,
  reportCrash: true,
  serveRuns: true,
  refuseRuns: true,
  reportStopped: true,
} as const;

const events = {
  spawned: { type: "worker.spawned", pid: 7 },
  ready: { type: "worker.ready" },
  exited: { type: "worker.exited" },
  crashed: { type: "worker.exited", crash: "it fell over" },
  runStarted: { type: "run.started", runId: "r" },
  runSettled: { type: "run.settled", runId: "r" },
  supRestart: { type: "supervisor.restart", delayMs: 5 },
  halt: { type: "supervisor.halt" },
  restart: { type: "agent.restart", reason: "new code" },
  due: { type: "restart.due" },
  begun: { type: "swap.begun", incarnation: 2 },
  failed: { type: "swap.failed" },
  swapped: { type: "worker.swapped", pid: 8 },
  stop: { type: "agent.stop", reason: "shutdown" },
} as const satisfies Record<string, AgentEvent>;

type EventName = keyof typeof events;

/** How each state is reached from the beginning. */
const paths: Record<State, EventName[]> = {
  starting: [],
  ready: ["ready"],
  busy: ["ready", "runStarted"],
  crashed: ["ready", "crashed"],
  restarting: ["ready", "restart"],
  stopping: ["ready", "stop"],
  stopped: ["ready", "stop", "exited"],
};

/** Everything that happens; whatever is not listed changes nothing and does nothing. */
const transitions: Record<State, Partial<Record<EventName, [State, ...Effect[]]>>> = {
  starting: {
    spawned: ["starting"],
    ready: ["ready", "serveRuns"],
    exited: ["crashed", "reportCrash"],
    crashed: ["crashed", "reportCrash"],
    halt: ["restarting", "haltWorker"],
    restart: ["restarting", "endWorker"],
    stop: ["stopping", "refuseRuns", "stopWorker"],
  },
  ready: {
    swapped: ["ready", "serveRuns"],
    runStarted: ["busy"],
    exited: ["crashed", "reportCrash"],
    crashed: ["crashed", "reportCrash"],
    halt: ["restarting", "haltWorker"],
    restart: ["restarting", "endWorker"],
    stop: ["stopping", "refuseRuns", "stopWorker"],
  },
  busy: {
    swapped: ["ready", "serveRuns"],
    runStarted: ["busy"],
    runSettled: ["ready", "serveRuns"],
    exited: ["crashed", "reportCrash"],
    crashed: ["crashed", "reportCrash"],
    halt: ["restarting", "haltWorker"],
    restart: ["restarting", "endWorker"],
    stop: ["stopping", "refuseRuns", "stopWorker"],
  },
  crashed: {
    supRestart: ["restarting", "scheduleRestart"],
    stop: ["stopping", "refuseRuns", "stopWorker"],
  },
  restarting: {
    exited: ["restarting", "restartWhenGone"],
    crashed: ["restarting", "restartWhenGone"],
    supRestart: ["restarting", "scheduleRestart"],
    restart: ["restarting", "restartNow"],
    halt: ["restarting", "haltWorker"],
    due: ["starting", "startWorker"],
    stop: ["stopping", "refuseRuns", "stopWorker"],
  },
  stopping: {
    exited: ["stopped", "reportStopped"],
    crashed: ["stopped", "reportStopped"],
  },
  stopped: {},
};

function startAgent(path: EventName[]) {
  const done: Effect[] = [];
  const note = (effect: string) => () => void done.push(effect as Effect);
  const actions = Object.fromEntries(Object.keys(effects).map((effect) => [effect, note(effect)]));
  const actor = createActor(agentMachine.provide({ actions: actions as never }), {
    input: { agentId: "poet", incarnation: 0 },
  });
  actor.start();
  for (const name of path) actor.send(events[name]);
  return { actor, done };
}

const states = Object.keys(paths) as State[];

describe.each(states)("in state %s", (state) => {
  test.each((Object.keys(events) as EventName[]).filter((name) => state !== "stopped" || name === "due"))(
    "event %s",
    (name) => {
      const { actor, done } = startAgent(paths[state]);
      expect(actor.getSnapshot().value).toBe(state);
      done.length = 0;
      if (state !== "stopped") actor.send(events[name]);
      const [target, ...expected] = transitions[state][name] ?? [state];
      expect([actor.getSnapshot().value, done]).toEqual([target, expected]);
    },
  );
});

test("every state can be reached, and is in the definition", () => {
  expect(Object.keys(agentMachine.config.states ?? {})).toEqual(states);
  for (const state of states) expect(startAgent(paths[state]).actor.getSnapshot().value).toBe(state);
});

test("the first worker is number 1, and each start counts", () => {
  const { actor } = startAgent([]);
  expect(actor.getSnapshot().context.incarnation).toBe(1);
  for (const name of ["ready", "crashed", "supRestart", "due"] as const) actor.send(events[name]);
  expect(actor.getSnapshot().context).toMatchObject({ incarnation: 2, lastCrash: "it fell over", pid: undefined });
});

test("a restart that its caller asks for in a crash is remembered until the next worker begins", () => {
  const { actor } = startAgent(["ready", "crashed", "restart", "supRestart"]);
  expect(actor.getSnapshot().context.hurried).toBe(true);
  actor.send(events.due);
  expect(actor.getSnapshot()).toMatchObject({ value: "starting", context: { hurried: false } });
});

test("a swap makes the next worker the current one, which holds no run, and each launch has its own number", () => {
  const { actor } = startAgent(["spawned", "ready", "runStarted", "begun"]);
  expect(actor.getSnapshot()).toMatchObject({ value: "busy", context: { incarnation: 1, pid: 7, inFlight: 1 } });
  actor.send(events.swapped);
  expect(actor.getSnapshot()).toMatchObject({ value: "ready", context: { incarnation: 2, pid: 8, inFlight: 0 } });
  actor.send({ type: "swap.begun", incarnation: 3 });
  actor.send(events.failed);
  for (const name of ["crashed", "supRestart", "due"] as const) actor.send(events[name]);
  expect(actor.getSnapshot()).toMatchObject({ value: "starting", context: { incarnation: 4 } });
});

test("the next worker takes over after a crash of the current one, under its own number and without delay", () => {
  const { actor } = startAgent(["ready", "begun", "crashed", "supRestart"]);
  expect(actor.getSnapshot()).toMatchObject({ value: "restarting", context: { hurried: true, next: 2 } });
  actor.send(events.due);
  expect(actor.getSnapshot()).toMatchObject({ value: "starting", context: { incarnation: 2, next: undefined } });
});

test("busy counts its runs down to ready, and a crash forgets them", () => {
  const { actor } = startAgent(["spawned", "ready", "runStarted", "runStarted"]);
  expect(actor.getSnapshot().context).toMatchObject({ inFlight: 2, pid: 7 });
  actor.send(events.runSettled);
  expect(actor.getSnapshot()).toMatchObject({ value: "busy", context: { inFlight: 1 } });
  actor.send(events.crashed);
  expect(actor.getSnapshot().context).toMatchObject({ inFlight: 0, pid: undefined });
});

test("the reason of a stop is kept for the report", () => {
  const { actor } = startAgent(["ready", "stop"]);
  expect(actor.getSnapshot().context.reason).toBe("shutdown");
});

test("without an agent the machine says what is missing", () => {
  const actor = createActor(agentMachine, { input: { agentId: "poet", incarnation: 0 } });
  const errors: unknown[] = [];
  actor.subscribe({ error: (error) => errors.push(error) });
  actor.start();
  expect(String(errors[0])).toContain("provide its actions");
});
