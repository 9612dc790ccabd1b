/** A worker in a simulation: it starts, crashes and ends as its life says, by timers. What it is to a live agent's code it is here: the same code launches and ends it. */

import type { HungLoop } from "../agent/loop-monitor.ts";
import type { Worker, WorkerExit, WorkerReady, WorkerSpec } from "../worker/launcher.ts";
import type { SimulationClock } from "./clock.ts";
import { crashExits, exitOf, startExits } from "./ends.ts";
import type { CrashKind, Life } from "./faults.ts";

/** What a ready worker says; nobody connects to it. */
const ready: WorkerReady = {
  pid: 0,
  socketPath: "",
  token: "",
  agentName: undefined,
  modelName: undefined,
  versions: {},
};

/** One worker. */
export class SimulatedWorker implements Worker {
  readonly incarnation: number;
  readonly pid = undefined;
  readonly started: Promise<{ ready: WorkerReady } | { exit: WorkerExit }>;
  readonly exited: Promise<WorkerExit>;
  /** Settles when nobody can reach it any more. */
  readonly unreachable: Promise<void>;
  /** Told when its event loop does not answer any more. */
  onHung: ((hung: HungLoop) => void) | undefined;
  readonly #clock: SimulationClock;
  readonly #beganAtMs: number;
  readonly #hungAfterMs: number;
  readonly #start = Promise.withResolvers<{ ready: WorkerReady } | { exit: WorkerExit }>();
  readonly #exit = Promise.withResolvers<WorkerExit>();
  readonly #lost = Promise.withResolvers<void>();
  #wasReady = false;
  #ended = false;
  #timer: unknown;

  /** @param hungAfterMs for how long the event loop of one that hangs has not answered when that is found out */
  constructor({ incarnation, startTimeoutMs }: WorkerSpec, life: Life, clock: SimulationClock, hungAfterMs: number) {
    this.incarnation = incarnation;
    this.#clock = clock;
    this.#beganAtMs = clock.now();
    this.#hungAfterMs = hungAfterMs;
    this.started = this.#start.promise;
    this.exited = this.#exit.promise;
    this.unreachable = this.#lost.promise;
    const late = life.startMs >= startTimeoutMs;
    const fails = late ? "start_timeout" : "failsAs" in life ? life.failsAs : undefined;
    this.#after(fails === "start_timeout" ? startTimeoutMs : life.startMs, () => {
      if (fails !== undefined) this.#end(startExits[fails]);
      else this.#becomeReady((life as { crash?: { afterMs: number; kind: CrashKind } }).crash);
    });
  }

  /** What runs has ended, or has had its time: it ends in a later step, as a process does. */
  stop(): Promise<WorkerExit> {
    this.#after(0, () => this.#end({ cause: "stopped", exitCode: 0 }));
    return this.exited;
  }

  kill(): void {
    this.#after(0, () => this.#end({ cause: "killed", signal: "SIGKILL" }));
  }

  usage(): undefined {
    return undefined;
  }

  async dumpStacks(): Promise<readonly string[]> {
    return [];
  }

  releaseSocket(): void {
    // It has none.
  }

  #becomeReady(crash: { readonly afterMs: number; readonly kind: CrashKind } | undefined): void {
    this.#wasReady = true;
    this.#start.resolve({ ready });
    if (crash !== undefined) this.#after(crash.afterMs, () => this.#crash(crash.kind));
  }

  #crash(kind: CrashKind): void {
    const exit = crashExits[kind];
    if (exit !== undefined) this.#end(exit);
    else if (kind === "hung") this.onHung?.({ silentMs: Math.min(this.#hungAfterMs, this.#uptimeMs), stacks: [] });
    else this.#lost.resolve();
  }

  get #uptimeMs(): number {
    return this.#clock.now() - this.#beganAtMs;
  }

  #after(ms: number, then: () => void): void {
    if (this.#ended) return;
    this.#clock.clearTimeout(this.#timer);
    this.#timer = this.#clock.after(ms, () => {
      this.#clock.stir();
      then();
    });
  }

  #end(facts: Partial<WorkerExit> & Pick<WorkerExit, "cause">): void {
    this.#ended = true;
    const { incarnation } = this;
    const exit = exitOf(facts, { incarnation, wasReady: this.#wasReady, uptimeMs: this.#uptimeMs });
    this.#start.resolve({ exit });
    this.#exit.resolve(exit);
  }
}
