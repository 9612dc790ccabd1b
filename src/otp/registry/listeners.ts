/** Who is told of what happens in a registry. */

import type { Runtime } from "../process/process.ts";
import { describeTarget, resolveTarget, type Target } from "../process/target.ts";

/** Sends a message to each listener; to a name that nobody has at the time it is a dead letter. */
export function tellListeners(listeners: readonly Target[], message: object, runtime: Runtime): void {
  for (const listener of listeners) {
    const process = resolveTarget(listener, runtime);
    if (process !== undefined) process.deliver(message);
    else runtime.report({ type: "dead_letter", to: describeTarget(listener), message, why: "noproc" });
  }
}
