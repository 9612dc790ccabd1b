/**
 * The workers of one agent: the current one, and during a swap a second one beside it: the next one until it is ready, then the one whose place it has
 * taken. There are never two of the same part.
 */

import type { Clock } from "../otp/scheduler/clock.ts";
import type { AgentClient } from "../rpc/agent-client.ts";
import type { WorkerExit, WorkerUsage } from "../worker/launcher.ts";
import { AgentWorker, type WorkerKeeper } from "./agent-worker.ts";
import type { EquippedEnvironment } from "./environment.ts";
import type { LoopOwner, LoopWatch } from "./loop-monitor.ts";
import type { NormalAgentSpec } from "./spec.ts";
import type { WorkerEnd } from "./worker-end.ts";

/** The agent as its workers see it. */
export interface WorkerOwner extends LoopOwner {
  /** How many runs the current worker holds, or the retired one. */
  heldRuns(by: "current" | "retired"): number;
  /** The process of a worker runs. */
  workerSpawned(worker: AgentWorker): void;
  /** The current worker serves from now on. */
  workerReady(worker: AgentWorker): void;
  /** The current worker takes no more runs. */
  workerUnavailable(): void;
  /** A signal from outside asks a worker to end: it finishes what it holds. */
  workerDraining(worker: AgentWorker, signal: NodeJS.Signals): void;
  /** The current worker's process is gone. */
  workerGone(exit: WorkerExit, about: WorkerEnd): void;
  /** The next worker serves, and has taken the place of the current one, which the owner lets go. */
  workerSwapped(worker: AgentWorker, retired: AgentWorker): void;
  /** The current worker is gone, and the next one has become the current one, whether it serves yet or not. */
  workerPromoted(worker: AgentWorker): void;
  /** The next worker is gone before it could take the current one's place. */
  nextGone(exit: WorkerExit, about: WorkerEnd): void;
  /** The retired worker's process is gone. */
  retiredGone(exit: WorkerExit, about: WorkerEnd): void;
  /** All had been asked to end, and the last one is gone. */
  allGone(): void;
}

/** The workers of one agent. */
export class Workers implements WorkerKeeper {
  readonly #spec: NormalAgentSpec;
  readonly #environment: EquippedEnvironment;
  readonly #owner: WorkerOwner;
  readonly #clock: () => Clock;
  #current: AgentWorker | undefined;
  #next: AgentWorker | undefined;
  #retired: AgentWorker | undefined;
  #ending = false;
  #launch: NodeJS.Immediate | undefined;

  constructor(spec: NormalAgentSpec, environment: EquippedEnvironment, owner: WorkerOwner, clock: () => Clock) {
    this.#spec = spec;
    this.#environment = environment;
    this.#owner = owner;
    this.#clock = clock;
  }

  /** Process id of the current worker. */
  get pid(): number | undefined {
    return this.#current?.pid;
  }

  /** Whether workers that have been asked to end are not gone yet. */
  get ending(): boolean {
    return this.#ending && this.#living.length > 0;
  }

  /** The connection to the current worker while it takes runs. */
  get client(): AgentClient | undefined {
    return this.#current?.client;
  }

  /** Whether the current worker serves, though its event loop may not answer at the moment. */
  get serving(): boolean {
    return this.#current?.serving === true;
  }

  /** The monitor of the current worker's event loop, while it serves. */
  get loop(): LoopWatch | undefined {
    return this.#current?.loop;
  }

  /** What the current worker's process uses. */
  usage(): WorkerUsage | undefined {
    return this.#current?.usage();
  }

  /** Whether a second worker lives: a swap is under way. */
  get swapping(): boolean {
    return this.#next !== undefined || this.#retired !== undefined;
  }

  /** Whether there is any. */
  get alive(): boolean {
    return this.#living.length > 0;
  }

  get #living(): AgentWorker[] {
    return [this.#current, this.#next, this.#retired].filter((worker) => worker !== undefined);
  }

  /**
   * Launches the current worker: at once, or `soon`, after this turn, so that nobody waits for the spawn to learn of a crash. A next worker of this
   * number, which has outlived the one before, takes the place. Where there is a current one still, that one is killed instead, and its end is
   * told to the owner as any other: there are never two.
   */
  launch(incarnation: number, soon: boolean): void {
    clearImmediate(this.#launch);
    if (this.#current !== undefined) {
      this.#current.kill();
      return;
    }
    this.#ending = false;
    if (this.#next?.incarnation === incarnation) this.#promote(this.#next);
    else if (soon) {
      this.#launch = setImmediate(() => {
        this.#launch = undefined;
        this.#begin(incarnation);
      });
    } else this.#begin(incarnation);
  }

