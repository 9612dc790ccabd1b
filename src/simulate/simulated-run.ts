/** A run in a simulation: it waits in its agent's queue as a live one, and works for as long as its faults say. */

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
  #work: unknown;
  #ended = false;

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
    return this.#ended;
  }

  get usage(): Usage | undefined {
    return this.#usage;
  }

  get crashes(): readonly CrashRecord[] {
    return this.#deaths.crashes;
  }

  get suspect(): boolean {
    return this.#deaths.crashes.length > 0 && !this.#ended;
  }

  wait(): void {
    // Nobody cancels it, and it has no deadline.
  }

  begin(_client: unknown, _incarnation: number, model?: string): void {
    if (this.#deaths.crashes.length === 0) this.#record.waitsMs.push(this.#clock.now() - this.#askedAtMs);
    if (model !== undefined) this.#record.degraded += 1;
    this.#work = this.#clock.after(this.#plan.takesMs(), () => {
      this.#usage = this.#plan.usage();
      this.#record.served += 1;
      this.#end();
    });
  }

  fail(): void {
    if (this.#ended) return;
    this.#record.rejected += 1;
    this.#end();
  }

  died(crash: CrashRecord): RunFate {
    const fate = this.#deaths.add(crash, false);
    if (fate !== "again") return fate;
    this.#clock.clearTimeout(this.#work);
    this.#record.retried += 1;
    return fate;
  }

  lost(): void {
    this.#record.lost += 1;
    this.#end();
  }

  #end(): void {
    this.#ended = true;
    this.#clock.clearTimeout(this.#work);
    this.#owner.runEnded(this);
  }
}
