/** The life of one agent, as its parts share it: the machine at work, its place in the tree, and the number of its worker. */

import type { CrashRecord } from "../crash.ts";
import type { Clock } from "../otp/scheduler/clock.ts";
import { actorState, createChildActor } from "../otp/scheduler/xstate-adapter.ts";
import type { ChildScope } from "../otp/supervisor/running-child.ts";
import type { AgentReport, AgentReportFacts } from "./agent-report.ts";
import type { EquippedEnvironment } from "./environment.ts";
import type { AgentActor, AgentEvent, AgentState, agentMachine } from "./machine.ts";
import { Outbox } from "./outbox.ts";
import type { NormalAgentSpec } from "./spec.ts";
import { notStartedError } from "./worker-error.ts";

const lastEventCount = 50;

/** What the instances of one agent have in common. */
export class SharedLife {
  /** One for all: a turn may concern several of them. */
  readonly outbox = new Outbox();
  /** Number of the worker that was launched last: no two workers of an agent have the same. */
  launched = 0;
  /** The newest crash of any; undefined when there was none. */
  lastCrash: CrashRecord | undefined;
}

/** The life of one agent, or of one of its instances: it goes on when a worker ends, and begins anew when the agent is started again. */
export class AgentLife {
  readonly spec: NormalAgentSpec;
  readonly environment: EquippedEnvironment;
  /** The agent's id, or the instance's. */
  readonly id: string;
  readonly #lastEvents: string[] = [];
  readonly #shared: SharedLife;
  #ended = Promise.withResolvers<void>();
  #scope: ChildScope | undefined;
  #actor: AgentActor | undefined;
  #incarnation = 0;
  #killed = false;
  #retiring = false;

  constructor(spec: NormalAgentSpec, environment: EquippedEnvironment, shared: SharedLife, id: string) {
    this.spec = spec;
    this.environment = environment;
    this.#shared = shared;
    this.id = id;
  }

  get agentId(): string {
    return this.spec.id;
  }

  /**
   * Its place under its supervisor.
   * @throws CallerError "stopped" before its first start
   */
  get scope(): ChildScope {
    if (this.#scope === undefined) throw notStartedError(this.id);
    return this.#scope;
  }

  get clock(): Clock {
    return this.scope.clock;
  }

  /** Undefined before its first start. */
  get path(): string | undefined {
    return this.#scope?.path;
  }

  get state(): AgentState {
    return this.#actor === undefined ? "stopped" : (actorState(this.#actor) as AgentState);
  }

  /** Its machine at work, or the last one; undefined before its first start. */
  get actor(): AgentActor | undefined {
    return this.#actor;
  }

  get stopped(): boolean {
    return this.state === "stopped";
  }

  /** Settles when it has stopped. */
  get whenStopped(): Promise<void> {
    return this.#actor === undefined ? Promise.resolve() : this.#ended.promise;
  }

  /** Number of the worker that was launched last, which may be one that has not taken its place yet. */
  get launched(): number {
    return this.#shared.launched;
  }

  /** Number of the current or last worker; 0 before the first. */
  get incarnation(): number {
    return this.#incarnation;
  }

  /** Whether it was killed: the end of its worker is no crash then. */
  get killed(): boolean {
    return this.#killed;
  }

  /** Types of the machine's last events, oldest first. */
  get lastEvents(): readonly string[] {
    return [...this.#lastEvents];
  }

  /** Begins under a supervisor: the machine starts, and with it the next worker. */
  begin(scope: ChildScope, logic: typeof agentMachine): AgentActor {
    this.#scope = scope;
    this.#killed = false;
    this.#ended = Promise.withResolvers();
    const actor = createChildActor(logic, scope.supervisor, {
      id: this.id,
      input: { agentId: this.id, incarnation: this.launched },
    }) as AgentActor;
    this.#actor = actor;
    this.turn(() => actor.start());
    return actor;
  }

  /** A worker of this number is launched. */
  countLaunch(incarnation: number): void {
    this.#shared.launched = Math.max(this.launched, incarnation);
  }

  /** The current worker is the one of this number. */
  incarnate(incarnation: number): void {
    this.countLaunch(incarnation);
    this.#incarnation = incarnation;
  }

  /** Its worker, or one of another instance's, has crashed. */
  noteCrash(crash: CrashRecord): void {
    this.#shared.lastCrash = crash;
  }

  /** It is killed: whatever ends from now on was asked to. */
  noteKill(): void {
    this.#killed = true;
  }

  /** Whether it ends because fewer instances are wanted. */
  get retiring(): boolean {
    return this.#retiring;
  }

  /** Fewer instances are wanted: it ends for good. */
  retire(): void {
    this.#retiring = true;
    this.send({ type: "agent.stop", reason: "retired" });
  }

  /** Several changes as one: others are told of them when all are made. */
  turn<T>(work: () => T): T {
    return this.#shared.outbox.turn(work);
  }

  /** Sends an event to the machine. */
  send(event: AgentEvent): void {
    this.#lastEvents.push(event.type);
    if (this.#lastEvents.length > lastEventCount) this.#lastEvents.shift();
    this.turn(() => this.#actor?.send(event));
  }

  /** Tells the system, after the turn. `incarnation` is the worker's that it is about. */
  report(facts: AgentReportFacts, incarnation = this.#incarnation): void {
    const base = { agentId: this.agentId, path: this.path ?? this.agentId, atMs: this.clock.now() };
    const report = { ...facts, ...base, incarnation } as AgentReport;
    this.#shared.outbox.tell(() => this.environment.report(report));
  }

  /** Tells the supervisor, after the turn. */
  tellSupervisor(tell: (scope: ChildScope) => void): void {
    const { scope } = this;
    this.#shared.outbox.tell(() => tell(scope));
  }

  /** Tells the supervisor, and who waits for it, that the agent has ended. */
  ended(): void {
    const reason = this.#killed ? "killed" : "shutdown";
    this.tellSupervisor((scope) => scope.exited(reason));
    this.#ended.resolve();
  }
}
