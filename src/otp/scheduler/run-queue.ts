/**
 * Who runs next: processes with something to do take turns, and after a budget of messages the event loop gets its turn. A chain of sends
 * never grows the stack, and a ping-pong never starves timers and sockets.
 */

import { Deque } from "./deque.ts";

/** Something that has messages to handle. */
export interface Runnable {
  /** Handles up to `budget` messages and answers how many it has handled. */
  run(budget: number): number;
  /** Its run threw: the others go on. Must not throw. */
  broken(error: unknown): void;
  /** Whether it has more to do now; if so it counts as queued. */
  claimTurn(): boolean;
}

const settled = Promise.resolve();

/** Messages in a row for one process before the next has its turn. */
const sliceMessages = 64;

/** The run queue of a runtime. */
export class RunQueue {
  readonly #ready = new Deque<Runnable>();
  readonly #budget: number;
  #spent = 0;
  #scheduled = false;
  readonly #drain = () => this.#run();
  readonly #drainNextTurn = () => {
    this.#spent = 0;
    this.#run();
  };

  /** `budget` is how many messages may be handled before the event loop gets its turn. */
  constructor(budget: number) {
    this.#budget = budget;
  }

  /** Puts a process at the end. It must not be in the queue already. */
  add(runnable: Runnable): void {
    this.#ready.push(runnable);
    if (!this.#scheduled) this.#schedule();
  }

  /** Settles in a turn: for a loop whose every step is over within microtasks. */
  turn(): Promise<void> {
    return new Promise((resolve) => {
      const run = (): number => {
        resolve();
        return 1;
      };
      this.add({ run, claimTurn: () => false, broken: () => undefined });
    });
  }

  #schedule(): void {
    this.#scheduled = true;
    // Microtasks starve the event loop, so that only so much is done in them before a real turn.
    // (Through a promise: within an async context, queueMicrotask makes a resource of every job.)
    if (this.#spent < this.#budget) settled.then(this.#drain);
    else setImmediate(this.#drainNextTurn);
  }

  #run(): void {
    try {
      while (this.#spent < this.#budget) {
        const next = this.#ready.shift();
        if (next === undefined) break;
        this.#spent += 1;
        try {
          this.#spent += next.run(Math.min(sliceMessages, this.#budget - this.#spent));
        } catch (error) {
          next.broken(error);
        }
        if (next.claimTurn()) this.#ready.push(next);
      }
    } finally {
      // Also after what must not happen: all the others wait for their turns.
      this.#scheduled = false;
      if (this.#ready.length > 0) this.#schedule();
    }
  }
}
