/** One worker of an agent: launched, connected, serving, drained, ended. It is one incarnation, and begins once. */

import { describeExitReason, type ExitReason } from "../otp/report/exit-reason.ts";
import type { Clock } from "../otp/scheduler/clock.ts";
import { depsVariable } from "../python/environment.ts";
import type { AgentClient } from "../rpc/agent-client.ts";
import { cleanUpShareMs, type Worker, type WorkerExit, type WorkerUsage } from "../worker/launcher.ts";
import type { EquippedEnvironment } from "./environment.ts";
import { logWorkerLine } from "./guarded-logger.ts";
import type { HungLoop, LoopOwner, LoopWatch } from "./loop-monitor.ts";
import type { NormalAgentSpec } from "./spec.ts";
import type { WorkerEnd } from "./worker-end.ts";

/** What a worker tells, and asks, those who have launched it. */
export interface WorkerKeeper {
  /** How many runs the worker holds. */
  heldRuns(worker: AgentWorker): number;
  /** The process runs. */
  workerSpawned(worker: AgentWorker): void;
  /** The worker serves from now on. */
  workerReady(worker: AgentWorker): void;
  /** The worker takes no more runs. */
  workerUnavailable(worker: AgentWorker): void;
  /** A signal from outside asks the worker to end: it finishes what it holds. */
  workerDraining(worker: AgentWorker, signal: NodeJS.Signals): void;
  /** Who is told of the worker's event loop. */
  loopOwner(worker: AgentWorker): LoopOwner;
  /** The process is gone. */
  workerGone(worker: AgentWorker, exit: WorkerExit, about: WorkerEnd): void;
}

/** How long the exit of a worker may lag behind the loss of its connection before the worker is killed, in milliseconds. */
const exitLagMs = 250;

/**
 * How long a worker that got a signal from outside waits to be let go, in milliseconds: a service manager signals the host in the same moment, and
 * then it is the host's stop that ends the worker.
 */
const signalLagMs = 100;

/** What a worker is launched with. */
export interface WorkerParts {
  readonly spec: NormalAgentSpec;
  readonly environment: EquippedEnvironment;
  readonly clock: Clock;
  readonly keeper: WorkerKeeper;
}

/** One worker of one agent. */
export class AgentWorker {
  readonly incarnation: number;
  /** When it was launched, by the wall clock of the machine, which is that of its files. */
  readonly launchedAtMs: number = Date.now();
  /** From its spawn until it served, in milliseconds; 0 before that. */
  startMs = 0;
  readonly #spec: NormalAgentSpec;
  readonly #environment: EquippedEnvironment;
  #keeper: WorkerKeeper;
  readonly #clock: Clock;
  readonly #process: Worker;
  #client: AgentClient | undefined;
  #serving = false;
  #ending = false;
  #gone = false;
  /** Whether a signal from outside asks it to end. */
  #draining = false;
  /** Whether its connection is gone: what it holds will not be answered. */
  #unreachable = false;
  #connectionLost = false;
  /** Why it has never served, once it had said that it is ready. */
  #neverServed: Pick<WorkerEnd, "neverReached" | "contractFaults"> = {};
  #monitor: LoopWatch | undefined;
  #hung: HungLoop | undefined;
  /** How long it has to end, once it has been asked to. */
  #graceMs: number | undefined;
  /** Called when the worker that is to end holds no run any more. */
  #drained: (() => void) | undefined;
  /** Runs towards the next step of its end. */
  #step: unknown;

