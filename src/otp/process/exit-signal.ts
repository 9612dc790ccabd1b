/** The end of a process as an AbortSignal: for whatever its code waits on outside the runtime. */

import { runAs, self } from "./current.ts";
import type { Process } from "./process.ts";
import { checkRef } from "./target.ts";

const controllers = new WeakMap<Process, AbortController>();

/**
 * A signal that is aborted when the process (default: the one that is running) ends, with its exit reason. Hand it to `fetch`, timers and
 * their kin in a handler, so that they end with the process.
 * @throws CallerError "invalid_argument" outside any process, and for what is no ref
 */
export function exitSignal(process: Process = self()): AbortSignal {
  checkRef("process", process);
  const known = controllers.get(process);
  if (known !== undefined) return known.signal;
  const controller = new AbortController();
  controllers.set(process, controller);
  if (process.alive) process.addExitHook((reason) => runAs(process, (why) => controller.abort(why), reason));
  else controller.abort(process.exitReason);
  return controller.signal;
}
