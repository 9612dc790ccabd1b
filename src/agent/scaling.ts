/** When an agent gets one instance more, and when one goes: by how long runs wait, and by how long instances hold none. */

import type { Clock } from "../otp/scheduler/clock.ts";
import type { InstanceLimits } from "./instance-limits.ts";

/** What a scaling needs of its agent. `Instance` is whatever the agent knows one by. */
export interface ScalingParts<Instance> {
  readonly limits: InstanceLimits;
  readonly maxConcurrency: number;
  readonly clock: () => Clock;
  /** How many runs wait. */
  readonly waiting: () => number;
  /** How long the first of them has waited, in milliseconds; undefined when none does. */
  readonly oldestWaitMs: () => number | undefined;
  /** The instances that there are, those that are down included, oldest first. */
  readonly instances: () => readonly Instance[];
  /** Whether it is on its way: it will take what waits. */
  readonly isStarting: (instance: Instance) => boolean;
  /** Whether it serves and holds no run. */
  readonly isIdle: (instance: Instance) => boolean;
  readonly add: (because: string) => void;
  readonly retire: (instance: Instance, because: string) => void;
}

/** The scaling of one agent. */
export class Scaling<Instance> {
  readonly #parts: ScalingParts<Instance>;
  readonly #idleSinceMs = new Map<Instance, number>();
  #addedAtMs = Number.NEGATIVE_INFINITY;
  #upTimer: unknown;
  #downTimer: unknown;

  constructor(parts: ScalingParts<Instance>) {
    this.#parts = parts;
  }

  /** The queue, or what the instances do, is another than before. */
  changed(): void {
    if (this.#upTimer === undefined) this.#up();
    const { min, max } = this.#parts.limits;
    if (min === max) return; // None is ever retired.
    this.#noteIdle();
    if (this.#downTimer === undefined) this.#waitForIdle();
  }

  /** Somebody waits for a worker: there is to be one. */
  wake(): void {
    if (this.#count === 0) this.#add("somebody waits for a worker");
  }

  /** Nothing is added or retired until `changed` again. */
  stop(): void {
    const { clock } = this.#parts;
    if (this.#upTimer !== undefined) clock().clearTimeout(this.#upTimer);
    if (this.#downTimer !== undefined) clock().clearTimeout(this.#downTimer);
    this.#upTimer = undefined;
    this.#downTimer = undefined;
    this.#idleSinceMs.clear();
  }

  get #count(): number {
    return this.#parts.instances().length;
  }

  #up(): void {
    const { limits, clock, oldestWaitMs } = this.#parts;
    const waitMs = oldestWaitMs();
    if (waitMs === undefined || this.#count >= limits.max) return;
    if (this.#count === 0) this.#add("a run waits, and there is no instance");
    const dueInMs = () => limits.scaleUpAfterMs - Math.min(waitMs, clock().monotonicMs() - this.#addedAtMs);
    while (dueInMs() <= 0 && this.#count < limits.max && !this.#enoughStart) {
      this.#add(`a run has waited for ${Math.round(waitMs)} ms`);
    }
    const inMs = dueInMs();
    this.#upTimer = clock().setTimeout(
      () => {
        this.#upTimer = undefined;
        this.#up();
      },
      Math.max(1, Math.ceil(inMs > 0 ? inMs : limits.scaleUpAfterMs)),
    );
  }

  /** Whether those that are on their way have places for all that waits. */
  get #enoughStart(): boolean {
    const { waiting, instances, isStarting, maxConcurrency } = this.#parts;
    return instances().filter(isStarting).length * maxConcurrency >= waiting();
  }

  #add(because: string): void {
    this.#addedAtMs = this.#parts.clock().monotonicMs();
    this.#parts.add(because);
  }

  #noteIdle(): void {
    const { clock, instances, isIdle } = this.#parts;
    const all = new Set(instances());
    for (const known of this.#idleSinceMs.keys()) if (!all.has(known)) this.#idleSinceMs.delete(known);
    for (const instance of all) {
      if (!isIdle(instance)) this.#idleSinceMs.delete(instance);
      else if (!this.#idleSinceMs.has(instance)) this.#idleSinceMs.set(instance, clock().monotonicMs());
    }
  }

  #waitForIdle(): void {
    const { limits, clock } = this.#parts;
    if (this.#count <= limits.min || this.#idleSinceMs.size === 0) return;
    const firstMs = Math.min(...this.#idleSinceMs.values()) + limits.idleMs;
    this.#downTimer = clock().setTimeout(
      () => {
        this.#downTimer = undefined;
        this.#down();
        this.#waitForIdle();
      },
      Math.max(1, Math.ceil(firstMs - clock().monotonicMs())),
    );
  }

  /** The youngest first. */
  #down(): void {
    const { limits, clock, instances, retire } = this.#parts;
    this.#noteIdle();
    for (const instance of instances().toReversed()) {
      const sinceMs = this.#idleSinceMs.get(instance);
      if (sinceMs === undefined || this.#count <= limits.min) continue;
      const idleMs = clock().monotonicMs() - sinceMs;
      if (idleMs < limits.idleMs) continue;
      this.#idleSinceMs.delete(instance);
      retire(instance, `it has held no run for ${Math.round(idleMs)} ms`);
    }
  }
}
