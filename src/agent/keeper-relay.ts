/** The keeper of a worker that changes hands: what it tells goes to whoever has it now. */

import type { WorkerExit } from "../worker/launcher.ts";
import type { AgentWorker, WorkerEnd, WorkerKeeper } from "./agent-worker.ts";
import type { LoopOwner } from "./loop-monitor.ts";

/** Passes on what one worker tells and asks. */
export class KeeperRelay implements WorkerKeeper {
  #to: WorkerKeeper;

  constructor(first: WorkerKeeper) {
    this.#to = first;
  }

  /** From now on it is this one's. */
  handTo(keeper: WorkerKeeper): void {
    this.#to = keeper;
  }

  heldRuns(worker: AgentWorker): number {
    return this.#to.heldRuns(worker);
  }

  workerSpawned(worker: AgentWorker): void {
    this.#to.workerSpawned(worker);
  }

  workerReady(worker: AgentWorker): void {
    this.#to.workerReady(worker);
  }

  workerUnavailable(worker: AgentWorker): void {
    this.#to.workerUnavailable(worker);
  }

  workerDraining(worker: AgentWorker, signal: NodeJS.Signals): void {
    this.#to.workerDraining(worker, signal);
  }

  loopOwner(worker: AgentWorker): LoopOwner {
    const now = () => this.#to.loopOwner(worker);
    return {
      forsaken: () => now().forsaken(),
      loopSilent: () => now().loopSilent(),
      loopAnswers: () => now().loopAnswers(),
      loopUnresponsive: (silentMs, stacks) => now().loopUnresponsive(silentMs, stacks),
      loopResponsive: (silentMs) => now().loopResponsive(silentMs),
    };
  }

  workerGone(worker: AgentWorker, exit: WorkerExit, about: WorkerEnd): void {
    this.#to.workerGone(worker, exit, about);
  }
}
