/** One agent at work: the stable slot that owns its machine, its mailbox and its worker of the moment. */

import type { StandardSchemaV1 } from "@standard-schema/spec";
import type { CrashRecord } from "../crash.ts";
import { CallerError, type SynapseError } from "../errors.ts";
import type { ExitReason } from "../otp/report/exit-reason.ts";
import type { RestartDecision } from "../otp/report/supervisor-report.ts";
import type { Clock } from "../otp/scheduler/clock.ts";
import { actorState, createChildActor } from "../otp/scheduler/xstate-adapter.ts";
import type { ChildScope, RunningChild } from "../otp/supervisor/child-spec.ts";
import type { AgentClient } from "../rpc/agent-client.ts";
import type { Worker, WorkerExit } from "../worker/launcher.ts";
import type { AgentReport } from "./agent-report.ts";
import { createCrashRecord } from "./crash-record.ts";
import { CurrentWorker, type WorkerOwner } from "./current-worker.ts";
import { type AgentEnvironment, type AgentSlot, agentEnvironment } from "./environment.ts";
import { Agent, type HandleOwner } from "./handle.ts";
import { type AgentActor, type AgentEvent, agentMachine } from "./machine.ts";
import { Mailbox } from "./mailbox.ts";
import type { PendingRun } from "./run.ts";
import type { NormalAgentSpec } from "./spec.ts";
import { agentStoppedError, leftDownError, workerError } from "./worker-error.ts";

const lastEventCount = 50;

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
export class AgentProcess implements AgentSlot, HandleOwner, WorkerOwner {
  readonly spec: NormalAgentSpec;
  readonly agentId: string;
  readonly schema: StandardSchemaV1 | undefined;
  readonly handle: Agent<unknown>;
  readonly #environment: AgentEnvironment & { interpreter: string };
  readonly #mailbox: Mailbox<PendingRun>;
  readonly #lastEvents: string[] = [];
  #scope: ChildScope | undefined;
  #actor: AgentActor | undefined;
  readonly #worker: CurrentWorker;
  #incarnation = 0;
  #halting = false;
  #killed = false;
  #everReady = false;
  #lastCrash: CrashRecord | undefined;
  /** Why the agent has stopped, as the error for its callers. */
  #stoppedBy: SynapseError | undefined;
  #ready = Promise.withResolvers<void>();
  #readySettled = false;
  #timer: unknown;

  constructor(spec: NormalAgentSpec, environment: AgentEnvironment & { interpreter: string }) {
    this.spec = spec;
    this.agentId = spec.id;
    this.schema = spec.output;
    this.#environment = environment;
    this.#mailbox = new Mailbox(spec.id, spec);
    this.#worker = new CurrentWorker(spec, environment, this, () => this.clock);
    this.#ready.promise.catch(() => undefined);
    this.handle = new Agent(this);
  }

  get clock(): Clock {
    return this.#live.clock;
  }

  get path(): string | undefined {
    return this.#scope?.path;
  }

  get state(): string {
    return this.#actor === undefined ? "stopped" : actorState(this.#actor);
  }

  get stopped(): boolean {
    return this.state === "stopped";
  }

  get incarnation(): number {
    return this.#incarnation;
  }

  get pid(): number | undefined {
    return this.#worker.pid;
  }

  get maxMessageBytes(): number {
    return this.#environment.maxMessageBytes;
  }

  get lastCrash(): CrashRecord | undefined {
    return this.#lastCrash;
  }

  /** Settles when the worker serves; rejects when the agent stops first. */
  get ready(): Promise<void> {
    return this.#ready.promise;
  }

  /** The connection to the worker that serves now. */
  get client(): AgentClient | undefined {
    return this.#worker.client;
  }

  start(scope: ChildScope): RunningChild {
    this.#scope = scope;
    this.#stoppedBy = undefined;
    this.#killed = false;
    this.#awaitReady();
    const actor = createChildActor(this.#logic(), scope.supervisor, {
      id: this.agentId,
      input: { agentId: this.agentId, incarnation: this.#incarnation },
    });
    this.#actor = actor as AgentActor;
    actor.start();
    return {
      ref: this.handle,
      actor,
      stop: (reason) => this.#stop(typeof reason === "string" ? reason : "shutdown"),
      kill: () => {
        this.#killed = true;
        this.#worker.kill();
        this.#stop("killed");
      },
      resident: {
        halt: () => this.#send({ type: "supervisor.halt" }),
        restart: (delayMs) => this.#send({ type: "supervisor.restart", delayMs }),
        decided: (decision) => this.#noteDecision(decision),
      },
      node: () => ({
        incarnation: this.#incarnation,
        ...(this.pid === undefined ? {} : { pid: this.pid }),
      }),
    };
  }

