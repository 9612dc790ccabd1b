/**
 * Errors that a process's callbacks throw after their turn (timers, promises nobody awaits) end that process instead of the host. While
 * no process lives, the host's own handling is untouched; an error that belongs to no process is handed back to it.
 */

import { describeExitReason, exitReasonOf, isA } from "../report/exit-reason.ts";
import { currentProcess } from "./current.ts";
import type { Process } from "./process.ts";

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
  if (owner !== undefined) blame(owner, error);
  else if (process.listenerCount("uncaughtException") === 1) endHost(error);
}

function onRejected(reason: unknown): void {
  const owner = currentProcess();
  if (owner !== undefined) {
    blame(owner, reason);
    return;
  }
  if (process.listenerCount("unhandledRejection") > 1) return;
  // As Node does when nobody listens: the rejection becomes an uncaught exception.
  const error = isA(reason, Error)
    ? reason
    : new Error(`unhandled rejection: ${describeExitReason(reason)}`, { cause: reason });
  if (process.listenerCount("uncaughtException") === 1) endHost(error);
  else (process as NodeJS.EventEmitter).emit("uncaughtException", error, "unhandledRejection");
}

/** The process ends with the error; of one that has ended, or is about to, it is told. */
function blame(owner: Process, error: unknown): void {
  if (owner.status === "running" || owner.status === "starting") owner.crash(exitReasonOf(error));
  else if (error !== owner.exitReason) {
    owner.runtime.report({ type: "process.late_error", process: owner.toString(), error });
  }
}

/** The error of nobody, which nobody else listens for: it ends the host as if we were not here. */
function endHost(error: unknown): void {
  process.off("uncaughtException", onUncaught);
  process.off("unhandledRejection", onRejected);
  process.nextTick(() => {
    throw error;
  });
}
