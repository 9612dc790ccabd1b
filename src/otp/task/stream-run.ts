/** One iteration of a stream of tasks: what is read, what runs, what waits for its turn, and who asks for it. */

import { currentProcess } from "../process/current.ts";
import { exit, unlinkProcesses } from "../process/link.ts";
import type { Process } from "../process/process.ts";
import type { Deadline } from "../scheduler/deadlines.ts";
import type { ProcessContext } from "../start/spawn.ts";
import { type TaskCode, TaskHandle } from "./handle.ts";
import type { AsyncStreamOptions } from "./options.ts";
import { type TaskCall, type TaskOutcome, taskExited, taskTimeout } from "./outcome.ts";
import { type Inputs, type SourceItem, StreamSource } from "./stream-source.ts";

/** How the tasks of a stream are started. */
export interface StreamTasks {
  /** Whether a failure of a task is one of the consumer's. */
  readonly linked: boolean;
  /** Starts the process of a task and binds it. */
  readonly start: (code: TaskCode<unknown>, task: TaskHandle, owner: Process | undefined) => void | Promise<void>;
}

/** What a stream does, for whom and how. */
export interface StreamPlan {
  readonly inputs: Inputs<unknown>;
  readonly work: (input: unknown, context: ProcessContext) => unknown;
  readonly options: Required<AsyncStreamOptions>;
  readonly tasks: StreamTasks;
}

/** The task of an item, and its time. */
class StreamTask extends TaskHandle<unknown> implements Deadline {
  atMs = 0;
  previous: Deadline | undefined = undefined;
  next: Deadline | undefined = undefined;
  lane: Deadline["lane"] = undefined;
  readonly position: number;
  readonly input: unknown;
  readonly #run: StreamRun;

  constructor(run: StreamRun, position: number, input: unknown) {
    super(undefined);
    this.#run = run;
    this.position = position;
    this.input = input;
  }

  override bind(process: Process): void {
    super.bind(process);
    const { timeoutMs } = this.#run.plan.options;
    if (timeoutMs !== "infinity") process.runtime.deadlines.add(this, timeoutMs);
  }

  override settle(outcome: TaskOutcome<unknown>): void {
    if (this.outcome !== undefined) return;
    super.settle(outcome);
    this.#run.settled(this, outcome);
  }

  expire(): void {
    this.#run.expired(this);
  }

  /** Its time no longer counts. */
  stopTime(): void {
    if (this.lane !== undefined) this.process?.runtime.deadlines.remove(this);
  }
}

/**
 * One iteration. It reads while its consumer waits and there is room: an item takes a place from when it is read until its outcome is handed out,
 * whether it is being read, runs, or has an outcome that waits for its turn.
 */
export class StreamRun {
  readonly plan: StreamPlan;
  readonly #running = new Set<StreamTask>();
  /** By position; of an unordered stream by order of arrival. */
  readonly #outcomes = new Map<number, unknown>();
  #owner: Process | undefined;
  #source: StreamSource | undefined;
  /** An item that is being read. */
  #reading = false;
  #exhausted = false;
  #started = 0;
  #arrived = 0;
  #yielded = 0;
  #over = false;
  #failure: { readonly error: unknown } | undefined;
  #wake: (() => void) | undefined;

  constructor(plan: StreamPlan) {
    this.plan = plan;
  }

  /** The consumer's side. */
  iterator(): AsyncIterator<unknown> {
    const outcomes = this.#yieldOutcomes();
    return {
      next: () => outcomes.next(),
      // A consumer that leaves does not wait for an outcome that is under way.
      return: async () => {
        const closed = this.#stop();
        this.#wake?.();
        await closed;
        return outcomes.return(undefined);
      },
    };
  }

