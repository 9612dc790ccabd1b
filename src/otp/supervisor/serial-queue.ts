/** One queue, one thing at a time: what a supervisor does is handled strictly in the order it arrived. */

import { Deque } from "../scheduler/deque.ts";

/** A queue of jobs. A job that returns no promise is done before `add` returns, when nothing else is under way. */
export class SerialQueue {
  readonly #jobs = new Deque<() => void | Promise<void>>();
  readonly #onDefect: (error: unknown) => void;
  #busy = false;

  /** `onDefect` is told of a job that threw or rejected after all; the next one runs. */
  constructor(onDefect: (error: unknown) => void) {
    this.#onDefect = onDefect;
  }

  /** Runs the job after all earlier ones. Jobs must not throw or reject: they settle their own callers. */
  add(job: () => void | Promise<void>): void {
    this.#jobs.push(job);
    if (!this.#busy) this.#drain();
  }

  /** Runs the job after all earlier ones and settles with what it returns. */
  call<T>(job: () => T | Promise<T>): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      this.add(async () => {
        try {
          resolve(await job());
        } catch (error) {
          reject(error);
        }
      });
    });
  }

  #drain(): void {
    this.#busy = true;
    for (;;) {
      const job = this.#jobs.shift();
      if (job === undefined) break;
      let pending: void | Promise<void>;
      try {
        pending = job();
      } catch (error) {
        this.#onDefect(error);
        continue;
      }
      if (pending !== undefined) {
        const next = () => this.#drain();
        pending.then(next, (error: unknown) => {
          this.#onDefect(error);
          next();
        });
        return;
      }
    }
    this.#busy = false;
  }
}
