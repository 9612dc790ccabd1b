/** Tests whose body is the code of a process: it receives, owns tasks, traps exits. */

import { ProcessError } from "../../src/errors.ts";
import type { Process, Runtime } from "../../src/otp/process/process.ts";
import { LocalRuntime } from "../../src/otp/process/runtime.ts";
import type { ProcessReport } from "../../src/otp/report/process-report.ts";
import { type ProcessContext, spawn } from "../../src/otp/start/spawn.ts";
import type { Task } from "../../src/otp/task/task.ts";
import { createVirtualClock, type VirtualClock } from "../../src/testing/virtual-clock.ts";

/** A runtime of its own, whose time the test moves. */
export interface Place {
  readonly clock: VirtualClock;
  readonly runtime: Runtime;
  readonly reports: ProcessReport[];
  /** Runs code as a process and settles with its result; rejects when the process ends in another way first. */
  run<T>(code: (context: ProcessContext) => T | Promise<T>): Promise<T>;
  /** A process that waits for its end. */
  idle(): Process;
}

/** Makes a place. */
export function createPlace(): Place {
  const clock = createVirtualClock();
  const reports: ProcessReport[] = [];
  const runtime = new LocalRuntime({ clock, onReport: (report) => void reports.push(report) });
  return {
    clock,
    runtime,
    reports,
    idle: () => spawn(({ receive }) => receive(() => false), { runtime }),
    run: (code) =>
      new Promise((resolve, reject) => {
        const process = spawn(
          async (context) => {
            try {
              resolve(await code(context));
            } catch (error) {
              reject(error);
            }
          },
          { runtime },
        );
        process.addExitHook((reason) => reject(new Error(`the process of the test ended: ${String(reason)}`)));
      }),
  };
}

/** Everything that has arrived and was not received. */
export async function leftovers({ receive }: ProcessContext): Promise<unknown[]> {
  const found: unknown[] = [];
  for (;;) {
    try {
      found.push(await receive(undefined, { timeoutMs: 0 }));
    } catch (error) {
      if (error instanceof ProcessError && error.code === "timeout") return found;
      throw error;
    }
  }
}

/** The process of a task that is not completed. */
export function processOf(task: Task<unknown>): Process {
  if (task.process === undefined) throw new Error("the task has no process");
  return task.process;
}

/** What takes for ever. */
export const never = (): Promise<never> => new Promise(() => undefined);

/** All that an async iterable yields. */
export async function collect<T>(source: AsyncIterable<T>): Promise<T[]> {
  const items: T[] = [];
  for await (const item of source) items.push(item);
  return items;
}
