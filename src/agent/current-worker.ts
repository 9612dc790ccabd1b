/** The worker that an agent has at the moment: launched, connected, serving, drained, ended. At most one lives at a time. */

import type { Clock } from "../otp/scheduler/clock.ts";
import type { AgentClient } from "../rpc/agent-client.ts";
import { cleanUpShareMs, type Worker, type WorkerExit, type WorkerUsage } from "../worker/launcher.ts";
import { connectWorker } from "./connect-worker.ts";
import type { EquippedEnvironment } from "./environment.ts";
import { logWorkerLine } from "./guarded-logger.ts";
import { type HungLoop, LoopMonitor, type LoopOwner } from "./loop-monitor.ts";
import type { NormalAgentSpec } from "./spec.ts";

/** The agent as its worker sees it. */
export interface WorkerOwner extends LoopOwner {
  /** How many runs the worker holds. */
  heldRuns(): number;
  /** The process runs. */
  workerSpawned(worker: Worker): void;
  /** The worker serves from now on. */
  workerReady(worker: Worker, startMs: number): void;
  /** The worker takes no more runs. */
  workerUnavailable(): void;
  /** A signal from outside asks the worker to end: it finishes what it holds. */
  workerDraining(worker: Worker, signal: NodeJS.Signals): void;
  /** The process is gone. */
  workerGone(exit: WorkerExit, about: WorkerEnd): void;
}

/** What the host knows of the end of a worker. */
export interface WorkerEnd {
  /** Its end had been asked for. */
  readonly asked: boolean;
  /** It was killed because it could not be reached. */
  readonly connectionLost: boolean;
  /** It was killed because it hung. */
  readonly hung: HungLoop | undefined;
  /** How long it had had to end, in milliseconds; undefined when nothing had been granted. */
  readonly graceMs: number | undefined;
}

/** How long the exit of a worker may lag behind the loss of its connection before the worker is killed, in milliseconds. */
const exitLagMs = 250;

/**
 * How long a worker that got a signal from outside waits to be let go, in milliseconds: a service manager signals the host in the same moment, and
 * then it is the host's stop that ends the worker.
 */
const signalLagMs = 100;

/** The current worker of one agent. */
export class CurrentWorker {
  readonly #spec: NormalAgentSpec;
  readonly #environment: EquippedEnvironment;
  readonly #owner: WorkerOwner;
  readonly #clock: () => Clock;
  #worker: Worker | undefined;
  #client: AgentClient | undefined;
  #serving = false;
  #ending = false;
  /** Whether a signal from outside asks it to end. */
  #draining = false;
  /** Whether its connection is gone: what it holds will not be answered. */
  #unreachable = false;
  #connectionLost = false;
  #monitor: LoopMonitor | undefined;
  #hung: HungLoop | undefined;
  #launch: NodeJS.Immediate | undefined;
  /** How long it has to end, once it has been asked to. */
  #graceMs: number | undefined;
  /** Called when the worker that is to end holds no run any more. */
  #drained: (() => void) | undefined;
  /** Runs towards the next step of its end. */
  #step: unknown;

  constructor(spec: NormalAgentSpec, environment: EquippedEnvironment, owner: WorkerOwner, clock: () => Clock) {
    this.#spec = spec;
    this.#environment = environment;
    this.#owner = owner;
    this.#clock = clock;
  }

  get pid(): number | undefined {
    return this.#worker?.pid;
  }

  /** Whether there is a process, or is about to be one in this turn. */
  get present(): boolean {
    return this.#worker !== undefined;
  }

  /** Whether its end has been asked for. */
  get ending(): boolean {
    return this.#ending;
  }

  /** Its connection while it takes runs: its event loop answers, as far as is known. */
  get client(): AgentClient | undefined {
    return this.#serving && this.#monitor?.silent !== true ? this.#client : undefined;
  }

  /** The monitor of its event loop, while it serves. */
  get loop(): LoopMonitor | undefined {
    return this.#monitor;
  }

  /** What the process uses. */
  usage(): WorkerUsage | undefined {
    return this.#worker?.usage();
  }

