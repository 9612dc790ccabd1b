/** A runtime of its own for one test: a clock that the test moves, what is reported, and code that runs as a process. */

import { CallerError } from "../../src/errors.ts";
import type { Process, Runtime } from "../../src/otp/process/process.ts";
import { LocalRuntime } from "../../src/otp/process/runtime.ts";
import type { NameService } from "../../src/otp/process/target.ts";
import { exitReasonOf } from "../../src/otp/report/exit-reason.ts";
import type { ProcessReport } from "../../src/otp/report/process-report.ts";
import { exited } from "../../src/otp/start/names.ts";
import { type ProcessContext, spawn } from "../../src/otp/start/spawn.ts";
import type { StartOptions } from "../../src/otp/start/start.ts";
import { createVirtualClock, type VirtualClock } from "../../src/testing/virtual-clock.ts";

/** A runtime and what is seen of it. */
export interface Kernel {
  readonly clock: VirtualClock;
  readonly runtime: Runtime;
  readonly reports: ProcessReport[];
  /** Runs code as a process; settles with its result, and rejects with what it throws or, when it is ended, with its exit reason. */
  run<T>(
    code: (context: ProcessContext) => T | Promise<T>,
    options?: Omit<StartOptions, "input" | "runtime">,
  ): Promise<T>;
  /** Messages that reached nobody. */
  letters(): { message: unknown; why: string }[];
  /** Crash reports. */
  crashes(): Extract<ProcessReport, { type: "process.crashed" }>[];
}

/** Makes one. */
export function createKernel(): Kernel {
  const clock = createVirtualClock();
  const reports: ProcessReport[] = [];
  const runtime = new LocalRuntime({ clock, onReport: (report) => reports.push(report) });
  return {
    clock,
    runtime,
    reports,
    run: async (code, options) => {
      let outcome: { value: unknown } | undefined;
      const process = spawn(
        async (context) => {
          outcome = { value: await code(context) };
        },
        { ...options, runtime },
      );
      const reason = await exited(process);
      if (outcome === undefined) throw reason;
      return outcome.value as never;
    },
    letters: () => reports.flatMap((r) => (r.type === "dead_letter" ? [{ message: r.message, why: r.why }] : [])),
    crashes: () => reports.flatMap((r) => (r.type === "process.crashed" ? [r] : [])),
  };
}

/** The error a promise rejects with, or what it throws at once; fails when it does not. */
export async function failure(attempt: Promise<unknown> | (() => unknown)): Promise<Error & Record<string, unknown>> {
  try {
    await (typeof attempt === "function" ? attempt() : attempt);
  } catch (error) {
    return exitReasonOf(error) as Error & Record<string, unknown>;
  }
  throw new Error("nothing failed");
}

/** Settles when all that follows of what has happened, without time passing, is done. */
export async function quiet(): Promise<void> {
  for (let turn = 0; turn < 4; turn += 1) await new Promise((resolve) => setImmediate(resolve));
}

/** A registry that is only a table: names of any kind, free when their holder ends. */
export function createTable(): NameService & { readonly size: number } {
  const table = new Map<unknown, Process>();
  return {
    whereisName: (key) => table.get(key),
    registerName(key, process) {
      const holder = table.get(key);
      if (holder?.alive === true)
        throw new CallerError("already_started", `${String(key)} is taken`, { value: holder });
      table.set(key, process);
      process.addExitHook(() => table.get(key) === process && table.delete(key));
    },
    get size() {
      return table.size;
    },
  };
}
