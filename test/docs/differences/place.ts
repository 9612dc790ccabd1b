/** Where a difference is shown: a runtime of its own, whose time the test moves, seen through the public door. */

import {
  type ProcessContext,
  type ProcessReport,
  Runtime,
  type RuntimeOptions,
  spawn,
} from "../../../src/otp/index.ts";
import { createVirtualClock, type VirtualClock } from "../../../src/testing/index.ts";

/** A runtime and what is told of it. */
export interface Place {
  readonly clock: VirtualClock;
  readonly runtime: Runtime;
  readonly reports: ProcessReport[];
  /** Runs code as a process and settles with what it answers; rejects with what it throws, and when the process is ended. */
  inside<T>(code: (context: ProcessContext) => T | Promise<T>, options?: { trapExit?: boolean }): Promise<T>;
  /** A process that waits for its end. */
  idle(options?: { trapExit?: boolean; name?: string }): ReturnType<typeof spawn>;
  /** The reports of one type. */
  told<Type extends ProcessReport["type"]>(type: Type): Extract<ProcessReport, { type: Type }>[];
}

/** Makes a place. */
export function createPlace(options: RuntimeOptions = {}): Place {
  const clock = createVirtualClock();
  const reports: ProcessReport[] = [];
  const runtime = new Runtime({ clock, onReport: (report) => void reports.push(report), ...options });
  return {
    clock,
    runtime,
    reports,
    inside: (code, more = {}) => {
      const outcome = Promise.withResolvers<Awaited<ReturnType<typeof code>>>();
      const body = async (context: ProcessContext) => {
        context.signal.addEventListener("abort", () => outcome.reject(context.signal.reason));
        try {
          outcome.resolve(await code(context));
        } catch (error) {
          outcome.reject(error);
        }
      };
      spawn(body, { ...more, runtime });
      return outcome.promise;
    },
    idle: (more = {}) => spawn(({ receive }) => receive(() => false), { ...more, runtime }),
    told: (type) => reports.filter((report) => report.type === type) as never,
  };
}

/** Settles when all that follows of what has happened, without time passing, is done. */
export async function quiet(): Promise<void> {
  for (let turn = 0; turn < 4; turn += 1) await new Promise((resolve) => setImmediate(resolve));
}

/** The error that a promise rejects with, or that code throws at once; fails when there is none. */
export async function failure(attempt: Promise<unknown> | (() => unknown)): Promise<unknown> {
  try {
    await (typeof attempt === "function" ? attempt() : attempt);
  } catch (error) {
    return error;
  }
  throw new Error("nothing failed");
}

/** Whether a promise has settled, as far as can be seen now. */
export async function isSettled(promise: Promise<unknown>): Promise<boolean> {
  let settled = false;
  const note = (): void => {
    settled = true;
  };
  promise.then(note, note);
  await quiet();
  return settled;
}