  constructor(incarnation: number, { spec, environment, clock, keeper }: WorkerParts) {
    this.incarnation = incarnation;
    this.#spec = spec;
    this.#environment = environment;
    this.#clock = clock;
    this.#keeper = keeper;
    const logger = environment.logger.child({ agent: spec.id, incarnation });
    this.#process = environment.launcher.launch({
      agentId: spec.id,
      incarnation,
      interpreter: environment.interpreter,
      entry: spec.entry,
      launcher: spec.launcher,
      cwd: environment.cwd,
      env: { ...environment.env, ...spec.env, ...depsVariable(spec.deps) },
      startTimeoutMs: spec.startTimeoutMs,
      maxMessageBytes: environment.maxMessageBytes,
      memoryLimitBytes: spec.memoryLimitBytes,
      tracebacks: environment.tracebacks,
      onLog(record) {
        logWorkerLine(logger, record, environment.logFields);
        environment.onLine?.({ agentId: spec.id, incarnation, level: record.level, text: record.message });
      },
      onDraining: (signal) => this.#onDraining(signal),
    });
  }

  /** From now on it is this one's: what it tells and asks goes to them. */
  handTo(keeper: WorkerKeeper): void {
    this.#keeper = keeper;
  }

  /** Follows it from its spawn to its end; called once, when its keeper knows it. */
  follow(): void {
    const { spawned } = this.#process;
    if (spawned === undefined) this.#keeper.workerSpawned(this);
    else void spawned.then(() => this.#keeper.workerSpawned(this));
    void this.#process.exited.then((exit) => this.#onExit(exit));
    void this.#connect(this.#clock.monotonicMs());
  }

  get pid(): number | undefined {
    return this.#process.pid;
  }

  /** The files below its working directory that it has imported by now; none when it is gone, or where nobody can tell. */
  async importedFiles(): Promise<readonly string[]> {
    return (await this.#process.importedFiles?.()) ?? [];
  }

  /** Its connection while it takes runs: its event loop answers, as far as is known. */
  get client(): AgentClient | undefined {
    return this.#serving && this.#monitor?.silent !== true ? this.#client : undefined;
  }

  /** The monitor of its event loop, while it serves. */
  get loop(): LoopWatch | undefined {
    return this.#monitor;
  }

  /** Whether it serves, though its event loop may not answer at the moment. */
  get serving(): boolean {
    return this.#serving;
  }

  /** What the process uses. */
  usage(): WorkerUsage | undefined {
    return this.#process.usage();
  }

  /** Ends the worker within `shutdownMs`: the runs it holds may finish, then they are cancelled, it cleans up, and then it is killed. */
  end(how: "drain" | "kill"): void {
    this.#ending = true;
    this.stopServing();
    if (how === "kill") this.#process.kill();
    else this.#letGo();
  }

  /** Kills the process, whatever it does. */
  kill(): void {
    this.#process.kill();
  }

  /** Hands it no more runs. */
  stopServing(): void {
    this.#serving = false;
    this.#monitor?.end();
    this.#monitor = undefined;
    this.#keeper.workerUnavailable(this);
  }

  /** The worker holds one run less. */
  runSettled(): void {
    if (!this.#serving && this.#keeper.heldRuns(this) === 0) this.#drained?.();
  }

  /** Its connection broke. If its process does not end by itself, it is killed. */
  connectionLost(): void {
    if (this.#gone) return;
    this.#unreachable = true;
    this.stopServing();
    if (this.#graceMs !== undefined) {
      this.#drained?.();
      return;
    }
    const clock = this.#clock;
    const timer = clock.setTimeout(() => {
      if (this.#gone || this.#ending || this.#graceMs !== undefined) return;
      this.#connectionLost = true;
      this.#process.kill();
    }, exitLagMs);
    void this.#process.exited.then(() => clock.clearTimeout(timer));
  }

  async #connect(spawnedAtMs: number): Promise<void> {
    const { id: agentId, unsafeNumbers = "string" } = this.#spec;
    const { maxMessageBytes } = this.#environment;
    const about = { agentId, maxMessageBytes, unsafeNumbers };
    const outcome = await this.#environment.connect(this.#process, about, this.#spec, this.#clock);
    if (outcome.type === "exited") return;
    if (outcome.type === "mismatched") {
      this.#neverServed = { contractFaults: outcome.faults };
      if (!this.#ending) void this.#process.stop(this.#spec.shutdownMs, 0);
      return;
    }
    if (outcome.type === "unreachable") {
      const facts = { agent: this.#spec.id, err: outcome.error };
      this.#environment.logger.warn(facts, "worker is ready but cannot be reached");
      this.#neverServed = { neverReached: describeExitReason(outcome.error as ExitReason) };
      this.connectionLost();
      return;
    }
    const { client } = outcome;
    if (this.#gone || this.#ending || this.#draining) {
      client.close();
      return;
    }
    this.#client = client;
    this.#serving = true;
    this.startMs = Math.round(this.#clock.monotonicMs() - spawnedAtMs);
    const loop = {
      ask: () => client.checkHealth(),
      worker: this.#process,
      hung: (hung: HungLoop) => this.#onHung(hung),
    };
    const owner = () => this.#keeper.loopOwner(this);
    this.#monitor = this.#environment.watchLoop(loop, owner, this.#spec, this.#clock);
    void client.closed.then(() => this.connectionLost());
    this.#keeper.workerReady(this);
  }

  #onHung(hung: HungLoop): void {
    this.#hung = hung;
    this.stopServing();
    this.#process.kill();
  }

  #onExit(exit: WorkerExit): void {
    const client = this.#client;
    this.#gone = true;
    this.#client = undefined;
    this.#clearStep();
    this.stopServing();
    const killed = exit.cause === "killed";
    const connectionLost = this.#connectionLost && killed;
    const hung = killed ? this.#hung : undefined;
    const about = { asked: this.#ending, connectionLost, hung, graceMs: this.#graceMs, ...this.#neverServed };
    this.#keeper.workerGone(this, exit, about);
    client?.close();
  }

  /** The worker refuses new runs from now on. Unless the host stops it too, it is let go: the owner's policy gives the agent the next one. */
  #onDraining(signal: NodeJS.Signals): void {
    if (this.#gone) return;
    this.#draining = true;
    this.stopServing();
    this.#keeper.workerDraining(this, signal);
    if (this.#ending) return;
    this.#step = this.#clock.setTimeout(() => {
      if (this.#environment.stopping === undefined) this.#letGo();
    }, signalLagMs);
  }

  /**
   * Waits for the runs that the worker holds before it is asked to end: a run on its way to it is never refused. When only the time for cleaning
   * up is left, those that still run are cancelled. A worker that has been let go already may get more time, until it has been asked.
   */
  #letGo(): void {
    const clock = this.#clock;
    const { stopping } = this.#environment;
    const leftMs = stopping === undefined ? Number.POSITIVE_INFINITY : stopping.untilMs - clock.monotonicMs();
    const graceMs = Math.max(0, Math.min(this.#spec.shutdownMs, leftMs));
    const untilMs = clock.monotonicMs() + graceMs;
    this.#graceMs = graceMs;
    this.#clearStep();
    const ask = () => {
      this.#clearStep();
      void this.#process.stop(Math.max(0, untilMs - clock.monotonicMs()), 0);
    };
    if (this.#unreachable || this.#keeper.heldRuns(this) === 0) {
      ask();
      return;
    }
    this.#drained = ask;
    this.#step = clock.setTimeout(ask, graceMs - cleanUpShareMs(graceMs));
  }

  #clearStep(): void {
    this.#drained = undefined;
    if (this.#step !== undefined) this.#clock.clearTimeout(this.#step);
    this.#step = undefined;
  }
}
