/**
 * An agent in a simulation: the machine, the mailbox and the crash history of a live one, over workers that are timers. Runs arrive by themselves; retries,
 * swaps and cancelled runs are not simulated.
 */

import { CrashHistory } from "../agent/crash-history.ts";
import type { EquippedEnvironment } from "../agent/environment.ts";
import { AgentLife, SharedLife } from "../agent/life.ts";
import { agentMachine } from "../agent/machine.ts";
import { Mailbox } from "../agent/mailbox.ts";
import type { NormalAgentSpec } from "../agent/spec.ts";
import type { ChildScope, RunningChild } from "../otp/supervisor/running-child.ts";
import { sample } from "./distribution.ts";
import type { ChildRecord } from "./recorder.ts";
import { SimulatedWorker, type WorkerOwner } from "./simulated-worker.ts";
import type { World } from "./world.ts";

/** A run that was asked for. */
interface SimulatedRun {
  readonly id: string;
  readonly askedAtMs: number;
}

/** The slot of one agent: it outlives its workers, and its own stops. */
export class SimulatedAgent implements WorkerOwner {
  readonly #spec: NormalAgentSpec;
  readonly #world: World;
  readonly #life: AgentLife;
  readonly #crashes: CrashHistory;
  readonly #mailbox: Mailbox<SimulatedRun>;
  readonly #runEnds = new Map<SimulatedRun, unknown>();
  #record: ChildRecord | undefined;
  #worker: SimulatedWorker | undefined;
  #halting = false;
  #restartTimer: unknown;
  #runs = 0;

  constructor(spec: NormalAgentSpec, world: World, environment: EquippedEnvironment) {
    this.#spec = spec;
    this.#world = world;
    this.#life = new AgentLife(spec, environment, new SharedLife(), spec.id);
    this.#crashes = new CrashHistory(this.#life);
    this.#mailbox = new Mailbox(spec.id, spec);
  }

  /** Runs that wait. */
  get waiting(): number {
    return this.#mailbox.waitingCount;
  }

