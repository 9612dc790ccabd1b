/** How a process and the XState actor that represents it find each other while both are being made. */

import type { AnyActor, AnyActorLogic, AnyActorRef } from "xstate";
import type { Behaviour } from "../process/behaviour.ts";
import { currentProcess, runAs } from "../process/current.ts";
import { LocalProcess } from "../process/local-process.ts";
import { bindActor, contextRuntime } from "../process/target.ts";
import { exitReasonOf } from "../report/exit-reason.ts";
import { createChildActor, logicOf } from "../scheduler/xstate-adapter.ts";

let spawning: { readonly process: LocalProcess; readonly logic: AnyActorLogic } | undefined;

/** Makes the actor of a process under a parent: logic that is a behaviour of its own claims the process meanwhile. */
export function spawnActor(
  process: LocalProcess,
  logic: AnyActorLogic,
  parent: AnyActorRef,
  options: { id: string; input?: unknown },
): AnyActor {
  const outer = spawning;
  spawning = { process, logic };
  try {
    return createChildActor(logic, parent, options);
  } finally {
    spawning = outer;
  }
}

/** The process that a behaviour runs in: the one being started, or one of its own when XState made the actor by itself. */
export function adoptProcess(behaviour: Behaviour, name: string): LocalProcess {
  const label = labelOf(name, "process");
  // A machine that is being started may make servers of its own: those are not the process that is being started.
  const meant = spawning !== undefined && spawning.logic === logicOf(behaviour.actor) ? spawning.process : undefined;
  const process = meant ?? parkedProcess(label);
  if (meant !== undefined) spawning = undefined;
  process.label = label;
  process.behaviour = behaviour;
  bindActor(behaviour.actor, process);
  return process;
}

/** What reports call a process: what its logic says, unless that is no text. */
export function labelOf(said: unknown, otherwise: string): string {
  return typeof said === "string" && said !== "" ? said : otherwise;
}

/** Leaves a process uncounted until its actor is started: XState makes actors that never are. */
function parkedProcess(label: string): LocalProcess {
  const process = new LocalProcess(contextRuntime(), currentProcess(), label);
  process.standalone = true;
  process.uncount();
  return process;
}

/** Begins a process that XState made by itself, with its actor; a failed init ends it. */
export function beginStandalone(process: LocalProcess): void {
  if (!process.standalone) return;
  process.standalone = false;
  process.count();
  let begun: void | Promise<void>;
  try {
    begun = runAs(process, () => process.behaviour.begin(), undefined);
  } catch (error) {
    process.fail(exitReasonOf(error));
    return;
  }
  if (begun === undefined) {
    process.started();
    return;
  }
  begun.then(
    () => process.started(),
    (error: unknown) => process.fail(exitReasonOf(error)),
  );
}
