/** Waiting for tasks: outcomes are taken as they come, until there are enough or the time is up. */

import type { Runtime } from "../process/process.ts";
import { contextRuntime } from "../process/target.ts";
import type { Deadline } from "../scheduler/deadlines.ts";
import { detachAll, silence, type TaskHandle } from "./handle.ts";
import type { TaskOutcome } from "./outcome.ts";

/** Outcomes by task. */
export type TaskOutcomes = Map<TaskHandle, TaskOutcome<unknown>>;

/** How to wait. */
export interface TaskWaitOptions {
  readonly timeoutMs: number | "infinity";
  /** Asked after each outcome. */
  readonly isEnough: (outcomes: TaskOutcomes, last: TaskOutcome<unknown>) => boolean;
  /** What becomes of tasks whose outcome was not taken. */
  readonly others: "keep" | "detach";
}

/**
 * Settles with the outcomes taken; never rejects. A task whose outcome was taken before counts as ended with "noproc"; one that was given up
 * (a late await, ignore) never answers.
 */
export function takeOutcomes(tasks: readonly TaskHandle[], options: TaskWaitOptions): Promise<TaskOutcomes> {
  return new Promise((resolve) => new TaskWait(tasks, options, resolve).begin());
}

const gone: TaskOutcome<never> = { exit: "noproc" };

class TaskWait implements Deadline {
  atMs = 0;
  previous: Deadline | undefined = undefined;
  next: Deadline | undefined = undefined;
  lane: Deadline["lane"] = undefined;
  readonly #tasks: readonly TaskHandle[];
  readonly #options: TaskWaitOptions;
  readonly #resolve: (outcomes: TaskOutcomes) => void;
  readonly #outcomes: TaskOutcomes = new Map();
  readonly #runtime: Runtime;
  readonly #arrived = (task: TaskHandle) => {
    this.#take(task, task.outcome ?? gone);
    silence([task]);
  };
  #open = true;

  constructor(tasks: readonly TaskHandle[], options: TaskWaitOptions, resolve: (outcomes: TaskOutcomes) => void) {
    this.#tasks = [...new Set(tasks)];
    this.#runtime = tasks.find(({ process }) => process !== undefined)?.process?.runtime ?? contextRuntime();
    this.#options = options;
    this.#resolve = resolve;
  }

  begin(): void {
    const { timeoutMs } = this.#options;
    for (const task of this.#tasks) {
      if (!this.#open) break;
      if (isDecided(task, timeoutMs)) this.#take(task, (task.status === "open" ? task.outcome : undefined) ?? gone);
    }
    silence([...this.#outcomes.keys()]);
    if (this.#outcomes.size === this.#tasks.length || timeoutMs === 0) this.#finish();
    if (!this.#open) return;
    for (const task of this.#tasks) {
      if (task.status === "open" && !this.#outcomes.has(task)) task.addWait(this.#arrived);
    }
    if (timeoutMs !== "infinity") this.#runtime.deadlines.add(this, timeoutMs);
  }

  expire(): void {
    this.#finish();
  }

  #take(task: TaskHandle, outcome: TaskOutcome<unknown>): void {
    if (!this.#open) return;
    task.status = "taken";
    this.#outcomes.set(task, outcome);
    if (this.#outcomes.size === this.#tasks.length || this.#options.isEnough(this.#outcomes, outcome)) this.#finish();
  }

  #finish(): void {
    if (!this.#open) return;
    this.#open = false;
    if (this.lane !== undefined) this.#runtime.deadlines.remove(this);
    for (const task of this.#tasks) task.removeWait(this.#arrived);
    if (this.#options.others === "detach") detachAll(this.#tasks.filter((task) => !this.#outcomes.has(task)));
    this.#resolve(this.#outcomes);
  }
}

/** Whether there is nothing to wait for. */
function isDecided(task: TaskHandle, timeoutMs: number | "infinity"): boolean {
  if (task.status === "open") return task.outcome !== undefined;
  return task.status === "taken" || timeoutMs === "infinity";
}
