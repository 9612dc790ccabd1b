/** Tasks as the children of a dynamic supervisor. Source: Elixir's Task.Supervisor. */

import { CallerError } from "../../errors.ts";
import { currentProcess } from "../process/current.ts";
import type { Process } from "../process/process.ts";
import { describeTarget, resolveTarget } from "../process/target.ts";
import type { RestartType, Shutdown } from "../report/supervisor-report.ts";
import { callersFor } from "../start/callers.ts";
import type { StartChildSpec } from "../supervisor/child-spec.ts";
import { DynamicSupervisor } from "../supervisor/dynamic.ts";
import {
  defineDynamicSupervisor,
  type SupervisorStartOptions,
  type SupervisorTarget,
  startDynamicSupervisor,
} from "../supervisor/start.ts";
import { type StreamOutcome, type StreamWork, streamTasks } from "./async-stream.ts";
import { startTask, type TaskCode, TaskHandle } from "./handle.ts";
import { type AsyncStreamOptions, checkCode, shutdownOf } from "./options.ts";
import type { Task } from "./task.ts";

/** The flags of a task supervisor. */
export interface TaskSupervisorSpec {
  /** Default "task_supervisor". */
  readonly id?: string;
  /** Tasks at a time; default "infinity". */
  readonly maxChildren?: number | "infinity";
  /** Restarts allowed within `periodMs`; default 3. Only tasks that ask for it are restarted. */
  readonly maxRestarts?: number;
  /** Default 5,000 ms. */
  readonly periodMs?: number;
}

/** Options of a supervised task. */
export interface SupervisedTaskOptions {
  /** What reports call it; default: "task" and the name of its code. */
  readonly label?: string;
  /** How the supervisor ends it; default 5,000 ms. */
  readonly shutdownMs?: Shutdown;
}

/** Options of a supervised task that nobody waits for. */
export interface TaskChildStartOptions extends SupervisedTaskOptions {
  /** Default "temporary": it runs once. */
  readonly restart?: RestartType;
}

/** Options of a stream of supervised tasks. */
export type SupervisedStreamOptions = AsyncStreamOptions & Pick<SupervisedTaskOptions, "shutdownMs">;

/** Starts a task supervisor; options and errors as of `startDynamicSupervisor`. */
export function startTaskSupervisor(
  spec: TaskSupervisorSpec = {},
  options: SupervisorStartOptions = {},
): Promise<DynamicSupervisor> {
  return startDynamicSupervisor({ id: "task_supervisor", ...spec }, options);
}

/** Makes a task supervisor that nests. @throws CallerError "invalid_argument" */
export function defineTaskSupervisor(
  spec: TaskSupervisorSpec & Omit<Parameters<typeof defineDynamicSupervisor>[0], "policy" | "prepare">,
): ReturnType<typeof defineDynamicSupervisor> {
  return defineDynamicSupervisor(spec);
}

/**
 * What can be asked of a task supervisor. Every start settles when the process of the task exists, and rejects with CallerError "queue_full"
 * (`maxChildren` reached), "stopped", "not_found" (no such supervisor) or "invalid_argument".
 */
export const TaskSupervisor = {
  /** A task as `Task.async` makes it, linked to the process that is running, below the supervisor. */
  async<Result>(
    supervisor: SupervisorTarget,
    code: TaskCode<Result>,
    options: SupervisedTaskOptions = {},
  ): Promise<Task<Result>> {
    return startWaited(supervisor, code, options, true);
  },

  /** Like `async`, without the link: its failure is a DOWN to its owner and an outcome to who waits. */
  asyncNolink<Result>(
    supervisor: SupervisorTarget,
    code: TaskCode<Result>,
    options: SupervisedTaskOptions = {},
  ): Promise<Task<Result>> {
    return startWaited(supervisor, code, options, false);
  },

  /** A task that nobody waits for; settles with its process. With `restart` it runs again after an end. */
  async startChild(
    supervisor: SupervisorTarget,
    code: TaskCode<unknown>,
    options: TaskChildStartOptions = {},
  ): Promise<Process> {
    checkCode(code);
    const caller = currentProcess();
    const callers = caller && callersFor(caller);
    const start: StartChildSpec["start"] = ({ process, supervisor: under }) =>
      startTask(code, {
        ...labelOf(options),
        caller: undefined,
        ...(callers === undefined ? {} : { callers }),
        parent: process,
        under,
      });
    return startBelow(supervisor, { ...specOf(options), restart: options.restart ?? "temporary", start });
  },

  /** Ends a task, by its process. @returns rejects with CallerError "not_found" */
  async terminateChild(supervisor: SupervisorTarget, process: Process): Promise<void> {
    await find(supervisor).terminateChild(process);
  },

  /** The processes of the tasks that run. */
  children(supervisor: SupervisorTarget): Process[] {
    const refs = find(supervisor)
      .whichChildren()
      .map(({ ref }) => ref);
    return refs.filter((ref) => ref !== undefined) as Process[];
  },

  /** `Task.asyncStream` with the tasks below the supervisor; a failure ends the consumer too, unless it traps exits. */
  asyncStream<Input, Result, const Options extends SupervisedStreamOptions = SupervisedStreamOptions>(
    supervisor: SupervisorTarget,
    inputs: Iterable<Input> | AsyncIterable<Input>,
    code: StreamWork<Input, Result>,
    options?: Options,
  ): AsyncIterable<StreamOutcome<Input, Result, Options>> {
    return streamBelow(supervisor, inputs, code, options, true);
  },

  /** Like `asyncStream`, without the links: a failure is an outcome and nothing else. */
  asyncStreamNolink<Input, Result, const Options extends SupervisedStreamOptions = SupervisedStreamOptions>(
    supervisor: SupervisorTarget,
    inputs: Iterable<Input> | AsyncIterable<Input>,
    code: StreamWork<Input, Result>,
    options?: Options,
  ): AsyncIterable<StreamOutcome<Input, Result, Options>> {
    return streamBelow(supervisor, inputs, code, options, false);
  },
};

