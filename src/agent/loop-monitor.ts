/** Whether the event loop of a worker answers, and what follows when it does not: first a report, then the worker's end. */

import type { Clock } from "../otp/scheduler/clock.ts";
import type { Worker, WorkerUsage } from "../worker/launcher.ts";

/** How a loop was found to hang: it had not answered for so long, and the worker's threads and tasks stood there. */
export interface HungLoop {
  readonly silentMs: number;
  /** Lines; empty when the worker could not tell. */
  readonly stacks: readonly string[];
}

/** The worker as its monitor sees it. */
export interface WatchedLoop {
  readonly worker: Pick<Worker, "usage" | "dumpStacks">;
  /** Asks the event loop; settles when it has answered, and rejects when that cannot be known any more. */
  ask(): Promise<unknown>;
  /** The loop has not answered for `hungAfterMs`, and the worker did not work. */
  hung(hung: HungLoop): void;
}

/** Who is told of the loop of an agent's worker. */
export interface LoopOwner {
  /** Whether the worker holds runs and the callers of all of them have left. */
  forsaken(): boolean;
  /** It is not known whether the loop answers: no run should be handed to it. */
  loopSilent(): void;
  /** The loop answers again. */
  loopAnswers(): void;
  /** The loop has not answered for `unresponsiveAfterMs`. */
  loopUnresponsive(silentMs: number, stacks: readonly string[]): void;
  /** A loop that was unresponsive answers again, after so long. */
  loopResponsive(silentMs: number): void;
}

/** What a worker's owner is told by whoever watches its event loop. */
export interface LoopWatch {
  /** Whether it is not known that the loop answers. */
  readonly silent: boolean;
  /** Whether the loop has not answered for `unresponsiveAfterMs`. */
  readonly unresponsive: boolean;
  /** How long the loop took to answer the last time, or has not answered now, in milliseconds. */
  readonly lagMs: number;
  /** A run had no answer in time: whether the loop answers is to be found out before it is relied upon. */
  doubt(): void;
  /** The worker is to end, or has ended. */
  end(): void;
}

/** How patient a monitor is, in milliseconds. */
export interface LoopLimits {
  readonly unresponsiveAfterMs: number;
  readonly hungAfterMs: number | "infinity";
}

/** The share of an interval that a worker must have used of a processor to count as busy. */
const busyShare = 0.05;
/**
 * How many turns of the host's event loop an answer has, beside the time: what has arrived is read before it is judged, by a host that was held up and
 * by one whose clock a test moves.
 */
const turnsToHear = 8;
const longestPeriodMs = 1_000;
const shortestPeriodMs = 10;

/**
 * The monitor of one worker, from the moment it serves until it is to end. Only time is counted in which the host could have heard an answer: an
 * interval whose end came late, because the host itself was stalled or asleep, does not count.
 */
export class LoopMonitor implements LoopWatch {
  readonly #loop: WatchedLoop;
  /** Who that is at the moment: a worker changes hands. */
  readonly #owner: () => LoopOwner;
  readonly #clock: Clock;
  readonly #unresponsiveAfterMs: number;
  readonly #hungAfterMs: number;
  readonly #periodMs: number;
  #timer: unknown;
  #turn: NodeJS.Immediate | undefined;
  #ended = false;
  #lastLookMs: number;
  /** Questions are numbered; an answer to a later one says more. */
  #asked = 0;
  #answered = 0;
  #askedAtMs = 0;
  #lagMs = 0;
  /** The question whose answer ends the silence. */
  #awaited = 0;
  #silent = false;
  #unresponsive = false;
  #dumping = false;
  #silentMs = 0;
  /** For how much of its silence the worker did not work. */
  #stillMs = 0;
  #cpuMs: number | undefined;

  constructor(loop: WatchedLoop, owner: () => LoopOwner, limits: LoopLimits, clock: Clock) {
    this.#loop = loop;
    this.#owner = owner;
    this.#clock = clock;
    this.#hungAfterMs = limits.hungAfterMs === "infinity" ? Number.POSITIVE_INFINITY : limits.hungAfterMs;
    this.#unresponsiveAfterMs = Math.min(limits.unresponsiveAfterMs, this.#hungAfterMs);
    this.#periodMs = Math.min(longestPeriodMs, Math.max(shortestPeriodMs, Math.floor(this.#unresponsiveAfterMs / 5)));
    this.#lastLookMs = clock.monotonicMs();
    this.#schedule();
  }

