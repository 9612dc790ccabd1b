/** The same work for many items, so many at a time, as an async iterable of outcomes. Source: Elixir's Task.async_stream. */

import { invalidArgument } from "../../errors.ts";
import { currentProcess } from "../process/current.ts";
import { exit, unlinkProcesses } from "../process/link.ts";
import type { Process } from "../process/process.ts";
import type { ExitReason } from "../report/exit-reason.ts";
import type { Deadline } from "../scheduler/deadlines.ts";
import type { ProcessContext } from "../start/spawn.ts";
import { type TaskCode, TaskHandle } from "./handle.ts";
import { type AsyncStreamOptions, checkCode, normalizeStreamOptions } from "./options.ts";
import { type TaskOutcome, taskExited, taskTimeout } from "./outcome.ts";

/** What a stream yields for an item. */
export type StreamOutcome<Input, Result, Options = AsyncStreamOptions> =
  | { readonly ok: Result }
  | {
      readonly exit: Options extends { readonly zipInputOnExit: true }
        ? { readonly input: Input; readonly reason: ExitReason }
        : ExitReason;
    };

/** How the tasks of a stream are started. */
export interface StreamTasks {
  /** Whether a failure of a task is one of the consumer's. */
  readonly linked: boolean;
  /** Starts the process of a task and binds it. */
  readonly start: (code: TaskCode<unknown>, task: TaskHandle, owner: Process | undefined) => void | Promise<void>;
}

type Work<Input, Result> = (input: Input, context: ProcessContext) => Result | Promise<Result>;

/** Makes the iterable. Every iteration is a run of its own. @throws CallerError "invalid_argument" */
export function streamTasks<Input, Result, Options extends AsyncStreamOptions>(
  inputs: Iterable<Input> | AsyncIterable<Input>,
  work: Work<Input, Result>,
  options: Options,
  tasks: StreamTasks,
): AsyncIterable<StreamOutcome<Input, Result, Options>> {
  const normal = normalizeStreamOptions(options);
  checkCode(work);
  if (!isIterable(inputs)) throw invalidArgument("inputs", inputs, "an iterable or async iterable");
  return {
    [Symbol.asyncIterator]() {
      const run = new StreamRun(inputs, work as Work<unknown, unknown>, normal, tasks);
      return run.iterator() as AsyncIterator<StreamOutcome<Input, Result, Options>>;
    },
  };
}

function isIterable(value: unknown): boolean {
  if (typeof value === "string") return true;
  return typeof value === "object" && value !== null && (Symbol.iterator in value || Symbol.asyncIterator in value);
}

/** A task that runs, and its time. */
class Running implements Deadline {
  atMs = 0;
  previous: Deadline | undefined = undefined;
  next: Deadline | undefined = undefined;
  lane: Deadline["lane"] = undefined;
  readonly task = new TaskHandle(undefined);
  readonly position: number;
  readonly input: unknown;
  readonly expire: () => void;

  constructor(position: number, input: unknown, expired: (running: Running) => void) {
    this.position = position;
    this.input = input;
    this.expire = () => expired(this);
  }

  /** Its time begins. */
  begin(timeoutMs: number | "infinity"): void {
    if (timeoutMs !== "infinity") this.task.process?.runtime.deadlines.add(this, timeoutMs);
  }

  end(): void {
    if (this.lane !== undefined) this.task.process?.runtime.deadlines.remove(this);
  }
}

/** One iteration: it starts tasks while its consumer waits, and keeps outcomes until their turn. */
class StreamRun {
  readonly #inputs: Iterable<unknown> | AsyncIterable<unknown>;
  readonly #work: Work<unknown, unknown>;
  readonly #options: Required<AsyncStreamOptions>;
  readonly #tasks: StreamTasks;
  readonly #running = new Set<Running>();
  /** By position; of an unordered stream by order of arrival. */
  readonly #outcomes = new Map<number, unknown>();
  #owner: Process | undefined;
  #source: Iterator<unknown> | AsyncIterator<unknown> | undefined;
  /** An item that is being read. */
  #reading = false;
  #exhausted = false;
  #started = 0;
  #arrived = 0;
  #yielded = 0;
  #over = false;
  #failure: { readonly error: unknown } | undefined;
  #wake: (() => void) | undefined;

  constructor(
    inputs: Iterable<unknown> | AsyncIterable<unknown>,
    work: Work<unknown, unknown>,
    options: Required<AsyncStreamOptions>,
    tasks: StreamTasks,
  ) {
    this.#inputs = inputs;
    this.#work = work;
    this.#options = options;
    this.#tasks = tasks;
  }

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

