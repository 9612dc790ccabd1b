/** One instance of an agent: the stable slot that starts, restarts and stops, whatever worker it has at the moment. Most agents have one. */

import type { SynapseError } from "../errors.ts";
import type { ChildScope, RunningChild } from "../otp/supervisor/running-child.ts";
import type { AgentClient } from "../rpc/agent-client.ts";
import type { AgentWorker, WorkerKeeper } from "./agent-worker.ts";
import { CrashHistory } from "./crash-history.ts";
import type { EquippedEnvironment } from "./environment.ts";
import type { InstanceInfo } from "./instance-info.ts";
import { AgentLife, type SharedLife } from "./life.ts";
import { type AgentState, agentMachine } from "./machine.ts";
import { Mailbox } from "./mailbox.ts";
import type { PendingRun } from "./pending-run.ts";
import { Readiness } from "./readiness.ts";
import { Renewal } from "./renewal.ts";
import type { RestartOptions } from "./restart-options.ts";
import type { RunServer } from "./run-dispatcher.ts";
import type { RunQueue } from "./run-queue.ts";
import type { NormalAgentSpec } from "./spec.ts";
import { Swap } from "./swap.ts";
import { terminateBySupervisor } from "./terminate-child.ts";
import { stoppedError, stoppingError } from "./worker-error.ts";
import { WorkerObserver } from "./worker-observer.ts";
import { Workers } from "./workers.ts";

/** An agent as its instances see it. */
export interface InstanceOwner {
  readonly spec: NormalAgentSpec;
  readonly environment: EquippedEnvironment;
  readonly shared: SharedLife;
  readonly queue: RunQueue<PendingRun>;
  /** Hands waiting runs to the workers that take some. */
  serve(): void;
  /** A worker that is ready beside those that serve, which is this keeper's from now on; undefined when there is none. */
  takeSpare(keeper: WorkerKeeper): AgentWorker | undefined;
  /** A worker that was asked for has taken the place of another. */
  workerSwapped(worker: AgentWorker): void;
  /** The instance takes no more runs, and is about to end. */
  instanceStopping(instance: Instance): void;
  /** The instance has ended: its supervisor is to be told, with `life.ended()`. */
  instanceEnded(instance: Instance, reason: string): void;
  /** So many starts in a row have failed that who waits is to be told why no worker serves. The instance goes on trying. */
  startsFail(instance: Instance, error: SynapseError): void;
}

/** One instance. It outlives its workers, and its machine too when it is stopped and started again. */
export class Instance implements RunServer {
  readonly life: AgentLife;
  readonly mailbox: Mailbox<PendingRun>;
  readonly workers: Workers;
  readonly crashes: CrashHistory;
  readonly renewal: Renewal;
  readonly #owner: InstanceOwner;
  readonly #readiness: Readiness;
  readonly #swap: Swap;
  /** Whether the supervisor wants to be told when the worker is gone, and to decide what follows. */
  #halting = false;
  #begun = false;
  #restarts = 0;
  #restartTimer: unknown;

  /** @param onReadiness told when a worker begins or ceases to serve */
  constructor(owner: InstanceOwner, id: string, onReadiness?: (ready: boolean) => void) {
    const { spec, environment, shared, queue } = owner;
    const life = new AgentLife(spec, environment, shared, id);
    const mailbox = new Mailbox<PendingRun>(queue, spec.maxConcurrency);
    const crashes = new CrashHistory(life);
    const readiness = new Readiness(onReadiness);
    const swap = new Swap({ life, readiness, workers: () => this.workers });
    const renewal = new Renewal({ life, swap });
    const observer = new WorkerObserver({
      life,
      mailbox,
      crashes,
      readiness,
      swap,
      renewal,
      serve: () => owner.serve(),
      swapped: (worker) => owner.workerSwapped(worker),
    });
    this.#owner = owner;
    this.life = life;
    this.mailbox = mailbox;
    this.crashes = crashes;
    this.renewal = renewal;
    this.#readiness = readiness;
    this.#swap = swap;
    this.workers = new Workers(spec, environment, observer, () => life.clock);
  }

  get id(): string {
    return this.life.id;
  }

  /** Before its supervisor has got to its first start it starts. */
  get state(): AgentState {
    return this.#begun ? this.life.state : "starting";
  }

  /** The connection to its worker while that takes runs, and the worker's number. */
  get serving(): { readonly client: AgentClient; readonly incarnation: number } | undefined {
    const { client } = this.workers;
    return client === undefined ? undefined : { client, incarnation: this.life.incarnation };
  }

  /** As a list of instances has it. */
  get info(): InstanceInfo {
    const { life, workers, mailbox, restarts } = this;
    const { id, incarnation } = life;
    return { id, state: this.state, incarnation, pid: workers.pid, inFlight: mailbox.heldCount, restarts };
  }

  /** Settles when a worker serves; rejects when the instance stops first. */
  get ready(): Promise<void> {
    return this.#readiness.promise;
  }

  /** How often its supervisor has restarted it. */
  get restarts(): number {
    return this.#restarts;
  }

  /** The error for a call to it when it has stopped; undefined while it will take runs, now or later. */
  refusal(): SynapseError | undefined {
    const { leftDownBy } = this.crashes;
    if (leftDownBy !== undefined) return leftDownBy;
    const { state, id } = this;
    if (state !== "stopping" && state !== "stopped") return undefined;
    return stoppedError(id);
  }

