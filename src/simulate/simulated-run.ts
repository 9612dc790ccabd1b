/** A run in a simulation: it waits in its agent's queue as a live one, works for as long as its faults say, and is left when its time or its caller's patience is up. */

import type { PendingRun, RunOwner } from "../agent/pending-run.ts";
import { Deaths, type RunFate } from "../agent/retry.ts";
import type { CrashRecord } from "../crash.ts";
import type { Usage } from "../usage.ts";
import type { SimulationClock } from "./clock.ts";
import type { ChildRecord } from "./recorder.ts";

/** What is drawn for a run when it is asked for. */
export interface RunPlan {
  readonly id: string;
  readonly idempotent: boolean;
  /** How long a worker works on it; drawn when one takes it. */
  readonly takesMs: () => number;
  readonly usage: () => Usage | undefined;
  /** Undefined: it has no deadline. */
  readonly timeoutMs: number | undefined;
  /** When its caller leaves; undefined: never. */
  readonly cancelAfterMs: number | undefined;
  /** How long a worker goes on with it that nobody waits for any more; drawn when that is so. */
  readonly lingersMs: () => number;
}

/** One run. */
export class SimulatedRun implements PendingRun {
  readonly id: string;
  readonly progress = undefined;
  /** As live ones have it for their crash records: here each is its own. */
  readonly fingerprint: string;
  readonly #plan: RunPlan;
  readonly #owner: RunOwner;
  readonly #clock: SimulationClock;
  readonly #record: ChildRecord;
  readonly #deaths: Deaths;
  readonly #askedAtMs: number;
  #usage: Usage | undefined;
  /** The work on it, and when that is done. */
  #work: { readonly timer: unknown; readonly untilMs: number } | undefined;
  /** What waits for its deadline or for its caller to leave. */
  #patience: unknown;
  #answered = false;

  constructor(plan: RunPlan, owner: RunOwner, clock: SimulationClock, record: ChildRecord) {
    this.id = plan.id;
    this.fingerprint = plan.id;
    this.#plan = plan;
    this.#owner = owner;
    this.#clock = clock;
    this.#record = record;
    this.#deaths = new Deaths({ idempotent: plan.idempotent }, owner.retry);
    this.#askedAtMs = clock.now();
  }

  get answered(): boolean {
    return this.#answered;
  }

  get usage(): Usage | undefined {
    return this.#usage;
  }

  get crashes(): readonly CrashRecord[] {
    return this.#deaths.crashes;
  }

  get suspect(): boolean {
    return this.#deaths.crashes.length > 0 && !this.#answered;
  }

  wait(): void {
    const { timeoutMs, cancelAfterMs } = this.#plan;
    const leavesFirst = (cancelAfterMs ?? Number.POSITIVE_INFINITY) < (timeoutMs ?? Number.POSITIVE_INFINITY);
    const ms = leavesFirst ? cancelAfterMs : timeoutMs;
    if (ms !== undefined)
      this.#patience = this.#clock.after(ms, () => this.#leave(leavesFirst ? "cancelled" : "timedOut"));
  }

  begin(_client: unknown, _incarnation: number, model?: string): void {
    if (this.#deaths.crashes.length === 0) this.#record.waitsMs.push(this.#clock.now() - this.#askedAtMs);
    if (model !== undefined) this.#record.degraded += 1;
    this.#workFor(this.#plan.takesMs(), () => {
      this.#usage = this.#plan.usage();
      this.#answer("served");
      this.#end();
    });
  }

  fail(): void {
    if (this.#answer("rejected")) this.#end();
  }

  died(crash: CrashRecord): RunFate {
    const fate = this.#answered ? "lost" : this.#deaths.add(crash, false);
    if (fate !== "again") return fate;
    this.#stopWork();
    this.#record.retried += 1;
    return fate;
  }

  lost(): void {
    this.#answer("lost");
    this.#end();
  }

  /** Nobody waits for it any more; a worker that has it ends it, and its place is free then. */
  #leave(how: "cancelled" | "timedOut"): void {
    this.#owner.turn(() => {
      if (!this.#answer(how)) return;
      if (this.#work === undefined) {
        this.#end();
        return;
      }
      const leftMs = this.#work.untilMs - this.#clock.now();
      this.#workFor(Math.min(leftMs, this.#plan.lingersMs()), () => this.#end());
      this.#owner.runLeft(this);
    });
  }

  /** Its caller is answered, in one way; false when it was before. */
  #answer(how: "served" | "rejected" | "lost" | "cancelled" | "timedOut"): boolean {
    if (this.#answered) return false;
    this.#answered = true;
    this.#record[how] += 1;
    this.#clock.clearTimeout(this.#patience);
    return true;
  }

  #workFor(ms: number, then: () => void): void {
    this.#stopWork();
    this.#work = { timer: this.#clock.after(ms, then), untilMs: this.#clock.now() + ms };
  }

  #stopWork(): void {
    this.#clock.clearTimeout(this.#work?.timer);
    this.#work = undefined;
  }

  /** Nothing is left of it. */
  #end(): void {
    this.#stopWork();
    this.#owner.runEnded(this);
  }
}
