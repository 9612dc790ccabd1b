/** One reader of a run's log. It has its own place in it, and holds nothing of it: the log is bounded whatever its readers do. */

import type { RunLog } from "./run-log.ts";
import type { RunEvent } from "./run-result.ts";

type Step<Output> = IteratorResult<RunEvent<Output>, void>;

/** How many events that are there already are handed out in one turn of the event loop: one who catches up holds nobody else up. */
const mostInTurn = 256;

const done = { done: true, value: undefined } as const;

/** Every event after a number, once and in order, until the terminal one. `next` rejects as `RunLog.check` throws when it comes too late. */
export class LogReader<Output> implements AsyncGenerator<RunEvent<Output>, void, undefined> {
  readonly #log: RunLog<Output>;
  readonly #ended: () => void;
  #seq: number;
  #over = false;
  /** Calls of next() that have not settled; they are answered in order. */
  #calls = 0;
  #latest: Promise<Step<Output>> = Promise.resolve(done);
  #pause: PromiseWithResolvers<void> | undefined;
  /** Events that were handed out since it has last waited. */
  #inTurn = 0;

  /** @param ended called once, when it has been left, has failed or has come to the end */
  constructor(log: RunLog<Output>, after: number, ended: () => void) {
    this.#log = log;
    this.#seq = after;
    this.#ended = ended;
  }

  next(): Promise<Step<Output>> {
    this.#latest = this.#calls++ === 0 ? this.#pull() : this.#latest.then(this.#pull, this.#pull);
    // Not where its event is taken: what `then` makes settles some turns later, and the next call would be answered before it.
    this.#latest.then(this.#settled, this.#settled);
    return this.#latest;
  }

  async return(): Promise<Step<Output>> {
    this.#end();
    return done;
  }

  async throw(error: unknown): Promise<Step<Output>> {
    this.#end();
    throw error;
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#end();
  }

  readonly #pull = async (): Promise<Step<Output>> => {
    try {
      while (!this.#over && this.#seq >= this.#log.lastSeq) {
        // It has the terminal event already.
        if (this.#log.terminal !== undefined) {
          this.#end();
          break;
        }
        this.#inTurn = 0;
        this.#pause = Promise.withResolvers();
        this.#log.wait(this.#wake);
        await this.#pause.promise;
      }
      this.#inTurn += 1;
      if (this.#inTurn > mostInTurn) {
        this.#inTurn = 1;
        await new Promise((resolve) => setImmediate(resolve));
      }
      if (this.#over) return done;
      this.#log.check(this.#seq);
      this.#seq += 1;
      return { done: false, value: this.#log.at(this.#seq) };
    } catch (error) {
      this.#end();
      throw error;
    }
  };

  readonly #settled = (): void => {
    this.#calls -= 1;
  };

  readonly #wake = (): void => this.#pause?.resolve();

  #end(): void {
    if (this.#over) return;
    this.#over = true;
    this.#log.leave(this.#wake);
    this.#wake();
    this.#ended();
  }
}
