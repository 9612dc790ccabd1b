/**
 * The life of one agent as an XState machine. It does no I/O: workers, runs and reports come in as actions, through `provide`.
 * The agent outlives its workers; each worker is one incarnation.
 */

import { type ActorRefFrom, assign, setup } from "xstate";

/** Every state of an agent. */
export const agentStates = ["starting", "ready", "busy", "crashed", "restarting", "stopping", "stopped"] as const;

/** The states of an agent. */
export type AgentState = (typeof agentStates)[number];

/** What an inspector sees of an agent beside its state. */
export interface AgentContext {
  agentId: string;
  /** Number of the current or last worker; 0 before the first. */
  incarnation: number;
  /** Number of the worker that was launched last. */
  launched: number;
  /** Number of the worker that is to take the current one's place, while there is one. */
  next: number | undefined;
  /** Process id of the current worker. */
  pid: number | undefined;
  /** Runs that the worker holds. */
  inFlight: number;
  /** The last crash, in one sentence. */
  lastCrash: string | undefined;
  /** Whether the agent ends when its worker is gone, and why. */
  reason: string | undefined;
  /** Whether its caller wants the next worker now, whatever delay its supervisor decides on. */
  hurried: boolean;
  /** Whether the event loop of the worker answers, as far as is known. */
  loopAnswers: boolean;
}

/** What happens to an agent. */
export type AgentEvent =
  | { type: "worker.spawned"; pid: number | undefined }
  | { type: "worker.ready" }
  /** A worker has been launched that is to take the current one's place when it is ready. */
  | { type: "swap.begun"; incarnation: number }
  /** It is gone instead. */
  | { type: "swap.failed" }
  /** It has taken the place: the one before finishes its runs and is no concern of the agent's state. */
  | { type: "worker.swapped"; pid: number | undefined }
  /** The worker's process is gone. `crash` is set when nobody had asked for it. */
  | { type: "worker.exited"; crash?: string }
  | { type: "run.started"; runId: string }
  | { type: "run.settled"; runId: string }
  /** It is not known whether the worker's event loop answers. */
  | { type: "loop.silent" }
  | { type: "loop.answers" }
  /** The supervisor's answer to a crash. */
  | { type: "supervisor.restart"; delayMs: number }
  /** The supervisor ends the worker but keeps the agent (a sibling's restart). */
  | { type: "supervisor.halt" }
  /** The agent's caller wants a fresh worker. */
  | { type: "agent.restart"; reason: string }
  /** The delay of a restart has passed. `launched` is the number of the agent's last worker, where other instances launch some too. */
  | { type: "restart.due"; launched?: number }
  | { type: "agent.stop"; reason: string };

const definition = setup({
  types: {
    context: {} as AgentContext,
    events: {} as AgentEvent,
    input: {} as { agentId: string; incarnation: number },
  },
  actions: {
    /** Launches the worker of `context.incarnation`. */
    startWorker: missing,
    /** Asks the worker to finish its runs and end; without a worker, "worker.exited" follows at once. */
    stopWorker: missing,
    /** The same for a restart; without a worker, what "restartWhenGone" does follows at once. */
    endWorker: missing,
    /** The worker that was ended is gone: "restart.due" follows, or after a halt the supervisor is told and answers. */
    restartWhenGone: missing,
    /** Ends the worker, or takes back a restart that has not begun: the supervisor is told when nothing runs, and answers. */
    haltWorker: missing,
    /** Cuts a restart's delay short. */
    restartNow: missing,
    /** Sends "restart.due" after `event.delayMs`. */
    scheduleRestart: missing,
    /** Tells the supervisor that the worker is gone. */
    reportCrash: missing,
    /** Hands waiting runs to the worker. */
    serveRuns: missing,
    /** Rejects the runs that wait. */
    refuseRuns: missing,
    /** The agent has ended: rejects what still waits and tells the supervisor. */
    reportStopped: missing,
    countIncarnation: assign(({ context, event }) => {
      const launched = (event.type === "restart.due" ? event.launched : undefined) ?? 0;
      const incarnation = context.next ?? Math.max(launched, context.launched) + 1;
      return {
        incarnation,
        launched: incarnation,
        next: undefined,
        pid: undefined,
        inFlight: 0,
        hurried: false,
        loopAnswers: true,
      };
    }),
    hurry: assign({ hurried: true }),
    noteNext: assign(({ event }) =>
      event.type === "swap.begun" ? { launched: event.incarnation, next: event.incarnation } : {},
    ),
    forgetNext: assign({ next: undefined }),
    noteSwap: assign(({ event, context }) => ({
      incarnation: context.next ?? context.incarnation,
      next: undefined,
      pid: event.type === "worker.swapped" ? event.pid : undefined,
      inFlight: 0,
      loopAnswers: true,
    })),
    forgetWorker: assign({ pid: undefined, inFlight: 0 }),
    noteCrash: assign(({ event, context }) => ({
      pid: undefined,
      inFlight: 0,
      // Who has asked for the next worker wants it now.
      hurried: context.hurried || context.next !== undefined,
      lastCrash: event.type === "worker.exited" ? (event.crash ?? context.lastCrash) : context.lastCrash,
    })),
    noteReason: assign({ reason: ({ event }) => (event.type === "agent.stop" ? event.reason : undefined) }),
    countRun: assign({ inFlight: ({ context }) => context.inFlight + 1 }),
    noteSilence: assign({ loopAnswers: false }),
    noteAnswer: assign({ loopAnswers: true }),
    uncountRun: assign({ inFlight: ({ context }) => Math.max(0, context.inFlight - 1) }),
  },
  guards: {
    lastRun: ({ context }) => context.inFlight <= 1 && context.loopAnswers,
    idle: ({ context }) => context.inFlight === 0,
  },
});