  /** Begins under a supervisor; `ref` is what callers use. */
  start(scope: ChildScope, ref: unknown): RunningChild {
    const { life } = this;
    this.#begun = true;
    this.crashes.begin();
    this.#readiness.renew();
    const actor = life.begin(scope, this.#logic());
    return {
      ref,
      actor,
      stop: (reason) => this.end(typeof reason === "string" ? reason : "shutdown"),
      kill: () =>
        life.turn(() => {
          life.noteKill();
          this.workers.kill();
          this.end("killed");
        }),
      resident: {
        halt: () => this.#halt(),
        restart: (delayMs) => life.send({ type: "supervisor.restart", delayMs }),
        decided: (decision) => {
          this.crashes.decided(decision);
          if (decision.type !== "restart") return;
          this.#restarts += 1;
          this.#tellOfFailedStarts();
        },
      },
      node: () => ({
        incarnation: life.incarnation,
        ...(this.workers.pid === undefined ? {} : { pid: this.workers.pid }),
      }),
    };
  }

  /** Asks for a fresh worker; settles when it serves. */
  async restart({ reason = "asked by the caller", graceful = false }: RestartOptions): Promise<void> {
    const { life } = this;
    if (life.state === "stopping") {
      throw stoppingError(life.id);
    }
    if (graceful && this.#swap.possible) return this.#swap.request(reason);
    if (life.stopped) {
      const { control, childId } = life.scope;
      await control.restartChild(childId);
    } else {
      this.#readiness.renew();
      life.send({ type: "agent.restart", reason });
    }
    await this.ready;
  }

  /** Its supervisor stops it, so that it is not restarted. */
  async stop(): Promise<void> {
    const { life } = this;
    if (life.stopped) return;
    const { whenStopped } = life;
    await terminateBySupervisor(life.scope, () => this.end("shutdown"));
    await whenStopped;
  }

  /** Ends it. Whoever asks is told the end, also of an instance that has ended before. */
  end(reason: string): void {
    if (this.life.stopped) this.life.ended();
    else this.life.send({ type: "agent.stop", reason });
  }

  /** Ends the worker for a restart of siblings. Nobody starts a temporary agent again: it ends. */
  #halt(): void {
    if (this.life.spec.restart === "temporary") this.end("shutdown");
    else this.life.send({ type: "supervisor.halt" });
  }

  #logic(): typeof agentMachine {
    const { life } = this;
    return agentMachine.provide({
      actions: {
        startWorker: ({ context }) => this.#startWorker(context.incarnation),
        stopWorker: () => this.#endWorker(() => life.send({ type: "worker.exited" })),
        endWorker: () => this.#endWorker(() => this.#restartWhenGone()),
        restartWhenGone: () => this.#restartWhenGone(),
        restartNow: () => {
          if (!this.workers.ending) this.#schedule(0);
        },
        haltWorker: () => {
          this.#halting = true;
          if (!this.workers.ending) this.#endWorker(() => this.#restartWhenGone());
        },
        scheduleRestart: ({ context, event }) =>
          this.#schedule(event.type === "supervisor.restart" && !context.hurried ? event.delayMs : 0),
        reportCrash: () => this.crashes.tellSupervisor(),
        serveRuns: () => this.#owner.serve(),
        refuseRuns: () => this.#owner.instanceStopping(this),
        reportStopped: ({ context }) => this.#ended(context.reason ?? "shutdown"),
      },
    });
  }

  #startWorker(incarnation: number): void {
    const { life } = this;
    const afterCrash = this.#afterCrash;
    life.incarnate(incarnation);
    this.#halting = false;
    this.workers.launch(incarnation, afterCrash);
  }

  /** Whether the last worker has crashed. */
  get #afterCrash(): boolean {
    return this.crashes.last?.incarnation === this.life.incarnation;
  }

  #endWorker(withoutWorker: () => void): void {
    this.#clearTimer();
    if (!this.workers.end(this.life.killed ? "kill" : "drain")) withoutWorker();
  }

  #restartWhenGone(): void {
    if (!this.#halting) {
      this.#schedule(0);
      return;
    }
    this.#halting = false;
    this.life.tellSupervisor((scope) => scope.exited("shutdown"));
  }

  #schedule(delayMs: number): void {
    this.#clearTimer();
    if (delayMs <= 0) {
      this.#begin();
      return;
    }
    this.#restartTimer = this.life.clock.setTimeout(() => {
      this.#restartTimer = undefined;
      this.#begin();
    }, delayMs);
  }

  /** After a crash a spare worker takes the place at once, where there is one. */
  #begin(): void {
    const spare = this.#afterCrash && !this.workers.alive ? this.#owner.takeSpare(this.workers) : undefined;
    if (spare !== undefined) {
      this.workers.adopt(spare);
      this.life.send({ type: "swap.begun", incarnation: spare.incarnation });
    }
    this.life.send({ type: "restart.due", launched: this.life.launched });
  }

  /** Who waits learns why no worker serves, and may ask again: the agent goes on trying. */
  #tellOfFailedStarts(): void {
    const { startError } = this.crashes;
    if (startError === undefined || !this.crashes.outOfPatience) return;
    this.#owner.startsFail(this, startError);
    this.#readiness.reject(startError);
    this.#readiness.renew();
  }

  #clearTimer(): void {
    if (this.#restartTimer !== undefined) this.life.clock.clearTimeout(this.#restartTimer);
    this.#restartTimer = undefined;
  }

  #ended(reason: string): void {
    this.#readiness.reject(this.crashes.endError(reason));
    this.renewal.stopped();
    this.#owner.instanceEnded(this, reason);
  }
}