  /** Launches the next worker beside the current one. Only while there is no other beside it. */
  launchNext(incarnation: number): void {
    this.#next = this.#create(incarnation);
    this.#next.follow();
  }

  /** Takes a worker that somebody else has launched: it becomes the current one at the next launch, which is that of its number. */
  adopt(worker: AgentWorker): void {
    this.#next = worker;
  }

  /**
   * Ends every worker within `shutdownMs`: the runs they hold may finish, then they are cancelled, the workers clean up, and then they are killed.
   * Answers whether there was one; the owner is told when all are gone.
   */
  end(how: "drain" | "kill"): boolean {
    clearImmediate(this.#launch);
    const living = this.#living;
    if (living.length === 0) return false;
    this.#ending = true;
    for (const worker of living) worker.end(how);
    return true;
  }

  /** Kills every process, whatever it does. */
  kill(): void {
    for (const worker of this.#living) worker.kill();
  }

  /** Kills every process where there is a current one. Answers the current one's id; undefined when there is none. */
  killCurrent(): number | undefined {
    const { pid } = this;
    if (pid !== undefined) this.kill();
    return pid;
  }

  /** Hands the current worker no more runs. */
  stopServing(): void {
    this.#current?.stopServing();
  }

  /** A worker holds one run less. */
  runSettled(): void {
    for (const worker of this.#living) worker.runSettled();
  }

  /** The connection to a worker broke. */
  connectionLost(incarnation: number): void {
    this.#living.find((worker) => worker.incarnation === incarnation)?.connectionLost();
  }

  heldRuns(worker: AgentWorker): number {
    if (worker === this.#current) return this.#owner.heldRuns("current");
    return worker === this.#retired ? this.#owner.heldRuns("retired") : 0;
  }

  workerSpawned(worker: AgentWorker): void {
    this.#owner.workerSpawned(worker);
  }

  workerReady(worker: AgentWorker): void {
    const current = this.#current;
    if (worker === current) this.#owner.workerReady(worker);
    // Without a current one it waits to be launched as such: what follows a crash is the supervisor's to decide.
    if (worker !== this.#next || current === undefined) return;
    this.#current = worker;
    this.#next = undefined;
    this.#retired = current;
    this.#owner.workerSwapped(worker, current);
  }

  workerUnavailable(worker: AgentWorker): void {
    if (worker === this.#current) this.#owner.workerUnavailable();
  }

  workerDraining(worker: AgentWorker, signal: NodeJS.Signals): void {
    this.#owner.workerDraining(worker, signal);
  }

  /** Of the loop of one that is not the current worker nobody is told: it takes no runs, and its end is under way or its time has not come. */
  loopOwner(worker: AgentWorker): LoopOwner {
    const ifCurrent = (tell: (owner: WorkerOwner) => void) => {
      if (worker === this.#current) tell(this.#owner);
    };
    return {
      forsaken: () => worker === this.#current && this.#owner.forsaken(),
      loopSilent: () => ifCurrent((owner) => owner.loopSilent()),
      loopAnswers: () => ifCurrent((owner) => owner.loopAnswers()),
      loopUnresponsive: (silentMs, stacks) => ifCurrent((owner) => owner.loopUnresponsive(silentMs, stacks)),
      loopResponsive: (silentMs) => ifCurrent((owner) => owner.loopResponsive(silentMs)),
    };
  }

  workerGone(worker: AgentWorker, exit: WorkerExit, about: WorkerEnd): void {
    if (worker === this.#current) {
      this.#current = undefined;
      this.#owner.workerGone(exit, about);
    } else if (worker === this.#next) {
      this.#next = undefined;
      this.#owner.nextGone(exit, about);
    } else if (worker === this.#retired) {
      this.#retired = undefined;
      this.#owner.retiredGone(exit, about);
    }
    if (this.#ending && about.asked && this.#living.length === 0) this.#owner.allGone();
  }

  #begin(incarnation: number): void {
    this.#current = this.#create(incarnation);
    this.#current.follow();
  }

  #promote(next: AgentWorker): void {
    this.#next = undefined;
    this.#current = next;
    this.#owner.workerPromoted(next);
    if (!next.serving) return;
    this.#owner.workerReady(next);
    if (next.loop?.silent === true) this.#owner.loopSilent();
  }

  #create(incarnation: number): AgentWorker {
    const parts = {
      spec: this.#spec,
      environment: this.#environment,
      clock: this.#clock(),
      keeper: this,
    };
    return new AgentWorker(incarnation, parts);
  }
}