function missing(): void {
  throw new Error("agent machine without an agent: provide its actions");
}

/** The machine. */
export const agentMachine = definition.createMachine({
  id: "agent",
  context: ({ input }) => ({
    agentId: input.agentId,
    incarnation: input.incarnation,
    launched: input.incarnation,
    next: undefined,
    pid: undefined,
    inFlight: 0,
    lastCrash: undefined,
    reason: undefined,
    hurried: false,
    loopAnswers: true,
  }),
  initial: "starting",
  on: {
    "swap.begun": { actions: "noteNext" },
    "swap.failed": { actions: "forgetNext" },
  },
  states: {
    /** A worker has been launched and is not ready; runs wait. Ends with its ready line or its exit. */
    starting: {
      entry: ["countIncarnation", "startWorker"],
      on: {
        "worker.spawned": { actions: assign({ pid: ({ event }) => event.pid }) },
        "worker.ready": "ready",
        "worker.exited": "crashed",
        "agent.stop": "stopping",
        "agent.restart": { target: "restarting", actions: "endWorker" },
        "supervisor.halt": { target: "restarting", actions: "haltWorker" },
      },
    },
    /**
     * The worker is ready: its event loop answers, and it holds no run. Ends with a run, silence of its loop, a stop, a restart or its exit; at a swap another
     * worker takes its place.
     */
    ready: {
      entry: "serveRuns",
      on: {
        "loop.silent": { target: "busy", actions: "noteSilence" },
        "run.started": { target: "busy", actions: "countRun" },
        "worker.swapped": { target: "ready", reenter: true, actions: "noteSwap" },
        "worker.exited": "crashed",
        "agent.stop": "stopping",
        "agent.restart": { target: "restarting", actions: "endWorker" },
        "supervisor.halt": { target: "restarting", actions: "haltWorker" },
      },
    },
    /**
     * The worker holds at least one run, or its event loop does not answer. Ends when the last run is settled and the loop answers, at a swap, with a stop,
     * a restart or its exit.
     */
    busy: {
      on: {
        "loop.silent": { actions: "noteSilence" },
        "loop.answers": [
          { guard: "idle", target: "ready", actions: "noteAnswer" },
          { actions: ["noteAnswer", "serveRuns"] },
        ],
        "run.started": { actions: "countRun" },
        "worker.swapped": { target: "ready", actions: "noteSwap" },
        "run.settled": [{ guard: "lastRun", target: "ready", actions: "uncountRun" }, { actions: "uncountRun" }],
        "worker.exited": "crashed",
        "agent.stop": "stopping",
        "agent.restart": { target: "restarting", actions: "endWorker" },
        "supervisor.halt": { target: "restarting", actions: "haltWorker" },
      },
    },
    /** The worker is gone and the supervisor has been told; its answer ends this state. Runs wait. */
    crashed: {
      entry: ["noteCrash", "reportCrash"],
      on: {
        "supervisor.restart": { target: "restarting", actions: "scheduleRestart" },
        "agent.restart": { actions: "hurry" },
        "agent.stop": "stopping",
      },
    },
    /** A fresh worker is wanted; ends when the old one is gone and any delay has passed. Runs wait. */
    restarting: {
      on: {
        "run.settled": { actions: "uncountRun" },
        "worker.exited": { actions: ["forgetWorker", "restartWhenGone"] },
        "supervisor.restart": { actions: "scheduleRestart" },
        "agent.restart": { actions: "restartNow" },
        "supervisor.halt": { actions: "haltWorker" },
        "restart.due": "starting",
        "agent.stop": "stopping",
      },
    },
    /** The worker finishes its runs; ends with its exit. No run is accepted. */
    stopping: {
      entry: ["noteReason", "refuseRuns", "stopWorker"],
      on: {
        "run.settled": { actions: "uncountRun" },
        "worker.exited": { target: "stopped", actions: "forgetWorker" },
      },
    },
    /** The agent has ended. */
    stopped: { type: "final", entry: "reportStopped" },
  },
});

/** The actor of an agent. */
export type AgentActor = ActorRefFrom<typeof agentMachine>;
