/** Work in a process of its own, with one result. Source: Elixir's Task. */

import { CallerError, invalidArgument } from "../../errors.ts";
import { currentProcess, self } from "../process/current.ts";
import { monitorExit } from "../process/exited.ts";
import { exit } from "../process/link.ts";
import type { Monitor } from "../process/monitor.ts";
import type { Process } from "../process/process.ts";
import type { Shutdown } from "../report/supervisor-report.ts";
import { isThenable } from "../scheduler/thenable.ts";
import type { StartChildSpec } from "../supervisor/child-spec.ts";
import { type StreamOutcome, type StreamWork, streamTasks } from "./async-stream.ts";
import { startTask, type TaskCode, TaskHandle } from "./handle.ts";
import {
  type AsyncStreamOptions,
  type AwaitOptions,
  checkCode,
  checkYieldMany,
  shutdownOf,
  type TaskChildOptions,
  type TaskOptions,
  type TaskShutdownOptions,
  timeoutOf,
  type YieldManyOptions,
} from "./options.ts";
import { checkConnected, resultOf, type TaskOutcome } from "./outcome.ts";
import { takeOutcomes } from "./wait.ts";

declare const resultType: unique symbol;

/** A task that somebody may wait for. Only its owner can; a task that was started outside any process belongs to everybody. */
export interface Task<Result> {
  /** The process that started it. */
  readonly owner: Process | undefined;
  /** The task's own process; undefined for a completed task. */
  readonly process: Process | undefined;
  /** The owner's monitor: `task.reply` and `DOWN` messages carry it. */
  readonly monitor: Monitor | undefined;
  readonly [resultType]?: Result;
}

/**
 * Work that others wait for, or nobody.
 *
 * A task started with `async` is linked to its owner, which also monitors it. The owner waits with `await`, `yield` and their kin; if it does not
 * wait when the task answers, it receives `{ type: "task.reply", monitor, result }` and later DOWN, which waiting takes back.
 */
