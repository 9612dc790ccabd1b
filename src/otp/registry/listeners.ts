/** Who is told of what happens in a registry. */

import type { Process, Runtime } from "../process/process.ts";
import { describeTarget, resolveTarget, type Target } from "../process/target.ts";

/** Sends a message to each listener; to a name that nobody has at the time it is a dead letter. Never throws: others wait to be told, or given back. */
export function tellListeners(listeners: readonly Target[], message: object, runtime: Runtime): void {
  for (const listener of listeners) {
    const process = find(listener, runtime);
    if (process !== undefined) process.deliver(message);
    else runtime.report({ type: "dead_letter", to: describeTarget(listener), message, why: "noproc" });
  }
}

function find(listener: Target, runtime: Runtime): Process | undefined {
  try {
    return resolveTarget(listener, runtime);
  } catch {
    return undefined; // A name service of the user's that cannot look its key up names nobody.
  }
}
