/**
 * Errors that a process's callbacks throw after their turn (timers, promises nobody awaits) end that process instead of the host. While
 * no process lives, the host's own handling is untouched; an error that belongs to no process is handed back to it.
 */

import { currentProcess } from "./current.ts";
import { exitReasonOf } from "./exit-reason.ts";

let installed = 0;

/** Counts one more live process. */
export function watchUncaught(): void {
  installed += 1;
  if (installed > 1) return;
  process.on("uncaughtException", onUncaught);
  process.on("unhandledRejection", onRejected);
}

/** Counts one live process less. */
export function unwatchUncaught(): void {
  installed -= 1;
  if (installed > 0) return;
  process.off("uncaughtException", onUncaught);
  process.off("unhandledRejection", onRejected);
}

function onUncaught(error: unknown): void {
  const owner = currentProcess();
  if (owner !== undefined) {
    owner.crash(exitReasonOf(error));
    return;
  }
  handBack("uncaughtException", onUncaught, error);
}

function onRejected(error: unknown, promise: Promise<unknown>): void {
  const owner = currentProcess();
  if (owner !== undefined) {
    owner.crash(exitReasonOf(error));
    return;
  }
  if (process.listenerCount("unhandledRejection") > 1) return;
  // As Node does without a listener: the rejection becomes an uncaught exception.
  void promise;
  handBack("unhandledRejection", onRejected, error);
}

/** The error of nobody: other listeners have it; without any, it ends the host as if we were not here. */
function handBack(
  event: "uncaughtException" | "unhandledRejection",
  listener: (...args: never[]) => void,
  error: unknown,
): void {
  if (process.listenerCount(event) > 1) return;
  process.off(event, listener as () => void);
  process.off("uncaughtException", onUncaught);
  setImmediate(() => {
    throw error;
  });
}
