/** A worker that may still be on its way: what is asked of it before the fork holds for the fork. */

import type { Clock } from "./clock.ts";
import type { Worker, WorkerExit, WorkerReady, WorkerSpec, WorkerUsage } from "./launcher.ts";

/** Why a worker that has not been forked yet is wanted no more. */
export type GivenUp = "stop" | "kill";

/** The {@link Worker} that is a promise of one. */
export class ForkedWorker implements Worker {
  readonly incarnation: number;
  readonly started: Promise<{ ready: WorkerReady } | { exit: WorkerExit }>;
  readonly exited: Promise<WorkerExit>;
  readonly spawned: Promise<void>;
  readonly #clock: Clock;
  readonly #coming: Promise<Worker>;
  readonly #givenUp = Promise.withResolvers<GivenUp>();
  #worker: Worker | undefined;

  /** @param begin brings it about; as long as no process has been begun, it may settle with one that never was when it is given up */
  constructor(spec: WorkerSpec, clock: Clock, begin: (givenUp: Promise<GivenUp>) => Promise<Worker>) {
    this.incarnation = spec.incarnation;
    this.#clock = clock;
    this.#coming = begin(this.#givenUp.promise).then((worker) => {
      this.#worker = worker;
      return worker;
    });
    this.spawned = this.#coming.then(() => undefined);
    this.started = this.#coming.then((worker) => worker.started);
    this.exited = this.#coming.then((worker) => worker.exited);
  }

  get pid(): number | undefined {
    return this.#worker?.pid;
  }

  async importedFiles(): Promise<readonly string[]> {
    return (await this.#worker?.importedFiles?.()) ?? [];
  }

  usage(): WorkerUsage | undefined {
    return this.#worker?.usage();
  }

  dumpStacks(): Promise<readonly string[]> {
    return this.#worker?.dumpStacks() ?? Promise.resolve([]);
  }

  releaseSocket(): void {
    if (this.#worker !== undefined) this.#worker.releaseSocket();
    else void this.#coming.then((worker) => worker.releaseSocket());
  }

  stop(graceMs: number, drainMs?: number): Promise<WorkerExit> {
    if (this.#worker !== undefined) return this.#worker.stop(graceMs, drainMs);
    this.#givenUp.resolve(graceMs > 0 ? "stop" : "kill");
    const untilMs = this.#clock.now() + graceMs;
    return this.#coming.then((worker) => worker.stop(untilMs - this.#clock.now(), drainMs));
  }

  kill(): void {
    if (this.#worker !== undefined) {
      this.#worker.kill();
      return;
    }
    this.#givenUp.resolve("kill");
    void this.#coming.then((worker) => worker.kill());
  }
}