  async *#yieldOutcomes(): AsyncGenerator<unknown, void> {
    if (this.#over) return;
    this.#begin();
    try {
      while (!this.#over) {
        await this.#fill();
        const failure = this.#failure;
        if (failure !== undefined) throw failure.error;
        const next = this.#yielded;
        if (this.#outcomes.has(next)) {
          const outcome = this.#outcomes.get(next);
          this.#outcomes.delete(next);
          this.#yielded += 1;
          yield outcome;
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

  #begin(): void {
    this.#owner = currentProcess();
    this.#source =
      Symbol.asyncIterator in Object(this.#inputs)
        ? (this.#inputs as AsyncIterable<unknown>)[Symbol.asyncIterator]()
        : (this.#inputs as Iterable<unknown>)[Symbol.iterator]();
    this.#owner?.addExitHook(this.#ownerEnded);
  }

  /** The consumer's code goes no further, so that its `finally` would never run. */
  readonly #ownerEnded = (): void => {
    this.#stop().catch(() => undefined);
  };

  /** Starts tasks while there is room and there are items. */
  async #fill(): Promise<void> {
    while (!this.#over && !this.#exhausted && !this.#reading && this.#running.size < this.#options.maxConcurrency) {
      const read = this.#source?.next();
      if (read instanceof Promise) {
        this.#reading = true;
        read.then(
          (item) => this.#wakeWith(() => this.#startNext(item)),
          (error: unknown) => this.#wakeWith(() => this.#fail(error)),
        );
        return;
      }
      const started = this.#startNext(read as IteratorResult<unknown>);
      if (started !== undefined) await started;
    }
  }

  #wakeWith(change: () => void | Promise<void>): void {
    this.#reading = false;
    const changed = this.#over ? undefined : change();
    if (changed !== undefined)
      changed.then(
        () => this.#wake?.(),
        (error: unknown) => this.#wakeWith(() => this.#fail(error)),
      );
    else this.#wake?.();
  }

  #fail(error: unknown): void {
    this.#failure ??= { error };
  }

  #startNext(item: IteratorResult<unknown>): void | Promise<void> {
    if (item.done === true) {
      this.#exhausted = true;
      this.#source = undefined;
      return;
    }
    const input = item.value;
    const running = new Running(this.#started, input, (late) => this.#expired(late));
    this.#started += 1;
    this.#running.add(running);
    running.task.addWait(() => this.#settled(running));
    const begun = this.#tasks.start((context) => this.#work(input, context), running.task, this.#owner);
    if (begun === undefined) return this.#begun(running);
    return begun.then(() => this.#begun(running));
  }

  #begun(running: Running): void {
    if (!this.#running.has(running)) return;
    if (this.#over) this.#kill(running);
    else running.begin(this.#options.timeoutMs);
  }

  #settled(running: Running): void {
    const { outcome } = running.task;
    if (outcome === undefined || !this.#running.has(running)) return;
    const dies = this.#tasks.linked && "exit" in outcome && this.#owner?.trapExit !== true;
    // A failure ends a consumer that does not trap exits through the link, which stays for it.
    if (!dies) this.#unlink(running);
    if (dies && this.#owner === undefined) {
      this.#leave(running);
      this.#fail(taskExited(outcome.exit, { target: running.task, message: { type: "task.async_stream" } }));
      this.#wake?.();
      return;
    }
    this.#arrive(running, outcome);
  }

  #expired(running: Running): void {
    this.#kill(running);
    if (this.#options.onTimeout === "kill_task") {
      this.#arrive(running, { exit: "timeout" });
      return;
    }
    const { timeoutMs } = this.#options;
    this.#fail(taskTimeout({ target: running.task, message: { type: "task.async_stream", timeoutMs } }));
    this.#wake?.();
  }

  #arrive(running: Running, outcome: TaskOutcome<unknown>): void {
    this.#leave(running);
    const zipped =
      "exit" in outcome && this.#options.zipInputOnExit
        ? { exit: { input: running.input, reason: outcome.exit } }
        : outcome;
    this.#outcomes.set(this.#options.ordered ? running.position : this.#arrived, zipped);
    this.#arrived += 1;
    this.#wake?.();
  }

  #leave(running: Running): void {
    this.#running.delete(running);
    running.end();
  }

  #unlink(running: Running): void {
    const { process } = running.task;
    if (this.#owner !== undefined && process !== undefined) unlinkProcesses(this.#owner, process);
  }

  #kill(running: Running): void {
    this.#leave(running);
    this.#unlink(running);
    if (running.task.process !== undefined) exit(running.task.process, "kill");
  }

  /** Ends what runs and closes the source. Idempotent. */
  async #stop(): Promise<void> {
    this.#over = true;
    this.#owner?.removeExitHook(this.#ownerEnded);
    for (const running of this.#running) this.#kill(running);
    const source = this.#source;
    this.#source = undefined;
    const closed = Promise.resolve(source?.return?.());
    // A source that is being read closes when it has answered: nobody waits for that.
    if (this.#reading) closed.catch(() => undefined);
    else await closed;
  }
}