  /** A task has its outcome. Its process has ended, or does before the next is started. */
  settled(task: StreamTask, outcome: TaskOutcome<unknown>): void {
    if (!this.#running.has(task)) return;
    const dies = this.plan.tasks.linked && "exit" in outcome && this.#owner?.trapExit !== true;
    // A failure ends a consumer that does not trap exits through the link, which stays for it.
    if (!dies) this.#unlink(task);
    if (dies && this.#owner === undefined) {
      this.#leave(task);
      this.#fail(taskExited(outcome.exit, this.#callOf(task)));
      return;
    }
    this.#arrive(task, outcome);
  }

  /** A task takes longer than it may. */
  expired(task: StreamTask): void {
    this.#kill(task);
    if (this.plan.options.onTimeout === "kill_task") this.#arrive(task, { exit: "timeout" });
    else this.#fail(taskTimeout(this.#callOf(task)));
  }

  async *#yieldOutcomes(): AsyncGenerator<unknown, void> {
    if (this.#over) return;
    this.#owner = currentProcess();
    this.#source = new StreamSource(this.plan.inputs);
    this.#owner?.addExitHook(this.#ownerEnded);
    try {
      while (!this.#over) {
        this.#fill();
        if (this.#failure !== undefined) throw this.#failure.error;
        if (this.#outcomes.has(this.#yielded)) {
          yield this.#take();
          // Who has asked for several at once sees this one before more is read.
          await undefined;
        } else if (this.#exhausted && this.#running.size === 0) {
          return;
        } else if (!this.#over) {
          await new Promise<void>((resolve) => {
            this.#wake = resolve;
          });
        }
      }
      // The code of a process that was killed goes no further.
      if (this.#owner?.alive === false) await new Promise<never>(() => undefined);
    } finally {
      await this.#stop();
    }
  }

  #callOf(task: StreamTask): TaskCall {
    return { target: task, message: { type: "task.async_stream", timeoutMs: this.plan.options.timeoutMs } };
  }

  #take(): unknown {
    const outcome = this.#outcomes.get(this.#yielded);
    this.#outcomes.delete(this.#yielded);
    this.#yielded += 1;
    return outcome;
  }

  /** The consumer's code goes no further, so that its `finally` would never run. */
  readonly #ownerEnded = (): void => {
    // Nobody is left to be told that the source could not be closed.
    this.#stop().catch(() => undefined);
  };

  /** Reads and starts tasks while there is room and there are items. */
  #fill(): void {
    while (!this.#reading && !this.#exhausted && this.#goesOn && this.#hasRoom) {
      try {
        const read = this.#source?.read();
        if (read instanceof Promise) this.#awaitItem(read);
        else this.#start(read);
      } catch (error) {
        this.#fail(error);
      }
    }
  }

  get #goesOn(): boolean {
    return !this.#over && this.#failure === undefined;
  }

  get #hasRoom(): boolean {
    return this.#started - this.#yielded < this.plan.options.maxConcurrency;
  }

  #awaitItem(read: Promise<SourceItem | undefined>): void {
    this.#reading = true;
    const done = (settle: () => void): void => {
      this.#reading = false;
      if (this.#goesOn) settle();
      this.#wake?.();
    };
    read.then(
      (item) => done(() => this.#start(item)),
      (error: unknown) => done(() => this.#fail(error)),
    );
  }

  #start(item: SourceItem | undefined): void {
    if (item === undefined) {
      this.#exhausted = true;
      return;
    }
    const { work, tasks } = this.plan;
    const { input } = item;
    const task = new StreamTask(this, this.#started, input);
    this.#started += 1;
    this.#running.add(task);
    const failed = (error: unknown): void => {
      this.#leave(task);
      this.#fail(error);
    };
    try {
      tasks.start((context) => work(input, context), task, this.#owner)?.catch(failed);
    } catch (error) {
      failed(error);
    }
  }

  #fail(error: unknown): void {
    this.#failure ??= { error };
    this.#wake?.();
  }

  #arrive(task: StreamTask, outcome: TaskOutcome<unknown>): void {
    const { ordered, zipInputOnExit } = this.plan.options;
    this.#leave(task);
    const zipped =
      "exit" in outcome && zipInputOnExit ? { exit: { input: task.input, reason: outcome.exit } } : outcome;
    this.#outcomes.set(ordered ? task.position : this.#arrived, zipped);
    this.#arrived += 1;
    this.#wake?.();
  }

  #leave(task: StreamTask): void {
    this.#running.delete(task);
    task.stopTime();
  }

  #unlink({ process }: StreamTask): void {
    if (this.#owner !== undefined && process !== undefined) unlinkProcesses(this.#owner, process);
  }

  #kill(task: StreamTask): void {
    this.#leave(task);
    this.#unlink(task);
    // One that has no process yet gets none.
    task.detach();
    if (task.process !== undefined) exit(task.process, "kill");
  }

  /** Ends what runs and closes the source. Idempotent. */
  async #stop(): Promise<void> {
    this.#over = true;
    this.#owner?.removeExitHook(this.#ownerEnded);
    for (const task of this.#running) this.#kill(task);
    const source = this.#source;
    this.#source = undefined;
    const closed = (async () => source?.close())();
    // A source that is being read closes when it has answered: nobody waits for that.
    if (this.#reading) closed.catch(() => undefined);
    else await closed;
  }
}
