/** A worker in a simulation: two timers, one to its ready or failed start, one to its end. */

import type { CrashRecord } from "../crash.ts";
import type { SimulationClock } from "./clock.ts";
import { crashOf } from "./ends.ts";
import type { CrashKind, Life, StartFaultKind } from "./faults.ts";

/** Who is told of a worker. */
export interface WorkerOwner {
  workerReady(): void;
  workerGone(worker: SimulatedWorker): void;
}

/** One worker. */
export class SimulatedWorker {
  readonly #incarnation: number;
  readonly #life: Life;
  readonly #clock: SimulationClock;
  readonly #owner: WorkerOwner;
  readonly #beganAtMs: number;
  #timer: unknown;
  #wasReady = false;
  #asked = false;
  #kind: CrashKind | StartFaultKind = "signaled";

  constructor(parts: {
    incarnation: number;
    life: Life;
    startTimeoutMs: number;
    clock: SimulationClock;
    owner: WorkerOwner;
  }) {
    this.#incarnation = parts.incarnation;
    this.#life = parts.life;
    this.#clock = parts.clock;
    this.#owner = parts.owner;
    this.#beganAtMs = this.#clock.now();
    const { life, startTimeoutMs } = parts;
    const late = life.startMs >= startTimeoutMs;
    const fails = late ? "start_timeout" : "failsAs" in life ? life.failsAs : undefined;
    const afterMs = fails === "start_timeout" ? startTimeoutMs : life.startMs;
    this.#timer = this.#clock.after(afterMs, () => (fails === undefined ? this.#becomeReady() : this.#end(fails)));
  }

  /** Whether it takes runs. */
  get serving(): boolean {
    return this.#wasReady && !this.#asked;
  }

  /** Whether its end was asked for. */
  get asked(): boolean {
    return this.#asked;
  }

  /** Asks it to end when its runs have, within `graceMs`. It ends in a later step, as a process does. */
  stop(graceMs: number): void {
    this.#asked = true;
    this.#schedule(graceMs);
  }

  /** It holds no run any more. */
  drained(): void {
    if (this.#asked) this.#schedule(0);
  }

  /** Ends it in the next step. */
  kill(): void {
    this.stop(0);
  }

  /** The record of its end. */
  crash(agentId: string, runsInFlight: string[], lastEvents: readonly string[], hungAfterMs: number): CrashRecord {
    const atMs = this.#clock.now();
    const place = {
      agentId,
      incarnation: this.#incarnation,
      atMs,
      wasReady: this.#wasReady,
      uptimeMs: atMs - this.#beganAtMs,
      runsInFlight,
      lastEvents,
    };
    return crashOf(this.#kind, place, hungAfterMs);
  }

  #becomeReady(): void {
    this.#wasReady = true;
    const { crash } = this.#life as { crash?: { afterMs: number; kind: CrashKind } };
    this.#timer = crash === undefined ? undefined : this.#clock.after(crash.afterMs, () => this.#end(crash.kind));
    this.#owner.workerReady();
  }

  #schedule(afterMs: number): void {
    this.#clock.clearTimeout(this.#timer);
    this.#timer = this.#clock.after(afterMs, () => this.#end("signaled"));
  }

  #end(kind: CrashKind | StartFaultKind): void {
    this.#kind = kind;
    this.#owner.workerGone(this);
  }
}