  /** Begins under its supervisor: the first time, or again after it has stopped. */
  start(scope: ChildScope): RunningChild {
    const first = this.#record === undefined;
    this.#record = this.#world.recorder.child(this.#spec.id, scope.path, "agent");
    this.#crashes.begin();
    const actor = this.#life.begin(scope, this.#logic());
    if (first) this.#expectRuns();
    return {
      ref: this,
      actor,
      stop: () => this.#stop(),
      kill: () =>
        this.#life.turn(() => {
          this.#life.noteKill();
          this.#worker?.kill();
          this.#stop();
        }),
      resident: {
        halt: () => (this.#spec.restart === "temporary" ? this.#stop() : this.#life.send({ type: "supervisor.halt" })),
        restart: (delayMs) => this.#life.send({ type: "supervisor.restart", delayMs }),
        decided: (decision) => {
          this.#crashes.decided(decision);
          if (decision.type === "restart" && this.#crashes.startError !== undefined && this.#crashes.outOfPatience) {
            this.#reject(this.#mailbox.drain("waiting").length);
          }
        },
      },
    };
  }

  workerReady(): void {
    this.#crashes.served();
    this.#enter("up");
    this.#life.turn(() => this.#life.send({ type: "worker.ready" }));
  }

  workerGone(worker: SimulatedWorker): void {
    this.#worker = undefined;
    const held = this.#mailbox.drain("inFlight");
    for (const run of held) this.#forgetEnd(run);
    this.#written.lost += held.length;
    this.#world.clock.stir();
    if (worker.asked) {
      this.#life.turn(() => this.#life.send({ type: "worker.exited" }));
      return;
    }
    const runs = held.map(({ id }) => id);
    const hungAfterMs = this.#spec.hungAfterMs === "infinity" ? 0 : this.#spec.hungAfterMs;
    const crash = worker.crash(this.#spec.id, runs, this.#life.lastEvents, hungAfterMs);
    this.#written.crashes += 1;
    this.#enter("down");
    this.#crashes.note(crash);
    this.#life.turn(() => this.#life.send({ type: "worker.exited", crash: crash.describe }));
  }

  get #written(): ChildRecord {
    return this.#record as ChildRecord;
  }

  #logic(): typeof agentMachine {
    return agentMachine.provide({
      actions: {
        startWorker: ({ context }) => this.#startWorker(context.incarnation),
        stopWorker: () => this.#endWorker(() => this.#life.send({ type: "worker.exited" })),
        endWorker: () => this.#endWorker(() => this.#restartWhenGone()),
        restartWhenGone: () => this.#restartWhenGone(),
        restartNow: () => {
          if (this.#worker?.asked !== true) this.#schedule(0);
        },
        haltWorker: () => {
          this.#halting = true;
          if (this.#worker?.asked !== true) this.#endWorker(() => this.#restartWhenGone());
        },
        scheduleRestart: ({ context, event }) =>
          this.#schedule(event.type === "supervisor.restart" && !context.hurried ? event.delayMs : 0),
        reportCrash: () => this.#crashes.tellSupervisor(),
        serveRuns: () => this.#serve(),
        refuseRuns: () => this.#reject(this.#mailbox.drain("waiting").length),
        reportStopped: () => {
          this.#reject(this.#mailbox.drain("waiting").length);
          this.#enter("stopped");
          this.#world.clock.stir();
          this.#life.ended();
        },
      },
    });
  }

  #startWorker(incarnation: number): void {
    this.#life.incarnate(incarnation);
    this.#halting = false;
    this.#written.starts += 1;
    this.#enter("starting");
    const { id, startTimeoutMs } = this.#spec;
    const life = this.#world.nextLife(id, this.#written.path, incarnation);
    this.#worker = new SimulatedWorker({ incarnation, life, startTimeoutMs, clock: this.#world.clock, owner: this });
  }

  /** Its runs may finish, within `shutdownMs`. */
  #endWorker(withoutWorker: () => void): void {
    this.#clearTimer();
    const worker = this.#worker;
    if (worker === undefined) {
      withoutWorker();
      return;
    }
    this.#enter("down");
    worker.stop(this.#mailbox.inFlight.size === 0 || this.#life.killed ? 0 : this.#spec.shutdownMs);
  }

  #restartWhenGone(): void {
    if (!this.#halting) {
      this.#schedule(0);
      return;
    }
    this.#halting = false;
    this.#life.tellSupervisor((scope) => scope.exited("shutdown"));
  }

  #schedule(delayMs: number): void {
    this.#clearTimer();
    if (delayMs <= 0) {
      this.#life.send({ type: "restart.due" });
      return;
    }
    this.#restartTimer = this.#world.clock.after(delayMs, () => {
      this.#restartTimer = undefined;
      this.#life.send({ type: "restart.due" });
    });
  }

  #clearTimer(): void {
    this.#world.clock.clearTimeout(this.#restartTimer);
    this.#restartTimer = undefined;
  }

  #stop(): void {
    if (this.#life.stopped) this.#life.ended();
    else this.#life.send({ type: "agent.stop", reason: "shutdown" });
  }

  #enter(state: "up" | "starting" | "down" | "stopped"): void {
    this.#written.enter(state, this.#world.clock.now());
  }

  #expectRuns(): void {
    const { runs } = this.#world.faultsOf(this.#spec.id);
    if (runs === undefined) return;
    const random = this.#world.chance(`runs of ${this.#written.path}`);
    const next = (): void => {
      this.#world.clock.after(sample(runs.everyMs, random), () => {
        this.#ask();
        next();
      });
    };
    next();
  }

  #ask(): void {
    this.#runs += 1;
    const run = { id: String(this.#runs), askedAtMs: this.#world.clock.now() };
    const { state } = this.#life;
    if (this.#crashes.leftDownBy !== undefined || state === "stopping" || state === "stopped") {
      this.#reject(1);
      return;
    }
    try {
      this.#mailbox.push(run, this.#worker?.serving === true);
    } catch {
      this.#reject(1); // The queue is full.
      return;
    }
    this.#serve();
  }

  #serve(): void {
    const { clock } = this.#world;
    const { runs } = this.#world.faultsOf(this.#spec.id);
    if (runs === undefined) return;
    const random = this.#world.chance(`work of ${this.#written.path}`);
    while (this.#worker?.serving === true) {
      const run = this.#mailbox.take();
      if (run === undefined) return;
      this.#written.waitsMs.push(clock.now() - run.askedAtMs);
      this.#life.send({ type: "run.started", runId: run.id });
      this.#runEnds.set(
        run,
        clock.after(sample(runs.takesMs, random), () => this.#runEnded(run)),
      );
    }
  }

  #runEnded(run: SimulatedRun): void {
    this.#runEnds.delete(run);
    this.#mailbox.remove(run);
    this.#written.served += 1;
    this.#life.send({ type: "run.settled", runId: run.id });
    this.#serve();
    if (this.#mailbox.inFlight.size === 0) this.#worker?.drained();
  }

  #forgetEnd(run: SimulatedRun): void {
    this.#world.clock.clearTimeout(this.#runEnds.get(run));
    this.#runEnds.delete(run);
  }

  #reject(count: number): void {
    this.#written.rejected += count;
  }
}
