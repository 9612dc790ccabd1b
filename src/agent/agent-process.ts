/** The process of one agent: the stable slot that starts, restarts and stops, whatever worker it has at the moment. */

import type { CrashRecord } from "../crash.ts";
import { CallerError } from "../errors.ts";
import type { ChildScope, RunningChild } from "../otp/supervisor/running-child.ts";
import type { AgentClient } from "../rpc/agent-client.ts";
import type { WorkerUsage } from "../worker/launcher.ts";
import { CrashHistory } from "./crash-history.ts";
import { type AgentSlot, agentEnvironment, type EquippedEnvironment } from "./environment.ts";
import { Agent, type HandleOwner } from "./handle.ts";
import { AgentLife } from "./life.ts";
import type { LoopMonitor } from "./loop-monitor.ts";
import { type AgentState, agentMachine } from "./machine.ts";
import { Mailbox } from "./mailbox.ts";
import type { PendingRun } from "./pending-run.ts";
import { Readiness } from "./readiness.ts";
import { Renewal } from "./renewal.ts";
import type { RestartOptions } from "./restart-options.ts";
import { RunDispatcher } from "./run-dispatcher.ts";
import type { NormalAgentSpec } from "./spec.ts";
import { Swap } from "./swap.ts";
import { WorkerObserver } from "./worker-observer.ts";
import { Workers } from "./workers.ts";

/**
 * Starts an agent under its supervisor: its first worker is launched, and the agent accepts runs at once.
 * @throws CallerError "already_started" when the system has an agent of this id
 */
export function startAgent(spec: NormalAgentSpec, scope: ChildScope): RunningChild {
  const environment = agentEnvironment(scope.environment, spec.id);
  const known = environment.agents.get(spec.id);
  if (known !== undefined && !known.stopped) {
    const where = known.path === undefined ? "" : ` at "${known.path}"`;
    throw new CallerError("already_started", `the system has an agent "${spec.id}"${where}; agent ids are unique`, {
      field: "spec.id",
      value: spec.id,
    });
  }
  const agent = known?.spec === spec ? known : new AgentProcess(spec, environment);
  environment.agents.set(spec.id, agent);
  return agent.start(scope);
}

/** The slot of one agent. It outlives its workers, and its machine too when it is stopped and started again. */
export class AgentProcess implements AgentSlot, HandleOwner {
  readonly handle: Agent<unknown>;
  readonly runs: RunDispatcher;
  readonly #life: AgentLife;
  readonly #workers: Workers;
  readonly #crashes: CrashHistory;
  readonly #readiness = new Readiness();
  readonly #renewal: Renewal;
  readonly #swap: Swap;
  /** Whether the supervisor wants to be told when the worker is gone, and to decide what follows. */
  #halting = false;
  #restartTimer: unknown;

