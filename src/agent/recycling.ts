/** When a worker has served long enough: after so many runs, so much time, or with so much memory, the next one takes its place. */

import { isRecord } from "../describe-value.ts";
import { invalidArgument, unquotedArgument } from "../errors.ts";
import { type Clock, longestTimerMs } from "../otp/scheduler/clock.ts";
import { tellsMemory } from "../worker/memory.ts";

/** The limits of one worker. Each is none unless given; the first that is reached counts. */
export interface RecycleOptions {
  /** Runs that it has ended. */
  readonly maxRuns?: number | undefined;
  /** Time that it has served, in milliseconds. */
  readonly maxAgeMs?: number | undefined;
  /** Resident memory of its process, in bytes, as Linux tells it; looked at after each run and every 10 seconds. */
  readonly maxMemoryBytes?: number | undefined;
}

const known: readonly string[] = ["maxRuns", "maxAgeMs", "maxMemoryBytes"] satisfies (keyof RecycleOptions)[];

/** @throws CallerError "invalid_argument" naming the field, the value and the rule */
export function checkRecycle(recycle: RecycleOptions, agentId: string): RecycleOptions {
  const about = `(agent "${agentId}")`;
  if (!isRecord(recycle)) {
    throw invalidArgument("spec.recycle", recycle, `an object of ${known.join(", ")} ${about}`);
  }
  for (const [key, value] of Object.entries(recycle)) {
    const field = `spec.recycle.${key}`;
    if (!known.includes(key)) throw unquotedArgument(field, value, `one of ${known.join(", ")} ${about}`);
    const most = key === "maxAgeMs" ? longestTimerMs : Number.MAX_SAFE_INTEGER;
    if (value !== undefined && !(Number.isInteger(value) && value >= 1 && value <= most)) {
      throw invalidArgument(field, value, `an integer from 1 to ${most} ${about}`);
    }
    if (key === "maxMemoryBytes" && value !== undefined && !tellsMemory) {
      throw invalidArgument(field, value, `left out on ${process.platform}: only Linux tells it ${about}`);
    }
  }
  return { ...recycle };
}

/** How often the memory of a worker is looked at beside the ends of its runs, in milliseconds. */
const memoryEveryMs = 10_000;
/** The pause after a swap that did not come about, and the longest one, in milliseconds. Each is twice the one before. */
const pause = { firstMs: 1_000, longestMs: 60_000 } as const;

/** What a recycling needs of its agent. */
export interface RecyclingParts {
  readonly limits: RecycleOptions;
  readonly clock: () => Clock;
  /** Memory of a process in bytes, where that is known. */
  readonly memoryOf: (pid: number) => number | undefined;
  /** Swaps the worker; rejects when that does not come about. Undefined when it cannot be swapped now. */
  readonly swap: (reason: string) => Promise<void> | undefined;
}

/** Watches the limits of the current worker. */
export class Recycling {
  readonly #parts: RecyclingParts;
  #pid: number | undefined;
  #runs = 0;
  #sinceMs = 0;
  #failures = 0;
  /** Whether a swap has been asked for, or is to be asked for again after a pause. */
  #asked = false;
  readonly #timers = new Set<unknown>();

  constructor(parts: RecyclingParts) {
    this.#parts = parts;
  }

  /** A worker serves from now on. */
  began(pid: number): void {
    this.ended();
    this.#pid = pid;
    this.#runs = 0;
    this.#failures = 0;
    this.#sinceMs = this.#parts.clock().monotonicMs();
    const { maxAgeMs, maxMemoryBytes } = this.#parts.limits;
    if (maxAgeMs !== undefined) this.#after(maxAgeMs, () => this.#check());
    if (maxMemoryBytes !== undefined) this.#lookAgain();
  }

  /** The worker has ended a run. */
  runEnded(): void {
    this.#runs += 1;
    this.#check();
  }

  /** The worker serves no more. */
  ended(): void {
    this.#pid = undefined;
    this.#asked = false;
    for (const timer of this.#timers) this.#parts.clock().clearTimeout(timer);
    this.#timers.clear();
  }

  #check(): void {
    if (this.#asked || this.#pid === undefined) return;
    const reason = this.#reached(this.#pid);
    if (reason === undefined) return;
    this.#asked = true;
    const pid = this.#pid;
    const swapped = this.#parts.swap(reason);
    // Another swap is not over yet.
    if (swapped === undefined) this.#tryAfter(pause.firstMs);
    // A failed swap has been reported; what this worker's successor does is none of its affair.
    else swapped.catch(() => (this.#pid === pid ? this.#failed() : undefined));
  }

  #failed(): void {
    this.#tryAfter(Math.min(pause.firstMs * 2 ** this.#failures, pause.longestMs));
    this.#failures += 1;
  }

  #tryAfter(delayMs: number): void {
    this.#after(delayMs, () => {
      this.#asked = false;
      this.#check();
    });
  }

  #lookAgain(): void {
    this.#after(memoryEveryMs, () => {
      this.#check();
      this.#lookAgain();
    });
  }

  #after(delayMs: number, work: () => void): void {
    const timer = this.#parts.clock().setTimeout(() => {
      this.#timers.delete(timer);
      work();
    }, delayMs);
    this.#timers.add(timer);
  }

  /** The limit that is reached, as the reason of the swap. */
  #reached(pid: number): string | undefined {
    const { maxRuns, maxAgeMs, maxMemoryBytes } = this.#parts.limits;
    if (maxRuns !== undefined && this.#runs >= maxRuns) return `recycled after ${this.#runs} runs (maxRuns ${maxRuns})`;
    const ageMs = Math.round(this.#parts.clock().monotonicMs() - this.#sinceMs);
    if (maxAgeMs !== undefined && ageMs >= maxAgeMs) return `recycled after ${ageMs} ms (maxAgeMs ${maxAgeMs})`;
    if (maxMemoryBytes === undefined) return undefined;
    const bytes = this.#parts.memoryOf(pid) ?? 0;
    return bytes < maxMemoryBytes ? undefined : `recycled with ${bytes} bytes (maxMemoryBytes ${maxMemoryBytes})`;
  }
}
