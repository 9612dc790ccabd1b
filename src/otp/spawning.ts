/** How a process and the XState actor that represents it find each other while both are being made. */

import { type Behaviour, Process } from "./process.ts";
import { bindActor, contextRuntime } from "./target.ts";

let spawning: Process | undefined;

/** Makes an actor for a process: logic that is a behaviour of its own claims the process meanwhile. */
export function spawnFor<T>(process: Process, make: () => T): T {
  const outer = spawning;
  spawning = process;
  try {
    return make();
  } finally {
    spawning = outer;
  }
}

/** The process that a behaviour runs in: the one being started, or one of its own when XState made the actor by itself. */
export function adoptProcess(behaviour: Behaviour, label: string): Process {
  const process = spawning ?? new Process(contextRuntime(), undefined, label);
  if (spawning === undefined) process.standalone = true;
  process.label = label;
  process.behaviour = behaviour;
  bindActor(behaviour.actor, process);
  spawning = undefined;
  return process;
}
