/** What a machine says of its process, beside what XState knows: a last step before its end, and whether it traps exits. Source: gen_statem's terminate. */

import type { AnyStateMachine, SnapshotFrom } from "xstate";
import { invalidArgument } from "../../errors.ts";
import { checkObject } from "../process/argument.ts";
import type { ExitReason } from "../report/exit-reason.ts";
import { isLogic } from "../scheduler/xstate-adapter.ts";

/** What `fromMachine` adds to a machine. */
export interface MachineCallbacks<MachineSnapshot> {
  /**
   * Runs before an orderly end (final state, `stop`, the end of its parent) and after a crash, with the machine's last snapshot; never on "killed", nor on
   * an exit signal that is not trapped. The machine moves no more meanwhile. May be async; after a crash it has 5 s, on a shutdown the child's
   * `shutdownMs`. What it throws replaces the reason.
   */
  terminate?(reason: ExitReason, snapshot: MachineSnapshot): void | PromiseLike<void>;
  /**
   * Whether exit signals become `{ type: "EXIT", from, reason }` events from the beginning. That of its parent, a supervisor's "shutdown" say, runs
   * `terminate` instead, if there is one. Default false.
   */
  trapExit?: boolean;
}

/** Callbacks whose machine is no longer known. */
export type AnyMachineCallbacks = MachineCallbacks<unknown>;

const callbacksOf = Symbol("callbacks");

/**
 * A machine whose process ends with a step of its own: the same logic, for `start` and as a supervisor's child. Where XState alone runs it (`createActor`,
 * `invoke`) it is the machine as it was.
 * @throws CallerError "invalid_argument"
 */
export function fromMachine<Machine extends AnyStateMachine>(
  machine: Machine,
  callbacks: MachineCallbacks<SnapshotFrom<Machine>>,
): Machine {
  if (!isLogic(machine)) throw invalidArgument("machine", machine, "an XState machine");
  checkObject("callbacks", callbacks, "the callbacks of a machine");
  const provide = (implementations: Parameters<Machine["provide"]>[0]): AnyStateMachine =>
    fromMachine(machine.provide(implementations), callbacks);
  return Object.create(machine, { [callbacksOf]: { value: callbacks }, provide: { value: provide } });
}

/** What was added to a logic. */
export function machineCallbacksOf(logic: unknown): AnyMachineCallbacks | undefined {
  return (logic as { [callbacksOf]?: AnyMachineCallbacks } | undefined)?.[callbacksOf];
}
