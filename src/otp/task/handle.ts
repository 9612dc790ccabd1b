/** What is known of one task: who owns it, whether it has answered, and who waits for that. */

import { ProcessError } from "../../errors.ts";
import { currentProcess } from "../process/current.ts";
import { unlinkProcesses } from "../process/link.ts";
import { Monitor } from "../process/monitor.ts";
import type { Process } from "../process/process.ts";
import { heldValue } from "../scheduler/held-value.ts";
import { callersFor, setCallers } from "../start/callers.ts";
import { type InternalSpawn, type ProcessContext, spawnInternal } from "../start/spawn.ts";
import type { TaskOutcome } from "./outcome.ts";

/** The code of a task. What it returns is the result; what it throws ends the task. */
export type TaskCode<Result> = (context: ProcessContext) => Result | PromiseLike<Result>;

/** What the owner of a task receives as an ordinary message, when it does not wait for the task at that moment. Waiting later takes it back. */
export interface TaskReply<Result = unknown> {
  readonly type: "task.reply";
  readonly monitor: Monitor;
  readonly result: Result;
}

/** A task as its owner's side keeps it. */
export class TaskHandle<Result = unknown> {
  readonly owner: Process | undefined;
  process: Process | undefined = undefined;
  monitor: Monitor | undefined = undefined;
  /** Set when it has answered or ended; an end after the answer does not count. */
  outcome: TaskOutcome<Result> | undefined = undefined;
  /** "taken": its outcome was handed out. "detached": nobody will be told. */
  status: "open" | "taken" | "detached" = "open";
  readonly #waits = new Set<(task: TaskHandle) => void>();
  #posted = false;
  #recalled = false;

  constructor(owner: Process | undefined) {
    this.owner = owner;
  }

  /** Its process begins. The owner monitors it from now on. */
  bind(process: Process): void {
    this.process = process;
    process.addExitHook((exit) => this.settle({ exit }));
    if (this.owner === undefined) return;
    this.monitor = new Monitor(this.owner, process, process).begin();
  }

  settle(outcome: TaskOutcome<Result>): void {
    if (this.outcome !== undefined) return;
    this.outcome = outcome;
    if (this.#waits.size > 0) {
      for (const tell of [...this.#waits]) tell(this);
      return;
    }
    const { owner, monitor } = this;
    if (this.status !== "open" || owner === undefined || monitor === undefined || !("ok" in outcome)) return;
    this.#posted = true;
    owner.deliver({ type: "task.reply", monitor, result: outcome.ok } satisfies TaskReply<Result>);
  }

  /** Calls `tell` when the outcome is there. */
  addWait(tell: (task: TaskHandle) => void): void {
    this.#waits.add(tell);
  }

  removeWait(tell: (task: TaskHandle) => void): void {
    this.#waits.delete(tell);
  }

  /** Hands the outcome out: neither reply nor DOWN comes to the owner any more. */
  take(): void {
    this.status = "taken";
    silence([this]);
  }

  /** Nobody wants the outcome any more. */
  detach(): void {
    detachAll([this]);
  }

  unlink(): void {
    if (this.owner !== undefined && this.process !== undefined) unlinkProcesses(this.owner, this.process);
  }

  /** Takes the monitor back. Answers how many messages went out to the owner before; 0 when it was taken back already. */
  recall(): number {
    if (this.#recalled || this.monitor === undefined) return 0;
    this.#recalled = true;
    const down = this.monitor.cancel() ? 0 : 1;
    return this.#posted ? down + 1 : down;
  }
}

/** Nobody wants the outcomes of these tasks any more. */
export function detachAll(tasks: readonly TaskHandle[]): void {
  for (const task of tasks) {
    if (task.status === "open") task.status = "detached";
  }
  silence(tasks);
}

/**
 * Takes back what the owner of tasks was told of them and has not received. All of it in one search, which ends with the last one: thousands of
 * messages may wait.
 */
export function silence(tasks: readonly TaskHandle[]): void {
  const monitors = new Set<unknown>();
  let owner: Process | undefined;
  let left = 0;
  for (const task of tasks) {
    const sent = task.recall();
    if (sent === 0) continue;
    owner = task.owner;
    monitors.add(task.monitor);
    left += sent;
  }
  // Whatever others have sent may wait beside their messages.
  const isTheirs = (message: unknown): boolean => monitors.has(heldValue(message, "monitor"));
  while (left > 0 && owner?.removeMessage(isTheirs) === true) left -= 1;
}

/** How the process of a task is started. */
export interface TaskStart extends InternalSpawn {
  /** On whose behalf; default: nobody's. */
  readonly caller: Process | undefined;
  /** On whose behalf, when the caller may have ended meanwhile. Default: the caller's and its own callers'. */
  readonly callers?: readonly Process[];
  /** Holds the code back until it settles. */
  readonly go?: Promise<void>;
}

/**
 * Starts the process of a task. With `handle`, the result is the task's outcome.
 * @throws ProcessError "noproc" when the caller has ended, "ignored" when nobody wants its outcome any more
 */
export function startTask<Result>(code: TaskCode<Result>, start: TaskStart, handle?: TaskHandle<Result>): Process {
  const { caller, go, callers = caller && callersFor(caller), ...options } = start;
  if (caller?.alive === false) {
    throw new ProcessError("noproc", `${caller} cannot start a task: it has ended`, { reason: "noproc" });
  }
  if (handle?.status === "detached") {
    throw new ProcessError("ignored", "nobody wants the outcome of the task any more", { reason: "ignore" });
  }
  // What stays of the process must not hold its starter, nor that one the starter before it.
  let told = handle;
  const starter = (callers?.[0] ?? currentProcess())?.toString() ?? "code outside any process";
  const run = async (context: ProcessContext): Promise<void> => {
    if (go !== undefined) await go;
    const ok = await code(context);
    told?.settle({ ok });
  };
  const process = spawnInternal(run, {
    label: code.name === "" ? "task" : `task ${code.name}`,
    about: () => ({ starter, code: code.name || "anonymous" }),
    ...options,
  });
  handle?.bind(process);
  if (handle !== undefined) {
    process.addExitHook(() => {
      told = undefined;
    });
  }
  if (callers !== undefined) setCallers(process, callers);
  return process;
}
