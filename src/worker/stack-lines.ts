/**
 * The stacks of a worker that is asked for them: that of its main thread, which Python's fault handler writes to stderr without needing the GIL, and those of its
 * other threads and its tasks, which it tells on its control channel while it can.
 */

import { type Clock, createTimer, type Timer } from "./clock.ts";

/** How long after its last line a dump counts as whole, in milliseconds: it is written without a pause. */
const quietMs = 60;
/** How long a worker may take to answer, in milliseconds. */
const answerMs = 500;
const maxLines = 400;
const maxBytes = 32 * 1024;

/** Whether a line of stderr is of a dump: a thread, or a place in its code. */
export function isStackLine(line: string): boolean {
  return /^(?:(?:Current thread|Thread) 0x[0-9a-f]+ .*|Stack \(most recent call first\)):$|^ {2}File ".*", line \S+ in |^ {2}(?:\.\.\.|<no Python frame>)$/.test(
    line,
  );
}

/** The stacks of one worker, while they are awaited. */
export class StackLines {
  readonly #clock: Clock;
  readonly #lines: string[] = [];
  #bytes = 0;
  #tasks: readonly string[] | undefined;
  /** Whether the fault handler has written all it has. */
  #written = false;
  /** Settles the wait; undefined while nobody waits. */
  #settle: (() => void) | undefined;
  readonly #quiet: Timer;

  constructor(clock: Clock) {
    this.#clock = clock;
    this.#quiet = createTimer(clock);
  }

  /** Takes a line of stderr; false when it is none of a dump that is awaited. The empty line between two threads is swallowed. */
  take(line: string): boolean {
    if (this.#settle === undefined) return false;
    if (line === "") return this.#lines.length > 0;
    if (!isStackLine(line)) return false;
    this.#quiet.set(quietMs, () => {
      this.#written = true;
      if (this.#tasks !== undefined) this.#settle?.();
    });
    this.#bytes += line.length;
    if (this.#lines.length < maxLines && this.#bytes <= maxBytes) this.#lines.push(line);
    return true;
  }

  /** The worker has told its tasks. */
  takeTasks(tasks: readonly string[]): void {
    this.#tasks = tasks;
    if (this.#written) this.#settle?.();
  }

  /** Calls `ask` and settles with the lines that come: none when the worker does not answer. Never rejects. */
  async collect(ask: () => void): Promise<readonly string[]> {
    const limit = createTimer(this.#clock);
    await new Promise<void>((resolve) => {
      this.#settle = resolve;
      limit.set(answerMs, resolve);
      ask();
    });
    const stacks = [...this.#lines.splice(0), ...(this.#tasks ?? [])].slice(0, maxLines);
    this.end();
    limit.clear();
    return stacks;
  }

  /** Nothing more will come. */
  end(): void {
    this.#settle?.();
    this.#settle = undefined;
    this.#tasks = undefined;
    this.#written = false;
    this.#bytes = 0;
    this.#quiet.clear();
  }
}
