/** Events that come too early: they wait for another state. Source: gen_statem's postpone. */

import type { AnyActorRef, EventObject } from "xstate";
import { CallerError } from "../../errors.ts";
import { checkObject } from "../process/argument.ts";
import { processOf } from "../process/target.ts";
import { logicOf } from "../scheduler/xstate-adapter.ts";
import { ActorBehaviour } from "./actor-behaviour.ts";

/**
 * An action of a machine that is a process: the event is not for this state, and comes again when the state has changed, in the order of arrival and before
 * all newer messages. Only a change of the state's value counts, neither one of the context nor a transition to the same state. What waits counts
 * for the mailbox's limit; a call's caller goes on waiting.
 * @throws CallerError "invalid_argument" in a machine that is no process, and for the event that begins a machine
 */
export function postpone(action: { readonly event: EventObject; readonly self: AnyActorRef }): void {
  const rule = "what XState tells an action: write `actions: postpone`";
  checkObject("action", action, rule);
  const { event, self } = action;
  checkObject("action.self", self, rule);
  const behaviour = processOf(self)?.behaviour;
  if (!(behaviour instanceof ActorBehaviour)) {
    throw misplaced(self, "it is no process: start it with `start` or as a supervisor's child");
  }
  if (event.type === "xstate.init") throw misplaced(self, "the event that begins a machine cannot come again");
  behaviour.postpone(event);
}

function misplaced(self: AnyActorRef, why: string): CallerError {
  const { id = self.id } = logicOf(self) as { id?: string };
  const rule = "an action of a machine that is a process, not in the entry of its first state";
  return new CallerError("invalid_argument", `postpone in "${id}": ${why}`, { field: "postpone", value: id, rule });
}
