/**
 * The supervisor as an XState machine: what an inspector draws. Its children are not in `snapshot.children` (XState's own child table is
 * quadratic); the effects come in through `provide`, from the {@link Supervisor} that owns the children.
 */

import { type ActorRefFrom, assign, type DoneActorEvent, type ErrorActorEvent, setup } from "xstate";
import type { ExitReason } from "./exit-reason.ts";
import type { Strategy } from "./supervisor-spec.ts";

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
  /** A child ended. `scopeId` tells one incarnation of a child from the next. */
  | { type: "child.exited"; childId: string; scopeId: number; reason: ExitReason }
  /** A resident child's first start failed for good. */
  | { type: "child.start_failed"; childId: string; scopeId: number; reason: ExitReason }
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
  actions: {
    handleExit: missing,
    handleStartFailed: missing,
    handleActorEnd: missing,
    stopChildren: missing,
  },
});

function missing(): void {
  throw new Error("supervisor machine without a supervisor: provide its actions");
}

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
    "child.exited": { actions: "handleExit" },
    "child.start_failed": { actions: "handleStartFailed" },
    "child.decided": {
      actions: assign({
        lastExit: ({ event }) => event.lastExit,
        children: ({ event }) => event.children,
        restarts: ({ event }) => event.restarts,
      }),
    },
    "xstate.error.actor.*": { actions: "handleActorEnd" },
    "xstate.done.actor.*": { actions: "handleActorEnd" },
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
      entry: "stopChildren",
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

/** The actor of a supervisor. */
export type SupervisorActor = ActorRefFrom<typeof supervisorMachine>;