export const Task = {
  /** Starts a task, linked to the process that is running. It begins in a turn of its own. @throws ProcessError "noproc" in a process that has ended */
  async<Result>(code: TaskCode<Result>, options: TaskOptions = {}): Task<Result> {
    checkCode(code);
    const caller = currentProcess();
    const task = new TaskHandle<Result>(caller);
    startTask(code, { ...options, caller, link: caller }, task);
    return task as Task<Result>;
  },

  /** Starts a process that does the work and tells nobody; it is linked to nobody. */
  start(code: TaskCode<unknown>, options: TaskOptions = {}): Process {
    checkCode(code);
    return startTask(code, { ...options, caller: currentProcess() });
  },

  /** Like `start`, linked to the process that is running. @throws CallerError "invalid_argument" outside any process */
  startLink(code: TaskCode<unknown>, options: TaskOptions = {}): Process {
    checkCode(code);
    return startTask(code, { ...options, caller: self(), link: self() });
  },

  /**
   * A task that is over and has this result; it has no process.
   * @throws CallerError "invalid_argument" for a promise, which is not over
   */
  completed<Result>(result: Result): Task<Result> {
    if (isThenable(result)) {
      throw invalidArgument("result", result, "no promise: Task.async(() => promise) waits for one");
    }
    const task = new TaskHandle<Result>(currentProcess());
    task.outcome = { ok: result };
    return task as Task<Result>;
  },

  /** A task as a child of a supervisor: "temporary" by default, with id "task". Its result goes nowhere. */
  childSpec(code: TaskCode<unknown>, options: TaskChildOptions = {}): StartChildSpec {
    checkCode(code);
    const { label, runtime, ...spec } = options;
    const start = { ...(label === undefined ? {} : { label }), ...(runtime === undefined ? {} : { runtime }) };
    return {
      id: "task",
      restart: "temporary",
      ...spec,
      start: ({ process, supervisor }) =>
        startTask(code, { ...start, caller: undefined, parent: process, under: supervisor }),
    };
  },

  /**
   * Waits for the result. A wait that is given up is final: neither reply nor DOWN arrives afterwards; the task itself goes on.
   * @returns rejects with ProcessError "exited" (`reason` says how it ended), "timeout", or "noproc" when its outcome was taken before;
   * CallerError "invalid_argument" for another process's task
   */
  async await<Result>(task: Task<Result>, options: AwaitOptions = {}): Promise<Result> {
    const handle = own(task, "await");
    const timeoutMs = timeoutOf(options);
    const outcome = (await takeOutcomes([handle], { timeoutMs, isEnough: always, others: "detach" })).get(handle);
    return resultOf(outcome, { target: task, message: { type: "task.await", timeoutMs } }) as Result;
  },

  /** Waits for all results, in the order of the tasks; given up at the first failure. Rejects as `await`, for the whole group. */
  async awaitMany<const Tasks extends readonly Task<unknown>[]>(
    tasks: Tasks,
    options: AwaitOptions = {},
  ): Promise<{ -readonly [Index in keyof Tasks]: ResultOf<Tasks[Index]> }> {
    const handles = ownAll(tasks, "awaitMany");
    const timeoutMs = timeoutOf(options);
    const outcomes = await takeOutcomes(handles, {
      timeoutMs,
      isEnough: (_all, last) => "exit" in last,
      others: "detach",
    });
    const call = { target: tasks, message: { type: "task.await_many", timeoutMs } } as const;
    const failed = [...outcomes.values()].find((outcome) => "exit" in outcome);
    if (failed !== undefined) resultOf(failed, call);
    return handles.map((handle) => resultOf(outcomes.get(handle), call)) as never;
  },

  /**
   * Waits for the outcome for a while. Undefined: there is none yet, and the task goes on.
   * @returns rejects with ProcessError "exited" only when the connection to the task is lost
   */
  async yield<Result>(task: Task<Result>, options: AwaitOptions = {}): Promise<TaskOutcome<Result> | undefined> {
    const handle = own(task, "yield");
    const timeoutMs = timeoutOf(options);
    const outcome = (await takeOutcomes([handle], { timeoutMs, isEnough: always, others: "keep" })).get(handle);
    checkConnected(outcome, { target: task, message: { type: "task.yield", timeoutMs } });
    return outcome as TaskOutcome<Result> | undefined;
  },

  /** `yield` for several tasks, in their order. */
  async yieldMany<Result>(
    tasks: readonly Task<Result>[],
    options: YieldManyOptions = {},
  ): Promise<[Task<Result>, TaskOutcome<Result> | undefined][]> {
    const handles = ownAll(tasks, "yieldMany");
    const timeoutMs = timeoutOf(options);
    const { limit = tasks.length, onTimeout = "nothing" } = options;
    checkYieldMany(options);
    const outcomes = await takeOutcomes(handles, { timeoutMs, isEnough: ({ size }) => size >= limit, others: "keep" });
    const call = { target: tasks, message: { type: "task.yield_many", timeoutMs } } as const;
    for (const outcome of outcomes.values()) checkConnected(outcome, call);
    return Promise.all(
      handles.map(async (handle, index): Promise<[Task<Result>, TaskOutcome<Result> | undefined]> => {
        const task = tasks[index] as Task<Result>;
        const outcome = outcomes.get(handle) as TaskOutcome<Result> | undefined;
        if (outcome !== undefined || onTimeout === "nothing") return [task, outcome];
        if (onTimeout === "ignore") return [task, Task.ignore(task)];
        return [task, await Task.shutdown(task, { shutdownMs: "brutal_kill" })];
      }),
    );
  },

  /**
   * Lets a task go: unlinked, its outcome dropped. Answers the outcome it has already.
   * @throws CallerError "invalid_argument" for another process's task; ProcessError "exited" when the connection to it is lost
   */
  ignore<Result>(task: Task<Result>): TaskOutcome<Result> | undefined {
    const handle = own(task, "ignore");
    const outcome = handle.status === "open" ? handle.outcome : undefined;
    handle.unlink();
    if (outcome === undefined) handle.detach();
    else handle.take();
    checkConnected(outcome, { target: task, message: { type: "task.ignore" } });
    return outcome as TaskOutcome<Result> | undefined;
  },

  /**
   * Ends a task and settles when it is gone: unlinked first, then asked with "shutdown", then killed after `shutdownMs`.
   * @returns its result when it had one, undefined when it ended as it was asked to, else how it ended ("noproc": its outcome was taken before)
   */
  async shutdown<Result>(
    task: Task<Result>,
    options: TaskShutdownOptions = {},
  ): Promise<TaskOutcome<Result> | undefined> {
    const handle = own(task, "shutdown");
    const shutdownMs = shutdownOf(options);
    const taken = handle.status === "taken";
    handle.detach();
    handle.unlink();
    if (handle.process !== undefined) await endProcess(handle.process, shutdownMs);
    const { outcome } = handle;
    handle.take();
    if (taken || outcome === undefined) return { exit: "noproc" };
    if ("exit" in outcome && outcome.exit === (shutdownMs === "brutal_kill" ? "killed" : "shutdown")) return undefined;
    checkConnected(outcome, { target: task, message: { type: "task.shutdown" } });
    return outcome as TaskOutcome<Result>;
  },

  /**
   * Does the same work for every item, each in a task of its own, and yields the outcomes. Items are read only while an outcome is asked for, and
   * never more of them than `maxConcurrency` have been read and not handed out: an endless source is fine, and so is a consumer that takes its time.
   * An item that is a promise is awaited. Leaving the loop ends the tasks that run and closes the source. The tasks are linked to the process that
   * consumes: a failure ends it too, unless it traps exits. Outside any process a failure rejects with ProcessError "exited".
   * @throws CallerError "invalid_argument"
   */
  asyncStream<Input, Result, const Options extends AsyncStreamOptions = AsyncStreamOptions>(
    inputs: Iterable<Input> | AsyncIterable<Input>,
    code: StreamWork<Input, Result>,
    options?: Options,
  ): AsyncIterable<StreamOutcome<Input, Result, Options>> {
    return streamTasks<Input, Result, Options>(inputs, code, options ?? ({} as Options), {
      linked: true,
      start: (work, task, owner) => void startTask(work, { caller: owner, link: owner }, task),
    });
  },
};

