/** Where processes live: names, time, the run queue, and whoever is told what happens. Erlang would call it a node. */

import { type AnyActorRef, createActor, type InspectionEvent, type Observer } from "xstate";
import { invalidArgument } from "../../errors.ts";
import { describeExitReason } from "../report/exit-reason.ts";
import type { ProcessReport } from "../report/process-report.ts";
import { type Clock, realClock } from "../scheduler/clock.ts";
import { Deadlines } from "../scheduler/deadlines.ts";
import { heldType } from "../scheduler/held-value.ts";
import { RunQueue } from "../scheduler/run-queue.ts";
import { onRejection } from "../scheduler/thenable.ts";
import { childrenOf, indexScheduler, rootLogic } from "../scheduler/xstate-adapter.ts";
import { checkFunction, checkMethods, checkObject } from "./argument.ts";
import { bindHere } from "./current.ts";
import { hasDefaultReporter, reportByDefault } from "./default-reporter.ts";
import type { Process, Runtime } from "./process.ts";

/** Options of a runtime. */
export interface RuntimeOptions {
  /** Default: the machine's own time. */
  readonly clock?: Clock;
  /** Told of crashes, dead letters and more; must not throw. Default: {@link setDefaultReporter}'s, who is not told of dead letters. */
  readonly onReport?: (report: ProcessReport) => void;
  /** Sees every actor of the runtime. Must not throw. */
  readonly inspect?: Observer<InspectionEvent> | ((event: InspectionEvent) => void);
  /** Messages handled before the event loop gets its turn; default 2,000. */
  readonly messageBudget?: number;
}

/** @throws CallerError "invalid_argument" */
export function checkRuntimeOptions(options: RuntimeOptions): void {
  checkObject("options", options);
  const { clock, onReport, inspect, messageBudget = 1 } = options;
  if (clock !== undefined) checkClock("options.clock", clock);
  if (onReport !== undefined) checkFunction("options.onReport", onReport);
  if (inspect !== undefined && typeof inspect !== "function") {
    checkObject("options.inspect", inspect, "a function or an observer");
  }
  if (!(typeof messageBudget === "number" && messageBudget >= 1)) {
    throw invalidArgument("options.messageBudget", messageBudget, "a number of 1 or more");
  }
}

/** @throws CallerError "invalid_argument" */
export function checkClock(field: string, clock: Clock): void {
  checkMethods(field, clock, ["now", "monotonicMs", "setTimeout", "clearTimeout"] satisfies (keyof Clock)[], "a clock");
}

/** A runtime. Processes of different runtimes share no names. */
export class LocalRuntime implements Runtime {
  readonly clock: Clock;
  readonly names = new Map<string, Process>();
  readonly queue: RunQueue;
  readonly deadlines: Deadlines;
  readonly onReport: ((report: ProcessReport) => void) | undefined;
  readonly #inspect: ((event: InspectionEvent) => void) | undefined;
  #observers = 0;
  #root: AnyActorRef | undefined;
  #lastId = 0;
  readonly startedAtMs: number;
  readonly startedMonotonicMs: number;
  /** Live processes. */
  processCount = 0;
  newest: Process | undefined = undefined;
  /** Exits that are being carried out: a chain of links is a loop here, not a recursion. */
  readonly #signals: (() => void)[] = [];
  #signalling = false;

  /** @throws CallerError "invalid_argument" */
  constructor(options: RuntimeOptions = {}) {
    checkRuntimeOptions(options);
    this.clock = options.clock ?? realClock;
    this.startedAtMs = this.clock.now();
    this.startedMonotonicMs = this.clock.monotonicMs();
    this.queue = new RunQueue(options.messageBudget ?? 2_000);
    this.deadlines = new Deadlines(this.clock);
    this.onReport = options.onReport === undefined ? undefined : guardReader(options.onReport);
    this.#inspect = options.inspect === undefined ? undefined : guardObserver(options.inspect);
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

  get isInspected(): boolean {
    return this.#inspect !== undefined || this.#observers > 0;
  }

  /** Lets one more observer see every actor, from now on, until the function that it answers is called. */
  observe(observer: NonNullable<RuntimeOptions["inspect"]>): () => void {
    const subscription = this.root.system.inspect(guardObserver(observer));
    this.#observers += 1;
    return () => {
      subscription.unsubscribe();
      this.#observers -= 1;
    };
  }

  /** The actors of the live processes and what their machines have made, each after its parent. */
  *actors(): Generator<AnyActorRef> {
    const processes: Process[] = [];
    for (let process = this.newest; process !== undefined; process = process.older) processes.push(process);
    yield this.root;
    for (const { behaviour } of processes.reverse()) {
      // One that is being made has none yet.
      const left = behaviour?.actor === undefined ? [] : [behaviour.actor];
      for (let next = left.pop(); next !== undefined; next = left.pop()) {
        yield next;
        left.push(...childrenOf(next));
      }
    }
  }

  get tellsCrashes(): boolean {
    return this.onReport !== undefined || hasDefaultReporter();
  }

  nextId(): number {
    this.#lastId += 1;
    return this.#lastId;
  }

  /** Tells of something. Without anybody to tell, an error that nobody else sees becomes a warning of the host's. */
  report(report: ProcessReport): void {
    (this.onReport ?? tellByDefault)(report);
  }

  /** Carries out a signal now, or after the one that is being carried out. */
  signal(carryOut: () => void): void {
    this.#signals.push(carryOut);
    if (this.#signalling) return;
    this.#signalling = true;
    for (let index = 0; index < this.#signals.length; index += 1) {
      try {
        this.#signals[index]?.();
      } catch (error) {
        // One that goes wrong must not keep the others from being told.
        warn("an exit hook threw", error);
      }
    }
    this.#signals.length = 0;
    this.#signalling = false;
  }
}

/** @throws CallerError "invalid_argument" for what is no runtime */
export function checkRuntime(field: string, value: unknown): void {
  if (!(value instanceof LocalRuntime)) throw invalidArgument(field, value, "a runtime");
}

function warn(what: string, error: unknown): void {
  process.emitWarning(`${what}: ${stackOf(error) ?? describeExitReason(error)}`, "SynapseWarning");
}

function stackOf(error: unknown): string | undefined {
  try {
    const { stack } = error as Error;
    return typeof stack === "string" ? stack : undefined;
  } catch {
    return undefined; // Nothing, or what does not let itself be looked at.
  }
}

/**
 * Who reads reports, so that it harms nobody: it runs where it was given, not in the process it is told of, whose errors its own would be; and what it
 * throws, or a promise of it rejects with, is a warning.
 */
export function guardReader<Report>(reader: (report: Report) => void): (report: Report) => void {
  const own = bindHere(reader);
  return (report) => {
    const onBroken = (error: unknown) => warn(`onReport threw at "${heldType(report)}"`, error);
    try {
      onRejection(own(report), onBroken);
    } catch (error) {
      onBroken(error);
    }
  };
}

const tellByDefault = guardReader(reportByDefault);

/** As a reader. An observer that throws would stop the actor it looks at for good: XState lets it. */
function guardObserver(observer: NonNullable<RuntimeOptions["inspect"]>): (event: InspectionEvent) => void {
  const next = bindHere(typeof observer === "function" ? observer : (event) => observer.next?.(event));
  let warned = false;
  return (event) => {
    try {
      next(event);
    } catch (error) {
      if (!warned) warn("an inspector threw", error);
      warned = true;
    }
  };
}

/** The runtime of processes that are started outside any process without a runtime of their own. */
export const defaultRuntime: Runtime = new LocalRuntime();