  constructor(spec: NormalAgentSpec, environment: EquippedEnvironment) {
    const life = new AgentLife(spec, environment);
    const mailbox = new Mailbox<PendingRun>(spec.id, spec);
    const crashes = new CrashHistory(life);
    const readiness = this.#readiness;
    const swap = new Swap({ life, readiness, workers: () => this.#workers });
    const renewal = new Renewal({ life, swap });
    this.#renewal = renewal;
    const observer = new WorkerObserver({
      life,
      mailbox,
      crashes,
      readiness,
      swap,
      renewal,
      serve: () => this.runs.serve(),
    });
    this.#life = life;
    this.#crashes = crashes;
    this.#swap = swap;
    this.#workers = new Workers(spec, environment, observer, () => life.clock);
    this.runs = new RunDispatcher({ life, mailbox, crashes, workers: this.#workers, renewal });
    this.handle = new Agent(this);
  }

  get spec(): NormalAgentSpec {
    return this.#life.spec;
  }

  get agentId(): string {
    return this.#life.agentId;
  }

  get path(): string | undefined {
    return this.#life.path;
  }

  get state(): AgentState {
    return this.#life.state;
  }

  get stopped(): boolean {
    return this.#life.stopped;
  }

  get stoppedByRequest(): boolean {
    return this.stopped && this.#crashes.leftDownBy === undefined;
  }

  get incarnation(): number {
    return this.#life.incarnation;
  }

  get pid(): number | undefined {
    return this.#workers.pid;
  }

  get client(): AgentClient | undefined {
    return this.#workers.client;
  }

  get loop(): LoopMonitor | undefined {
    return this.#workers.loop;
  }

  get usage(): WorkerUsage | undefined {
    return this.#workers.usage();
  }

  get lastCrash(): CrashRecord | undefined {
    return this.#crashes.last;
  }

  get ready(): Promise<void> {
    return this.#readiness.promise;
  }

  start(scope: ChildScope): RunningChild {
    this.#crashes.begin();
    this.#readiness.renew();
    const actor = this.#life.begin(scope, this.#logic());
    return {
      ref: this.handle,
      actor,
      stop: (reason) => this.#stop(typeof reason === "string" ? reason : "shutdown"),
      kill: () =>
        this.#life.turn(() => {
          this.#life.noteKill();
          this.#workers.kill();
          this.#stop("killed");
        }),
      resident: {
        halt: () => this.#halt(),
        restart: (delayMs) => this.#life.send({ type: "supervisor.restart", delayMs }),
        decided: (decision) => {
          this.#crashes.decided(decision);
          if (decision.type === "restart") this.#tellOfFailedStarts();
        },
      },
      node: () => ({
        incarnation: this.incarnation,
        ...(this.pid === undefined ? {} : { pid: this.pid }),
      }),
    };
  }

  async restart({ reason = "asked by the caller", graceful = false }: RestartOptions): Promise<void> {
    if (this.state === "stopping") {
      throw new CallerError("stopped", `agent "${this.agentId}" is being stopped; restart it when it has stopped`);
    }
    if (graceful && this.#swap.possible) return this.#swap.request(reason);
    if (this.stopped) {
      const { control, childId } = this.#life.scope;
      await control.restartChild(childId);
    } else {
      this.#readiness.renew();
      this.#life.send({ type: "agent.restart", reason });
    }
    await this.ready;
  }

  /** Its supervisor stops it, so that it is not restarted. */
  async stop(): Promise<void> {
    if (this.stopped) return;
    const { scope, whenStopped } = this.#life;
    try {
      await scope.control.terminateChild(scope.childId);
    } catch (error) {
      const code = error instanceof Error && "code" in error ? error.code : undefined;
      if (code === "not_found") this.#stop("shutdown");
      else if (code !== "stopped") throw error;
    }
    await whenStopped;
  }

  /** Ends the worker for a restart of siblings. Nobody starts a temporary agent again: it ends. */
  #halt(): void {
    if (this.spec.restart === "temporary") this.#stop("shutdown");
    else this.#life.send({ type: "supervisor.halt" });
  }

  /** Whoever asks is told the end, also of an agent that has ended before. */
  #stop(reason: string): void {
    if (this.stopped) this.#life.ended();
    else this.#life.send({ type: "agent.stop", reason });
  }

  #logic(): typeof agentMachine {
    return agentMachine.provide({
      actions: {
        startWorker: ({ context }) => this.#startWorker(context.incarnation),
        stopWorker: () => this.#endWorker(() => this.#life.send({ type: "worker.exited" })),
        endWorker: () => this.#endWorker(() => this.#restartWhenGone()),
        restartWhenGone: () => this.#restartWhenGone(),
        restartNow: () => {
          if (!this.#workers.ending) this.#schedule(0);
        },
        haltWorker: () => {
          this.#halting = true;
          if (!this.#workers.ending) this.#endWorker(() => this.#restartWhenGone());
        },
        scheduleRestart: ({ context, event }) =>
          this.#schedule(event.type === "supervisor.restart" && !context.hurried ? event.delayMs : 0),
        reportCrash: () => this.#crashes.tellSupervisor(),
        serveRuns: () => this.runs.serve(),
        refuseRuns: () => this.runs.refuseWaiting(),
        reportStopped: ({ context }) => this.#reportStopped(context.reason ?? "shutdown"),
      },
    });
  }

  #startWorker(incarnation: number): void {
    const afterCrash = this.#crashes.last?.incarnation === this.#life.incarnation;
    this.#life.incarnate(incarnation);
    this.#halting = false;
    this.#workers.launch(incarnation, afterCrash);
  }

  #endWorker(withoutWorker: () => void): void {
    this.#clearTimer();
    if (!this.#workers.end(this.#life.killed ? "kill" : "drain")) withoutWorker();
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
    this.#restartTimer = this.#life.clock.setTimeout(() => {
      this.#restartTimer = undefined;
      this.#life.send({ type: "restart.due" });
    }, delayMs);
  }

  /** Who waits learns why no worker serves, and may ask again: the agent goes on trying. */
  #tellOfFailedStarts(): void {
    const { startError } = this.#crashes;
    if (startError === undefined || !this.#crashes.outOfPatience) return;
    this.runs.failWaiting(startError);
    this.#readiness.reject(startError);
    this.#readiness.renew();
  }

  #clearTimer(): void {
    if (this.#restartTimer !== undefined) this.#life.clock.clearTimeout(this.#restartTimer);
    this.#restartTimer = undefined;
  }

  #reportStopped(reason: string): void {
    const rejectedRuns = this.runs.refuseWaiting();
    this.#readiness.reject(this.#crashes.endError(reason));
    this.#renewal.stopped();
    // Nobody can start a temporary agent again: its handle tells why it ended, the system forgets it.
    const { agents } = this.#life.environment;
    if (this.spec.restart === "temporary" && agents.get(this.agentId) === this) agents.delete(this.agentId);
    // The supervisor first: who hears of the end may ask it to begin the agent anew.
    this.#life.ended();
    this.#life.report({ type: "agent.stopped", reason, rejectedRuns });
  }
}