type ResultOf<T> = T extends Task<infer Result> ? Result : never;

const always = (): boolean => true;

/** @throws CallerError "invalid_argument" when it is no task, or another process's */
function own<Result>(task: Task<Result>, what: string): TaskHandle<Result> {
  if (!(task instanceof TaskHandle)) throw invalidArgument("task", task, "a task, as Task.async gives it");
  const caller = currentProcess();
  if (task.owner === undefined || task.owner === caller) return task as TaskHandle<Result>;
  const rule = "called by the process that started the task";
  const message = `Task.${what} of a task that ${task.owner} owns was called by ${caller ?? "code outside any process"}`;
  throw new CallerError("invalid_argument", `${message}; it must be ${rule}`, { field: "task", value: task, rule });
}

/** @throws CallerError "invalid_argument" */
function ownAll(tasks: readonly Task<unknown>[], what: string): TaskHandle<unknown>[] {
  if (!Array.isArray(tasks)) throw invalidArgument("tasks", tasks, "an array of tasks");
  return tasks.map((task) => own(task, what));
}

async function endProcess(process: Process, shutdownMs: Shutdown): Promise<void> {
  if (!process.alive) return;
  const end = monitorExit(process);
  exit(process, shutdownMs === "brutal_kill" ? "kill" : "shutdown");
  const { clock } = process.runtime;
  const timer = typeof shutdownMs === "number" ? clock.setTimeout(() => exit(process, "kill"), shutdownMs) : undefined;
  await end;
  if (timer !== undefined) clock.clearTimeout(timer);
}
