/** The process of an agent with one instance: the agent is that instance. */

import type { CrashRecord } from "../crash.ts";
import type { SynapseError } from "../errors.ts";
import type { ChildScope, RunningChild } from "../otp/supervisor/running-child.ts";
import type { AgentClient } from "../rpc/agent-client.ts";
import type { WorkerUsage } from "../worker/launcher.ts";
import { type AgentSlot, type EquippedEnvironment, forgetTemporary } from "./environment.ts";
import { Agent } from "./handle.ts";
import type { HandleOwner } from "./handle-owner.ts";
import { Instance, type InstanceOwner } from "./instance.ts";
import type { InstanceInfo } from "./instance-info.ts";
import { SharedLife } from "./life.ts";
import type { LoopWatch } from "./loop-monitor.ts";
import type { AgentActor, AgentState } from "./machine.ts";
import type { PendingRun } from "./pending-run.ts";
import type { RestartOptions } from "./restart-options.ts";
import { RunDispatcher } from "./run-dispatcher.ts";
import { RunQueue } from "./run-queue.ts";
import type { NormalAgentSpec } from "./spec.ts";

/** The slot of one agent. It outlives its workers, and its machine too when it is stopped and started again. */
export class AgentProcess implements AgentSlot, HandleOwner, InstanceOwner {
  readonly spec: NormalAgentSpec;
  readonly environment: EquippedEnvironment;
  readonly shared = new SharedLife();
  readonly queue: RunQueue<PendingRun>;
  readonly handle: Agent<unknown>;
  readonly runs: RunDispatcher;
  readonly #instance: Instance;

  constructor(spec: NormalAgentSpec, environment: EquippedEnvironment) {
    this.spec = spec;
    this.environment = environment;
    this.queue = new RunQueue(spec.id, spec);
    const instance = new Instance(this, spec.id);
    const servers = [instance];
    this.#instance = instance;
    this.runs = new RunDispatcher({
      spec,
      environment,
      clock: () => instance.life.clock,
      queue: this.queue,
      shared: this.shared,
      servers: () => servers,
      refusal: () => instance.refusal(),
      seats: () => instance.life.scope.runSeats(),
      report: (facts) => instance.life.report(facts),
    });
    this.handle = new Agent(this);
  }

  get agentId(): string {
    return this.spec.id;
  }

  get path(): string | undefined {
    return this.#instance.life.path;
  }

  get state(): AgentState {
    return this.#instance.life.state;
  }

  get actors(): readonly AgentActor[] {
    const { actor } = this.#instance.life;
    return actor === undefined ? [] : [actor];
  }

  get stopped(): boolean {
    return this.#instance.life.stopped;
  }

  get stoppedByRequest(): boolean {
    return this.stopped && this.#instance.crashes.leftDownBy === undefined;
  }

  get incarnation(): number {
    return this.#instance.life.incarnation;
  }

  get pid(): number | undefined {
    return this.#instance.workers.pid;
  }

  get serving(): { readonly client: AgentClient; readonly incarnation: number } | undefined {
    return this.#instance.serving;
  }

  get instances(): readonly InstanceInfo[] {
    return [this.#instance.info];
  }

  get spare(): undefined {
    return undefined;
  }

  get dormant(): boolean {
    return false;
  }

  get loop(): LoopWatch | undefined {
    return this.#instance.workers.loop;
  }

  get usage(): WorkerUsage | undefined {
    return this.#instance.workers.usage();
  }

  get lastCrash(): CrashRecord | undefined {
    return this.#instance.crashes.last;
  }

  get ready(): Promise<void> {
    return this.#instance.ready;
  }

  wake(): void {
    // It has a worker, or gets one.
  }

  start(scope: ChildScope): RunningChild {
    return this.#instance.start(scope, this.handle);
  }

  restart(options: RestartOptions): Promise<void> {
    return this.#instance.restart(options);
  }

  stop(): Promise<void> {
    return this.#instance.stop();
  }

  kill(): number | undefined {
    return this.#instance.workers.killCurrent();
  }

  serve(): void {
    this.runs.serve();
  }

  takeSpare(): undefined {
    return undefined;
  }

  workerSwapped(): void {
    // There is no other worker.
  }

  instanceStopping(): void {
    this.#refuseWaiting();
  }

  instanceEnded(instance: Instance, reason: string): void {
    const rejectedRuns = this.#refuseWaiting();
    forgetTemporary(this, this.environment);
    // The supervisor first: who hears of the end may ask it to begin the agent anew.
    instance.life.ended();
    instance.life.report({ type: "agent.stopped", reason, rejectedRuns });
  }

  startsFail(_instance: Instance, error: SynapseError): void {
    this.runs.refuseWaiting(() => error);
  }

  #refuseWaiting(): number {
    return this.runs.refuseWaiting((runId) => this.#instance.crashes.endError("stopped while the run waited", runId));
  }
}
