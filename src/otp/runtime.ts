/** Where processes live: names, time, the run queue, and whoever is told what happens. Erlang would call it a node. */

import { type AnyActorRef, createActor, type InspectionEvent, type Observer } from "xstate";
import { type Clock, realClock } from "./clock.ts";
import { Deadlines } from "./deadlines.ts";
import type { Process } from "./process.ts";
import type { ProcessReport } from "./process-report.ts";
import { RunQueue } from "./run-queue.ts";
import { indexScheduler, rootLogic } from "./xstate-adapter.ts";

/** Options of a runtime. */
export interface RuntimeOptions {
  /** Default: the machine's own time. */
  readonly clock?: Clock;
  /** Told of crashes, dead letters and more; must not throw. Default: nobody. */
  readonly onReport?: (report: ProcessReport) => void;
  /** Sees every actor of the runtime. Must not throw. */
  readonly inspect?: Observer<InspectionEvent> | ((event: InspectionEvent) => void);
  /** Messages handled before the event loop gets its turn; default 2,000. */
  readonly messageBudget?: number;
}

/** A runtime. Processes of different runtimes share no names. */
export class Runtime {
  readonly clock: Clock;
  readonly names = new Map<string, Process>();
  readonly queue: RunQueue;
  readonly deadlines: Deadlines;
  readonly onReport: ((report: ProcessReport) => void) | undefined;
  readonly #inspect: RuntimeOptions["inspect"];
  #root: AnyActorRef | undefined;
  #lastId = 0;
  /** Live processes. */
  processCount = 0;
  /** Exits that are being carried out: a chain of links is a loop here, not a recursion. */
  readonly #signals: (() => void)[] = [];
  #signalling = false;

  constructor(options: RuntimeOptions = {}) {
    this.clock = options.clock ?? realClock;
    this.queue = new RunQueue(options.messageBudget ?? 2_000);
    this.deadlines = new Deadlines(this.clock);
    this.onReport = options.onReport;
    this.#inspect = options.inspect;
  }

  /** The actor that processes without a supervisor live under. */
  get root(): AnyActorRef {
    if (this.#root === undefined) {
      const options = this.#inspect === undefined ? {} : { inspect: this.#inspect };
      this.#root = createActor(rootLogic, { id: "runtime", clock: this.clock, ...options });
      indexScheduler(this.#root, this.clock);
      this.#root.start();
    }
    return this.#root;
  }

  nextId(): number {
    this.#lastId += 1;
    return this.#lastId;
  }

  report(report: ProcessReport): void {
    this.onReport?.(report);
  }

  /** Carries out a signal now, or after the one that is being carried out. */
  signal(carryOut: () => void): void {
    this.#signals.push(carryOut);
    if (this.#signalling) return;
    this.#signalling = true;
    try {
      for (let index = 0; index < this.#signals.length; index += 1) this.#signals[index]?.();
    } finally {
      this.#signals.length = 0;
      this.#signalling = false;
    }
  }
}

/** The runtime of processes that are started outside any process without a runtime of their own. */
export const defaultRuntime = new Runtime();
