/** The swap of an agent's worker for the next one without a gap: the next one is ready before the current one is let go. */

import type { CrashRecord } from "../crash.ts";
import type { AgentWorker } from "./agent-worker.ts";
import type { AgentLife } from "./life.ts";
import type { Readiness } from "./readiness.ts";
import { workerError } from "./worker-error.ts";
import type { Workers } from "./workers.ts";

/** A swap that somebody waits for. */
interface Wanted {
  readonly reason: string;
  readonly done: PromiseWithResolvers<void>;
}

/** The swaps of one agent, one after the other. */
export class Swap {
  readonly #life: AgentLife;
  readonly #readiness: Readiness;
  readonly #workers: () => Workers;
  #running: Wanted | undefined;
  /** Asked for while one was under way, whose worker may have loaded what was there before. */
  #again: Wanted | undefined;

  constructor(parts: { life: AgentLife; readiness: Readiness; workers: () => Workers }) {
    this.#life = parts.life;
    this.#readiness = parts.readiness;
    this.#workers = parts.workers;
  }

  /** Whether a worker serves whose place another could take. */
  get possible(): boolean {
    return this.#workers().serving;
  }

  /** Whether a second worker lives. */
  get underWay(): boolean {
    return this.#workers().swapping;
  }

  /**
   * Asks for a worker that is launched from now on to take the current one's place. Whoever asks in the middle of a swap is served by one more, which all of
   * them share.
   * @returns settles when it serves; rejects with WorkerError when it does not get ready, and the current one serves on. What comes in between, a stop
   * or a crash of the current one, makes it a wait for whatever worker serves next.
   */
  request(reason: string): Promise<void> {
    const wanted: Wanted = this.#again ?? { reason, done: Promise.withResolvers() };
    if (this.#running === undefined && !this.#workers().swapping) this.#begin(wanted);
    else this.#again = wanted;
    return wanted.done.promise;
  }

  /** The next worker has taken the place of this one. */
  succeeded(worker: AgentWorker, retired: AgentWorker): void {
    const { reason = "" } = this.#running ?? {};
    const { pid = 0, startMs } = worker;
    this.#life.report({ type: "agent.swapped", pid, startMs, reason, retired: retired.incarnation });
    this.#end((wanted) => wanted.done.resolve());
  }

  /** The next worker is gone. `crash` is set when nobody had asked for that. */
  failed(crash: CrashRecord | undefined): void {
    const { reason = "" } = this.#running ?? {};
    this.#life.send({ type: "swap.failed" });
    if (crash !== undefined) this.#life.report({ type: "agent.swap_failed", reason, crash });
    this.#end((wanted) => {
      if (crash !== undefined && this.possible) wanted.done.reject(workerError(crash));
      else wanted.done.resolve(this.#readiness.promise);
    });
  }

  /** The current worker is gone, and the next one is started in its place as any other is. */
  overtaken(): void {
    this.#end((wanted) => wanted.done.resolve(this.#readiness.promise));
  }

  /** There is one worker again, or none: what was asked for meanwhile begins. */
  goOn(): void {
    const wanted = this.#again;
    if (wanted === undefined || this.#running !== undefined || this.#workers().swapping) return;
    this.#again = undefined;
    if (this.possible) this.#begin(wanted);
    else wanted.done.resolve(this.#readiness.promise);
  }

  #begin(wanted: Wanted): void {
    this.#running = wanted;
    const incarnation = this.#life.launched + 1;
    this.#life.turn(() => {
      this.#life.countLaunch(incarnation);
      this.#life.send({ type: "swap.begun", incarnation });
      this.#workers().launchNext(incarnation);
    });
  }

  #end(tell: (wanted: Wanted) => void): void {
    const wanted = this.#running;
    this.#running = undefined;
    if (wanted !== undefined) tell(wanted);
    this.goOn();
  }
}