  /**
   * Takes a run: it is handed to the worker at once, or waits.
   * @throws CallerError "queue_full" or "stopped"; WorkerError when the agent has stopped because of a crash
   */
  accept(run: PendingRun): void {
    const refused = this.refusal();
    if (refused !== undefined) throw refused;
    this.#mailbox.push(run, this.client !== undefined);
    run.wait();
    this.#serve();
  }

  /** The error for a call to an agent that has stopped; undefined while it accepts runs. */
  refusal(): SynapseError | undefined {
    if (this.#stoppedBy !== undefined) return this.#stoppedBy;
    if (this.state !== "stopping" && this.state !== "stopped") return undefined;
    return new CallerError("stopped", `agent "${this.agentId}" has been stopped; restart() begins it anew`);
  }

  runEnded(run: PendingRun): void {
    const held = this.#mailbox.remove(run);
    if (!held) return;
    this.#send({ type: "run.settled", runId: run.id });
    this.#serve();
    this.#worker.runSettled();
  }

  runRefused(run: PendingRun): void {
    this.#mailbox.putBack(run);
    this.#send({ type: "run.settled", runId: run.id });
    this.#worker.stopServing();
    this.#worker.runSettled();
  }

  connectionLost(incarnation: number): void {
    this.#worker.connectionLost(incarnation);
  }

  heldRuns(): number {
    return this.#mailbox.inFlight.size;
  }

  workerSpawned(worker: Worker): void {
    this.#send({ type: "worker.spawned", pid: worker.pid });
    this.#report({ type: "worker.spawned", pid: worker.pid });
  }

  workerReady(worker: Worker, startMs: number): void {
    this.#everReady = true;
    this.#send({ type: "worker.ready" });
    this.#readySettled = true;
    this.#ready.resolve();
    this.#report({ type: "agent.ready", pid: worker.pid ?? 0, startMs });
  }

  /** Who waits for the agent waits for the next worker. */
  workerUnavailable(): void {
    this.#awaitReady();
  }

  workerGone(exit: WorkerExit, about: { asked: boolean; connectionLost: boolean }): void {
    const held = this.#mailbox.drain("inFlight");
    const crash = createCrashRecord(exit, {
      agentId: this.agentId,
      atMs: this.clock.now(),
      connectionLost: about.connectionLost,
      runsInFlight: held.map((run) => run.id),
      lastEvents: [...this.#lastEvents],
    });
    const asked = about.asked || this.#killed;
    const stopping = this.state === "stopping";
    if (!asked || (crash.cause !== "stopped" && crash.cause !== "killed")) this.#lastCrash = crash;
    for (const run of held) {
      run.fail(
        stopping
          ? agentStoppedError(this.agentId, "stopped while it held the run", crash, run.id)
          : workerError(crash, run.id),
      );
    }
    if (this.#lastCrash === crash) this.#report({ type: "agent.crashed", crash });
    if (asked) this.#send({ type: "worker.exited" });
    else this.#send({ type: "worker.exited", crash: crash.describe });
  }

  /** Asks for a fresh worker; settles when it serves. */
  async restart(reason: string): Promise<void> {
    if (this.state === "stopping") {
      throw new CallerError("stopped", `agent "${this.agentId}" is being stopped; restart it when it has stopped`);
    }
    if (this.stopped) {
      await this.#live.control.restartChild(this.#live.childId);
    } else {
      this.#awaitReady();
      this.#send({ type: "agent.restart", reason });
    }
    await this.ready;
  }

  /** Stops the agent through its supervisor, so that it is not restarted. Settles when it has ended, whoever asked first. */
  async stop(): Promise<void> {
    if (this.stopped) return;
    try {
      await this.#live.control.terminateChild(this.#live.childId);
    } catch (error) {
      const goneAlready = error instanceof CallerError && (error.code === "stopped" || error.code === "not_found");
      if (!goneAlready) throw error;
      if (!this.stopped) await this.ready.catch(() => undefined);
    }
  }

  /** Whoever asks is told the end, also of an agent that has ended before. */
  #stop(reason: string): void {
    if (this.stopped) this.#live.exited(this.#killed ? "killed" : "shutdown");
    else this.#send({ type: "agent.stop", reason });
  }

  get #live(): ChildScope {
    if (this.#scope === undefined) throw new CallerError("stopped", `agent "${this.agentId}" has not been started`);
    return this.#scope;
  }

  #logic(): typeof agentMachine {
    return agentMachine.provide({
      actions: {
        startWorker: ({ context }) => this.#startWorker(context.incarnation),
        stopWorker: () => this.#endWorker(() => this.#send({ type: "worker.exited" })),
        endWorker: () => this.#endWorker(() => this.#restartWhenGone()),
        restartWhenGone: () => this.#restartWhenGone(),
        restartNow: () => {
          if (!this.#worker.present) this.#schedule(0);
        },
        haltWorker: () => {
          this.#halting = true;
          if (!this.#worker.present || !this.#worker.ending) this.#endWorker(() => this.#restartWhenGone());
        },
        scheduleRestart: ({ event }) => this.#schedule(event.type === "supervisor.restart" ? event.delayMs : 0),
        reportCrash: () => this.#reportCrash(),
        serveRuns: () => this.#serve(),
        refuseRuns: () => this.#refuseRuns(),
        reportStopped: ({ context }) => this.#reportStopped(context.reason ?? "shutdown"),
      },
    });
  }

  #send(event: AgentEvent): void {
    this.#lastEvents.push(event.type);
    if (this.#lastEvents.length > lastEventCount) this.#lastEvents.shift();
    this.#actor?.send(event);
  }

  #startWorker(incarnation: number): void {
    this.#incarnation = incarnation;
    this.#halting = false;
    const afterCrash = this.#lastCrash?.incarnation === incarnation - 1;
    this.#worker.launch(incarnation, afterCrash);
  }

  #serve(): void {
    for (let client = this.client; client !== undefined; client = this.client) {
      const run = this.#mailbox.take();
      if (run === undefined) return;
      this.#send({ type: "run.started", runId: run.id });
      run.begin(client, this.#incarnation);
    }
  }

  #endWorker(withoutWorker: () => void): void {
    this.#clearTimer();
    if (!this.#worker.end(this.#killed ? "kill" : "drain")) withoutWorker();
  }

  #restartWhenGone(): void {
    if (!this.#halting) {
      this.#schedule(0);
      return;
    }
    this.#halting = false;
    this.#live.exited("shutdown");
  }

  #schedule(delayMs: number): void {
    this.#clearTimer();
    if (delayMs <= 0) {
      this.#send({ type: "restart.due" });
      return;
    }
    this.#timer = this.clock.setTimeout(() => {
      this.#timer = undefined;
      this.#send({ type: "restart.due" });
    }, delayMs);
  }

  #clearTimer(): void {
    if (this.#timer !== undefined) this.clock.clearTimeout(this.#timer);
    this.#timer = undefined;
  }

  #reportCrash(): void {
    const crash = this.#lastCrash;
    if (crash === undefined) return;
    if (crash.cause === "load_failed" && !this.#everReady) {
      this.#stoppedBy = workerError(crash);
      this.#live.startFailed(crash);
      return;
    }
    this.#live.exited(exitReasonOfCrash(crash));
  }

  #noteDecision(decision: RestartDecision): void {
    const crash = this.#lastCrash;
    if (crash === undefined) return;
    crash.decision = decision;
    if (decision.type === "restart" || exitReasonOfCrash(crash) === "normal") return;
    const code = decision.type === "give_up" ? "restart_intensity_exceeded" : "agent_stopped";
    this.#stoppedBy = leftDownError(crash, code, decision.because);
  }

  #refuseRuns(): number {
    const waiting = this.#mailbox.drain("waiting");
    for (const run of waiting) {
      run.fail(
        this.#stoppedBy ?? agentStoppedError(this.agentId, "stopped while the run waited", this.#lastCrash, run.id),
      );
    }
    return waiting.length;
  }

  #reportStopped(reason: string): void {
    const rejectedRuns = this.#refuseRuns();
    this.#readySettled = true;
    this.#ready.reject(this.#stoppedBy ?? agentStoppedError(this.agentId, reason, this.#lastCrash));
    // Nobody can start a temporary agent again: its handle tells why it ended, the system forgets it.
    const { agents } = this.#environment;
    if (this.spec.restart === "temporary" && agents.get(this.agentId) === this) agents.delete(this.agentId);
    this.#report({ type: "agent.stopped", reason, rejectedRuns });
    this.#live.exited(this.#killed ? "killed" : "shutdown");
  }

  /** A new wait for "ready", unless one is under way. */
  #awaitReady(): void {
    if (!this.#readySettled) return;
    this.#readySettled = false;
    this.#ready = Promise.withResolvers<void>();
    this.#ready.promise.catch(() => undefined);
  }

  #report(report: AgentReportBody): void {
    const base = { agentId: this.agentId, path: this.path ?? this.agentId, atMs: this.clock.now() };
    this.#environment.report({ ...report, ...base, incarnation: this.#incarnation } as AgentReport);
  }
}

/** A worker that ended by itself with exit code 0 had finished; anything else is a crash. */
function exitReasonOfCrash(crash: CrashRecord): ExitReason {
  return crash.cause === "exited" && crash.exitCode === 0 ? "normal" : crash;
}

type AgentReportBody = AgentReport extends infer R
  ? R extends AgentReport
    ? Omit<R, "agentId" | "path" | "atMs" | "incarnation">
    : never
  : never;
