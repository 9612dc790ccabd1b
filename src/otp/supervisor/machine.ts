/**
 * The supervisor as an XState machine: what an inspector draws. Its children are not in `snapshot.children` (XState's own child table is
 * quadratic): the supervisor that owns them tells the machine what happens.
 */

import {
  type ActorRefFrom,
  assign,
  type DoneActorEvent,
  type ErrorActorEvent,
  type EventObject,
  type SnapshotFrom,
  setup,
} from "xstate";
import type { ExitReason } from "../report/exit-reason.ts";
import { heldType, heldValue } from "../scheduler/held-value.ts";
import { readActorEnd } from "../scheduler/xstate-adapter.ts";
import type { Strategy } from "./spec.ts";

/** What an inspector sees of a supervisor beside its state. */
export interface SupervisorContext {
  id: string;
  strategy: Strategy;
  /** Specifications it keeps, running or not. */
  children: number;
  /** Restarts so far. */
  restarts: number;
  /** The last exit that the policy decided on. */
  lastExit: { childId: string; reason: string; decision: string; because: string } | undefined;
  /** Why the supervisor stops or has stopped. */
  reason: ExitReason | undefined;
}

/** What happens to a supervisor. */
export type SupervisorEvent =
  /** A child ended. */
  | { type: "child.exited"; childId: string; reason: ExitReason }
  /** A resident child's first start failed for good. */
  | { type: "child.start_failed"; childId: string; reason: ExitReason }
  | { type: "child.decided"; lastExit: SupervisorContext["lastExit"]; children: number; restarts: number }
  | { type: "supervisor.started"; children: number }
  | { type: "supervisor.stop"; reason: ExitReason }
  | { type: "supervisor.stopped" }
  | DoneActorEvent
  | ErrorActorEvent;

const machine = setup({
  types: {
    context: {} as SupervisorContext,
    events: {} as SupervisorEvent,
    input: {} as { id: string; strategy: Strategy },
    output: {} as { reason: ExitReason },
  },
});

/** The machine. */
export const supervisorMachine = machine.createMachine({
  id: "supervisor",
  context: ({ input }) => ({
    id: input.id,
    strategy: input.strategy,
    children: 0,
    restarts: 0,
    lastExit: undefined,
    reason: undefined,
  }),
  initial: "starting",
  on: {
    // What these change is in the context alone: see `supervisorLogic`.
    "child.exited": {},
    "child.start_failed": {},
    "child.decided": {},
    // A child's end is told by its process; without these the machine would end with the first child that crashes.
    "xstate.error.actor.*": {},
    "xstate.done.actor.*": {},
    "supervisor.stop": {
      target: ".stopping",
      actions: assign({ reason: ({ event }) => event.reason }),
    },
  },
  states: {
    /** The children are being started in order; a failure stops those that run. */
    starting: {
      on: { "supervisor.started": { target: "running", actions: assign({ children: ({ event }) => event.children }) } },
    },
    /** Exits are decided and carried out one at a time; ends when it is asked to stop or gives up. */
    running: {},
    /** The children are stopped in reverse start order; ends when the last one is gone. */
    stopping: {
      on: {
        "supervisor.stop": {},
        "supervisor.stopped": { target: "stopped", actions: assign({ children: 0 }) },
      },
    },
    /** No child runs. */
    stopped: { type: "final" },
  },
  output: ({ context }) => ({ reason: context.reason ?? "normal" }),
});

/**
 * What the actor of a supervisor runs: the machine, except that events which change no state go past its interpreter. The end of a child is three
 * of them, and they would cost more than the restart itself (measured by test/bench-otp).
 */
export const supervisorLogic: typeof supervisorMachine = Object.create(supervisorMachine, {
  transition: {
    value(snapshot: Shown, event: SupervisorEvent, scope: Parameters<typeof supervisorMachine.transition>[2]): Shown {
      switch (event.type) {
        case "child.exited":
        case "child.start_failed":
          return snapshot;
        case "child.decided": {
          const { lastExit, children, restarts } = event;
          return { ...snapshot, context: { ...snapshot.context, lastExit, children, restarts } };
        }
        default:
          return readActorEnd(event) === undefined ? supervisorMachine.transition(snapshot, event, scope) : snapshot;
      }
    },
  },
});

type Shown = SnapshotFrom<typeof supervisorMachine>;

/** The actor of a supervisor. */
export type SupervisorActor = ActorRefFrom<typeof supervisorMachine>;

const own = Symbol("own");

/** Tells the machine what happens. */
export function tellMachine(actor: SupervisorActor, event: SupervisorEvent & { [own]?: true }): void {
  event[own] = true;
  actor.send(event);
}

/** Whether the supervisor has told the machine of an event, or a child's actor of its end; what others send to the actor is a message to the supervisor. */
export function isToldToMachine(event: EventObject): boolean {
  return heldValue(event, own) === true || (heldType(event) !== undefined && readActorEnd(event) !== undefined);
}
