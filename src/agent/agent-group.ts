/** The process of an agent with instances: a supervisor of them below it, and one queue that they serve. */

import type { CrashRecord } from "../crash.ts";
import type { SynapseError } from "../errors.ts";
import type { RestartDecision } from "../otp/report/supervisor-report.ts";
import type { ChildSpec } from "../otp/supervisor/child-spec.ts";
import type { ChildScope, RunningChild } from "../otp/supervisor/running-child.ts";
import type { AgentClient } from "../rpc/agent-client.ts";
import type { WorkerUsage } from "../worker/launcher.ts";
import type { AgentReport, AgentReportFacts } from "./agent-report.ts";
import type { AgentWorker, WorkerKeeper } from "./agent-worker.ts";
import { type AgentSlot, type EquippedEnvironment, forgetTemporary } from "./environment.ts";
import { Agent } from "./handle.ts";
import type { HandleOwner } from "./handle-owner.ts";
import type { Instance, InstanceOwner } from "./instance.ts";
import { bestOf, type InstanceInfo, type SpareInfo } from "./instance-info.ts";
import type { InstanceLimits } from "./instance-limits.ts";
import { InstanceSet } from "./instance-set.ts";
import { InstanceSupervisor, type InstanceSupervisorOwner } from "./instance-supervisor.ts";
import { SharedLife } from "./life.ts";
import type { LoopWatch } from "./loop-monitor.ts";
import type { AgentActor, AgentState } from "./machine.ts";
import type { PendingRun } from "./pending-run.ts";
import { Readiness } from "./readiness.ts";
import type { RestartOptions } from "./restart-options.ts";
import { RunDispatcher } from "./run-dispatcher.ts";
import { RunQueue } from "./run-queue.ts";
import { Spare } from "./spare.ts";
import type { NormalAgentSpec } from "./spec.ts";
import { terminateBySupervisor } from "./terminate-child.ts";
import { agentStoppedError, leftDownError, notStartedError, stoppedError, stoppingError } from "./worker-error.ts";