async function startWaited<Result>(
  supervisor: SupervisorTarget,
  code: TaskCode<Result>,
  options: SupervisedTaskOptions,
  linked: boolean,
): Promise<Task<Result>> {
  const caller = currentProcess();
  const task = new TaskHandle<Result>(caller);
  // The code waits until its owner holds the task: a reply cannot come before.
  const go = Promise.withResolvers<void>();
  try {
    return await startHandle(supervisor, code, options, { task, caller, linked, go: go.promise });
  } finally {
    // After whoever waits for the start has gone on.
    queueMicrotask(() => go.resolve());
  }
}

/** Who waits for a task, whether it is linked to it, and what the code waits for. */
interface Waiter<Result> {
  readonly task: TaskHandle<Result>;
  readonly caller: Process | undefined;
  readonly linked: boolean;
  readonly go?: Promise<void>;
}

async function startHandle<Result>(
  supervisor: SupervisorTarget,
  code: TaskCode<Result>,
  options: SupervisedTaskOptions,
  { task, linked, ...waiter }: Waiter<Result>,
): Promise<Task<Result>> {
  checkCode(code);
  const start: StartChildSpec["start"] = ({ process, supervisor: under }) => {
    const link = linked ? waiter.caller : undefined;
    return startTask(code, { ...labelOf(options), ...waiter, link, parent: process, under }, task);
  };
  await startBelow(supervisor, { ...specOf(options), restart: "temporary", start });
  return task as Task<Result>;
}

function streamBelow<Input, Result, Options extends SupervisedStreamOptions>(
  supervisor: SupervisorTarget,
  inputs: Iterable<Input> | AsyncIterable<Input>,
  code: StreamWork<Input, Result>,
  options: Options | undefined,
  linked: boolean,
): AsyncIterable<StreamOutcome<Input, Result, Options>> {
  const given = (options ?? {}) as Options;
  return streamTasks<Input, Result, Options>(inputs, code, given, {
    linked,
    start: async (work, task, caller) => {
      await startHandle(supervisor, work, given, { task, caller, linked });
    },
  });
}

async function startBelow(supervisor: SupervisorTarget, spec: Omit<StartChildSpec, "id">): Promise<Process> {
  const process = (await find(supervisor).startChild(spec)) as Process;
  // Starting takes microtasks only: a loop of starts would keep the event loop from its turns, and the tasks from theirs.
  await process.runtime.queue.turn();
  return process;
}

function specOf(options: SupervisedTaskOptions): Pick<StartChildSpec, "shutdownMs"> & { readonly id: string } {
  return { id: "task", shutdownMs: shutdownOf(options) };
}

function labelOf({ label }: SupervisedTaskOptions): { label?: string } {
  return label === undefined ? {} : { label };
}

/** @throws CallerError "not_found" */
function find(target: SupervisorTarget): DynamicSupervisor {
  if (target instanceof DynamicSupervisor) return target;
  const process = resolveTarget(target);
  if (process?.behaviour instanceof DynamicSupervisor) return process.behaviour;
  throw new CallerError("not_found", `${describeTarget(target)} is no task supervisor`, {
    field: "supervisor",
    value: target,
  });
}