  get silent(): boolean {
    return this.#silent;
  }

  get unresponsive(): boolean {
    return this.#unresponsive;
  }

  get lagMs(): number {
    const waitingMs = this.#asked > this.#answered ? this.#clock.monotonicMs() - this.#askedAtMs : 0;
    return Math.max(this.#lagMs, waitingMs);
  }

  doubt(): void {
    if (this.#ended || this.#silent) return;
    this.#silent = true;
    this.#awaited = this.#asked + 1;
    this.#owner().loopSilent();
    this.#ask();
  }

  end(): void {
    this.#ended = true;
    clearImmediate(this.#turn);
    this.#clock.clearTimeout(this.#timer);
  }

  #schedule(): void {
    this.#timer = this.#clock.setTimeout(() => {
      this.#afterTurns(turnsToHear, () => {
        this.#look();
        if (!this.#ended) this.#schedule();
      });
    }, this.#periodMs);
  }

  #afterTurns(turns: number, then: () => void): void {
    this.#turn = setImmediate(turns > 1 ? () => this.#afterTurns(turns - 1, then) : then);
  }

  #look(): void {
    const nowMs = this.#clock.monotonicMs();
    const passedMs = nowMs - this.#lastLookMs;
    this.#lastLookMs = nowMs;
    const usage = this.#loop.worker.usage();
    const usedMs = usage === undefined || this.#cpuMs === undefined ? undefined : usage.cpuMs - this.#cpuMs;
    this.#cpuMs = usage?.cpuMs;
    if (this.#asked === this.#answered) {
      this.#ask();
      return;
    }
    if (passedMs > this.#periodMs * 2) return;
    this.#silentMs += passedMs;
    if (this.#works(usage, usedMs, passedMs) && !this.#owner().forsaken()) this.#stillMs = 0;
    else this.#stillMs += passedMs;
    if (!this.#unresponsive && this.#silentMs >= this.#unresponsiveAfterMs) this.#becomeUnresponsive();
    else if (this.#stillMs >= this.#hungAfterMs) this.#becomeHung();
  }

  /** Whether the worker has worked, or would have; where nothing can be known it gets the benefit of the doubt. */
  #works(usage: WorkerUsage | undefined, usedMs: number | undefined, passedMs: number): boolean {
    if (usage === undefined || usedMs === undefined) return true;
    return !usage.stopped && (usedMs >= passedMs * busyShare || usage.runnable);
  }

  #ask(): void {
    const question = ++this.#asked;
    const askedAtMs = this.#clock.monotonicMs();
    if (question === this.#answered + 1) this.#askedAtMs = askedAtMs;
    this.#loop.ask().then(
      () => {
        if (!this.#ended) this.#hear(question, askedAtMs);
      },
      () => undefined, // The connection is lost: that ends the worker.
    );
  }

  #hear(question: number, askedAtMs: number): void {
    this.#answered = Math.max(this.#answered, question);
    this.#lagMs = this.#clock.monotonicMs() - askedAtMs;
    const silentMs = this.#silentMs;
    this.#silentMs = 0;
    this.#stillMs = 0;
    if (!this.#silent || question < this.#awaited) return;
    const wasUnresponsive = this.#unresponsive;
    this.#silent = false;
    this.#unresponsive = false;
    this.#owner().loopAnswers();
    if (wasUnresponsive && !this.#dumping) this.#owner().loopResponsive(Math.round(silentMs));
  }

  #becomeUnresponsive(): void {
    this.#unresponsive = true;
    const silentMs = Math.round(this.#silentMs);
    if (!this.#silent) {
      this.#silent = true;
      this.#awaited = this.#asked;
      this.#owner().loopSilent();
    }
    void this.#dump((stacks) => {
      this.#owner().loopUnresponsive(silentMs, stacks);
      if (!this.#unresponsive) this.#owner().loopResponsive(Math.round(this.#silentMs) || silentMs);
    });
  }

  /** The signal that asks for the stacks may wake what has blocked the loop: then it is not hung. */
  #becomeHung(): void {
    void this.#dump((stacks) => {
      if (this.#unresponsive && this.#stillMs > 0) this.#loop.hung({ silentMs: Math.round(this.#silentMs), stacks });
    });
  }

  async #dump(then: (stacks: readonly string[]) => void): Promise<void> {
    if (this.#dumping) return;
    this.#dumping = true;
    const stacks = await this.#loop.worker.dumpStacks();
    this.#dumping = false;
    if (!this.#ended) then(stacks);
  }
}