/** The slot of one agent with instances. */
export class AgentGroup implements AgentSlot, HandleOwner, InstanceOwner, InstanceSupervisorOwner {
  readonly spec: NormalAgentSpec;
  readonly environment: EquippedEnvironment;
  readonly shared = new SharedLife();
  readonly queue: RunQueue<PendingRun>;
  readonly handle: Agent<unknown>;
  readonly runs: RunDispatcher;
  readonly spareWorker: Spare;
  readonly #supervisor: InstanceSupervisor;
  readonly #set: InstanceSet;
  readonly #readiness = new Readiness();
  #leftDown: (() => SynapseError) | undefined;
  /** Tells the system of the agent as a whole. */
  readonly #report = (facts: AgentReportFacts, incarnation = this.shared.launched): void => {
    const { path, clock } = this.#scope;
    const report = { ...facts, agentId: this.agentId, path, atMs: clock.now(), incarnation } as AgentReport;
    this.shared.outbox.tell(() => this.environment.report(report));
  };

  constructor(spec: NormalAgentSpec, environment: EquippedEnvironment, limits: InstanceLimits) {
    this.spec = spec;
    this.environment = environment;
    const clock = () => this.#scope.clock;
    this.queue = new RunQueue(spec.id, { maxQueue: spec.maxQueue, nowMs: () => clock().monotonicMs() });
    this.#supervisor = new InstanceSupervisor(this);
    this.#set = new InstanceSet({
      owner: this,
      limits,
      handle: () => this.handle,
      clock,
      supervisor: () => this.#supervisor.current,
      held: () => this.runs.held !== undefined,
      readinessChanged: () => this.#readinessChanged(),
      scaled: ({ id: instance }, instances, because) => {
        this.#report({ type: "agent.scaled", instance, instances, because });
        if (instances === 0) this.spareWorker.end("drain");
      },
    });
    const parts = { spec, environment, shared: this.shared, clock, report: this.#report };
    this.spareWorker = new Spare({ ...parts, path: () => this.path });
    this.runs = new RunDispatcher({
      spec: this.spec,
      environment: this.environment,
      clock,
      queue: this.queue,
      shared: this.shared,
      servers: () => this.#set.all,
      refusal: () => this.#refusal(),
      seats: () => this.#scope.runSeats(),
      report: this.#report,
      dispatched: () => this.#set.changed(),
    });
    this.handle = new Agent(this);
  }

  get agentId(): string {
    return this.spec.id;
  }

  get path(): string | undefined {
    return this.#supervisor.scope?.path;
  }

  /** The best of its instances'. Without any, a run starts one: it is ready. */
  get state(): AgentState {
    const { phase } = this.#supervisor;
    if (phase === "running") return this.#speaker?.state ?? "ready";
    return phase === "stopping" || phase === "stopped" ? phase : "restarting";
  }

  get actors(): readonly AgentActor[] {
    return this.#set.all.flatMap(({ life }) => life.actor ?? []);
  }

  get stopped(): boolean {
    return this.#supervisor.phase === "stopped";
  }

  get stoppedByRequest(): boolean {
    return this.state === "stopped" && this.#leftDownBy() === undefined;
  }

  get dormant(): boolean {
    return this.#supervisor.phase === "running" && this.#set.list.length === 0;
  }

  get incarnation(): number {
    return this.#speaker?.life.incarnation ?? this.shared.launched;
  }

  get pid(): number | undefined {
    return this.#speaker?.workers.pid;
  }

  get serving(): { readonly client: AgentClient; readonly incarnation: number } | undefined {
    return this.#set.list.find(({ serving }) => serving !== undefined)?.serving;
  }

  get loop(): LoopWatch | undefined {
    return this.#speaker?.workers.loop;
  }

  get usage(): WorkerUsage | undefined {
    return this.#speaker?.workers.usage();
  }

  get lastCrash(): CrashRecord | undefined {
    return this.shared.lastCrash;
  }

  get spare(): SpareInfo | undefined {
    return this.spareWorker.info;
  }

  get instances(): readonly InstanceInfo[] {
    return this.#set.list.map(({ info }) => info);
  }

  get ready(): Promise<void> {
    return this.#readiness.promise;
  }

  wake(): void {
    if (this.dormant) this.#set.wake();
  }

  start(scope: ChildScope): Promise<RunningChild> {
    this.#leftDown = undefined;
    return this.#supervisor.start(scope);
  }

  async restart(options: RestartOptions): Promise<void> {
    const { phase } = this.#supervisor;
    if (phase === "stopping") {
      throw stoppingError(this.agentId);
    }
    if (phase === "running") {
      this.spareWorker.renew(this.shared.launched);
      await this.#set.restart(options);
      return;
    }
    if (phase === "stopped") await this.#scope.control.restartChild(this.#scope.childId);
    else await this.ready;
    await this.#set.allReady();
  }

  kill(): number | undefined {
    return this.#speaker?.workers.killCurrent();
  }

  async stop(): Promise<void> {
    if (this.stopped) return;
    const { whenStopped } = this.#supervisor;
    await terminateBySupervisor(this.#scope, () => this.#supervisor.stop("shutdown"));
    await whenStopped;
  }

  serve(): void {
    this.runs.serve();
  }

  children(): ChildSpec[] {
    this.#readiness.renew();
    return this.#set.begin();
  }

  endInstances(reason: string): void {
    this.spareWorker.end("drain");
    this.#set.end(reason);
  }

  takeSpare(keeper: WorkerKeeper): AgentWorker | undefined {
    return this.spareWorker.take(keeper);
  }

  /** What the spare has loaded before is not what was asked for. */
  workerSwapped({ incarnation }: AgentWorker): void {
    this.spareWorker.renew(incarnation);
  }

  groupStopped(reason: string, tellSupervisor: () => void): void {
    const rejectedRuns = this.#refuseWaiting();
    forgetTemporary(this, this.environment);
    // The supervisor first: who hears of the end may ask it to begin the agent anew.
    tellSupervisor();
    this.#report({ type: "agent.stopped", reason, rejectedRuns });
  }

  groupDecided(decision: RestartDecision): void {
    const crash = this.lastCrash;
    if (decision.type === "restart" || crash === undefined) return;
    this.#leftDown = () => leftDownError(crash, "restart_intensity_exceeded", decision.because);
  }

  /** Where their supervisor gives up, the others end at the same time, not one after the other. */
  instanceStopping(): void {
    if (this.#supervisor.phase === "halting") this.endInstances("shutdown");
  }

  instanceEnded(instance: Instance): void {
    this.#set.ended(instance);
    if (this.#supervisor.phase !== "running" || this.#refusal() === undefined) return;
    // Nobody will serve: those who wait are told.
    this.spareWorker.end("drain");
    this.#refuseWaiting();
  }

  startsFail(instance: Instance, error: SynapseError): void {
    if (this.#set.list.some((other) => other !== instance && other.workers.serving)) return;
    this.runs.refuseWaiting(() => error);
    this.#readiness.reject(error);
    this.#readiness.renew();
  }

  /** @throws CallerError "stopped" before its first start */
  get #scope(): ChildScope {
    const { scope } = this.#supervisor;
    if (scope === undefined) throw notStartedError(this.agentId);
    return scope;
  }

  /** The instance whose worker is the agent's, where it has to be one. */
  get #speaker(): Instance | undefined {
    return bestOf(this.#set.list);
  }

  #readinessChanged(): void {
    if (this.serving === undefined) {
      this.#readiness.renew();
      return;
    }
    this.#readiness.resolve();
    // The spare begins after the first, which has the machine to itself.
    if (this.#supervisor.phase === "running") this.spareWorker.want();
  }

  #refusal(): SynapseError | undefined {
    const leftDown = this.#leftDownBy();
    if (leftDown !== undefined) return leftDown;
    const { state } = this;
    if (state !== "stopping" && state !== "stopped") return undefined;
    return stoppedError(this.agentId);
  }

  /** Why it was left down after crashes: as a whole, or every instance of it. */
  #leftDownBy(): SynapseError | undefined {
    if (this.#leftDown !== undefined) return this.#leftDown();
    const { state } = this;
    if (this.#supervisor.phase !== "running" || (state !== "stopping" && state !== "stopped")) return undefined;
    for (const { crashes } of this.#set.list) if (crashes.leftDownBy !== undefined) return crashes.leftDownBy;
    return undefined;
  }

  #refuseWaiting(): number {
    const error = (runId?: string) =>
      this.#leftDownBy() ??
      agentStoppedError(this.agentId, "stopped while the run waited", this.shared.lastCrash, runId);
    this.#readiness.reject(error());
    return this.runs.refuseWaiting(error);
  }
}