  /**
   * Launches the next worker: at once, or `soon`, after this turn, so that nobody waits for the spawn to learn of a crash. Where there is one still,
   * that one is killed instead, and its end is told to the owner as any other: there are never two.
   */
  launch(incarnation: number, soon: boolean): void {
    clearImmediate(this.#launch);
    if (this.#worker !== undefined) {
      this.#worker.kill();
      return;
    }
    this.#ending = false;
    this.#draining = false;
    this.#unreachable = false;
    this.#connectionLost = false;
    this.#hung = undefined;
    this.#graceMs = undefined;
    if (!soon) {
      this.#spawn(incarnation);
      return;
    }
    this.#launch = setImmediate(() => {
      this.#launch = undefined;
      this.#spawn(incarnation);
    });
  }

  /**
   * Ends the worker within `shutdownMs`: the runs it holds may finish, then they are cancelled, it cleans up, and then it is killed. Answers
   * whether there was one; its end is told to the owner.
   */
  end(how: "drain" | "kill"): boolean {
    clearImmediate(this.#launch);
    const worker = this.#worker;
    if (worker === undefined) return false;
    this.#ending = true;
    this.stopServing();
    if (how === "kill") worker.kill();
    else this.#letGo(worker);
    return true;
  }

  /** Kills the process, whatever it does. */
  kill(): void {
    this.#worker?.kill();
  }

  /** Hands it no more runs. */
  stopServing(): void {
    this.#serving = false;
    this.#monitor?.end();
    this.#monitor = undefined;
    this.#owner.workerUnavailable();
  }

  /** The worker holds one run less. */
  runSettled(): void {
    if (!this.#serving && this.#owner.heldRuns() === 0) this.#drained?.();
  }

  /** A connection to a worker broke. If its process does not end by itself, it is killed. */
  connectionLost(incarnation: number): void {
    const worker = this.#worker;
    if (worker === undefined || worker.incarnation !== incarnation) return;
    this.#unreachable = true;
    this.stopServing();
    if (this.#graceMs !== undefined) {
      this.#drained?.();
      return;
    }
    const clock = this.#clock();
    const timer = clock.setTimeout(() => {
      if (this.#worker !== worker || this.#ending || this.#graceMs !== undefined) return;
      this.#connectionLost = true;
      worker.kill();
    }, exitLagMs);
    void worker.exited.then(() => clock.clearTimeout(timer));
  }

  #spawn(incarnation: number): void {
    const spec = this.#spec;
    const environment = this.#environment;
    const logger = environment.logger.child({ agent: spec.id, incarnation });
    const worker = environment.launcher.launch({
      agentId: spec.id,
      incarnation,
      interpreter: environment.interpreter,
      entry: spec.entry,
      cwd: environment.cwd,
      env: { ...environment.env, ...spec.env },
      startTimeoutMs: spec.startTimeoutMs,
      maxMessageBytes: environment.maxMessageBytes,
      onLog: (record) => logWorkerLine(logger, record, environment.logFields),
      onDraining: (signal) => this.#onDraining(worker, signal),
    });
    this.#worker = worker;
    this.#owner.workerSpawned(worker);
    void worker.exited.then((exit) => this.#onExit(worker, exit));
    void this.#connect(worker, this.#clock().now());
  }

  async #connect(worker: Worker, spawnedAtMs: number): Promise<void> {
    const { id: agentId, unsafeNumbers = "string" } = this.#spec;
    const { maxMessageBytes } = this.#environment;
    const outcome = await connectWorker(worker, { agentId, maxMessageBytes, unsafeNumbers });
    if (outcome.type === "exited") return;
    if (outcome.type === "unreachable") {
      const facts = { agent: this.#spec.id, err: outcome.error };
      this.#environment.logger.warn(facts, "worker is ready but cannot be reached");
      this.connectionLost(worker.incarnation);
      return;
    }
    const { client } = outcome;
    if (this.#worker !== worker || this.#ending || this.#draining) {
      client.close();
      return;
    }
    this.#client = client;
    this.#serving = true;
    const loop = { ask: () => client.checkHealth(), worker, hung: (hung: HungLoop) => this.#onHung(worker, hung) };
    this.#monitor = new LoopMonitor(loop, this.#owner, this.#spec, this.#clock());
    void client.closed.then(() => this.connectionLost(worker.incarnation));
    this.#owner.workerReady(worker, this.#clock().now() - spawnedAtMs);
  }

  #onHung(worker: Worker, hung: HungLoop): void {
    this.#hung = hung;
    this.stopServing();
    worker.kill();
  }

  #onExit(worker: Worker, exit: WorkerExit): void {
    if (this.#worker !== worker) return;
    const client = this.#client;
    this.#worker = undefined;
    this.#client = undefined;
    this.#clearStep();
    this.stopServing();
    const killed = exit.cause === "killed";
    const connectionLost = this.#connectionLost && killed;
    const hung = killed ? this.#hung : undefined;
    this.#owner.workerGone(exit, { asked: this.#ending, connectionLost, hung, graceMs: this.#graceMs });
    client?.close();
  }

  /** The worker refuses new runs from now on. Unless the host stops it too, it is let go: the owner's policy gives the agent the next one. */
  #onDraining(worker: Worker, signal: NodeJS.Signals): void {
    if (this.#worker !== worker) return;
    this.#draining = true;
    this.stopServing();
    this.#owner.workerDraining(worker, signal);
    if (this.#ending) return;
    this.#step = this.#clock().setTimeout(() => {
      if (this.#environment.stopping === undefined) this.#letGo(worker);
    }, signalLagMs);
  }

  /**
   * Waits for the runs that the worker holds before it is asked to end: a run on its way to it is never refused. When only the time for cleaning
   * up is left, those that still run are cancelled. A worker that has been let go already may get more time, until it has been asked.
   */
  #letGo(worker: Worker): void {
    const clock = this.#clock();
    const { stopping } = this.#environment;
    const leftMs = stopping === undefined ? Number.POSITIVE_INFINITY : stopping.untilMs - clock.monotonicMs();
    const graceMs = Math.max(0, Math.min(this.#spec.shutdownMs, leftMs));
    const untilMs = clock.monotonicMs() + graceMs;
    this.#graceMs = graceMs;
    this.#clearStep();
    const ask = () => {
      this.#clearStep();
      void worker.stop(Math.max(0, untilMs - clock.monotonicMs()), 0);
    };
    if (this.#unreachable || this.#owner.heldRuns() === 0) {
      ask();
      return;
    }
    this.#drained = ask;
    this.#step = clock.setTimeout(ask, graceMs - cleanUpShareMs(graceMs));
  }

  #clearStep(): void {
    this.#drained = undefined;
    if (this.#step !== undefined) this.#clock().clearTimeout(this.#step);
    this.#step = undefined;
  }
}
