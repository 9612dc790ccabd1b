/** The log of one run: its events, numbered once over all attempts and kept in bounds. */

import { CallerError } from "../errors.ts";
import { EventBlocks } from "./event-blocks.ts";
import type { RunEvent } from "./run-result.ts";

/** Whose log it is, and how much it may hold. */
export interface RunLogParts {
  readonly runId: string;
  readonly agentId: string;
  /** Of its events; the terminal one is not counted. */
  readonly maxBytes: number;
}

/** The events of one run. The terminal one stays as long as the log; of the others the oldest leave when there are too many. */
export class RunLog<Output = unknown> {
  readonly #parts: RunLogParts;
  readonly #blocks = new EventBlocks();
  /** Called when there is something to read; one of each reader that waits. */
  readonly #waiting = new Set<() => void>();
  /** Called when somebody waits. */
  #tellWanted: (() => void) | undefined;
  #lastSeq = 0;
  #terminal: RunEvent<Output> | undefined;

  constructor(parts: RunLogParts) {
    this.#parts = parts;
  }

  /** The number of the last event; 0: none has come. */
  get lastSeq(): number {
    return this.#lastSeq;
  }

  /** The number of the first event that can be read; of an empty log that of the next one. */
  get firstSeq(): number {
    return this.#blocks.firstSeq ?? (this.#terminal === undefined ? this.#lastSeq + 1 : this.#lastSeq);
  }

  /** What the events take in memory, without the terminal one. */
  get bytes(): number {
    return this.#blocks.bytes;
  }

  /** The last event of all; undefined while the run runs. */
  get terminal(): RunEvent<Output> | undefined {
    return this.#terminal;
  }

  /** Adds an event, which gets its number here. Nothing comes after a terminal one. */
  add(event: RunEvent<Output>, terminal: boolean): void {
    this.#lastSeq += 1;
    event.seq = this.#lastSeq;
    if (terminal) this.#terminal = event;
    else this.#blocks.add(event);
    while (this.bytes > this.#parts.maxBytes && this.dropOldest());
    for (const wake of this.#waiting) wake();
    this.#waiting.clear();
  }

  /** Forgets some of the oldest events. False: there are none that could go while the run runs. */
  dropOldest(): boolean {
    if (!this.#blocks.canDrop) return false;
    this.#blocks.dropOldest();
    return true;
  }

  /** Forgets every event but the terminal one. */
  clear(): void {
    this.#blocks.clear();
  }

  /**
   * @throws CallerError "events_expired" when events after this number have come and are not kept any more
   */
  check(after: number): void {
    const { firstSeq } = this;
    if (after >= this.#lastSeq || after + 1 >= firstSeq) return;
    const { runId, agentId } = this.#parts;
    const message = `run "${runId}" of agent "${agentId}" keeps its events from ${firstSeq} on; those after ${after} are gone, begin after ${firstSeq - 1}`;
    throw new CallerError("events_expired", message, {
      field: "options.after",
      value: after,
      rule: `>= ${firstSeq - 1}`,
      firstSeq,
    });
  }

  /** The event of this number, which has come and is kept. */
  at(seq: number): RunEvent<Output> {
    if (this.#terminal !== undefined && seq === this.#lastSeq) return this.#terminal;
    return this.#blocks.at(seq) as RunEvent<Output>;
  }

  /** Calls `wake` once, when the next event has come. */
  wait(wake: () => void): void {
    this.#waiting.add(wake);
    this.#tellWanted?.();
    this.#tellWanted = undefined;
  }

  /** Settles when a reader waits for the next event. One at a time may ask. */
  async wanted(): Promise<void> {
    if (this.#waiting.size > 0) return;
    await new Promise<void>((resolve) => {
      this.#tellWanted = resolve;
    });
  }

  /** Nobody waits with this any more. */
  leave(wake: () => void): void {
    this.#waiting.delete(wake);
  }
}
