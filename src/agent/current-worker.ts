/** The worker that an agent has at the moment: launched, connected, serving, drained, ended. At most one lives at a time. */

import type { Clock } from "../otp/scheduler/clock.ts";
import type { AgentClient } from "../rpc/agent-client.ts";
import type { Worker, WorkerExit } from "../worker/launcher.ts";
import { connectWorker } from "./connect-worker.ts";
import type { EquippedEnvironment } from "./environment.ts";
import { logWorkerLine } from "./guarded-logger.ts";
import type { NormalAgentSpec } from "./spec.ts";

/** The agent as its worker sees it. */
export interface WorkerOwner {
  /** How many runs the worker holds. */
  heldRuns(): number;
  /** The process runs. */
  workerSpawned(worker: Worker): void;
  /** The worker serves from now on. */
  workerReady(worker: Worker, startMs: number): void;
  /** The worker takes no more runs. */
  workerUnavailable(): void;
  /** The process is gone. `asked`: its end had been asked for. `connectionLost`: it was killed because it could not be reached. */
  workerGone(exit: WorkerExit, about: { asked: boolean; connectionLost: boolean }): void;
}

/** How long the exit of a worker may lag behind the loss of its connection before the worker is killed, in milliseconds. */
const exitLagMs = 250;

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
  #connectionLost = false;
  #launch: NodeJS.Immediate | undefined;
  /** Called when the worker that is to end holds no run any more. */
  #drained: (() => void) | undefined;

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

  /** Its connection while it takes runs. */
  get client(): AgentClient | undefined {
    return this.#serving ? this.#client : undefined;
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
    this.#connectionLost = false;
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
   * Ends the worker: one that serves finishes the runs it holds, at most `shutdownMs`; another is killed. Answers whether there was one; its end
   * is told to the owner.
   */
  end(how: "drain" | "kill"): boolean {
    clearImmediate(this.#launch);
    const worker = this.#worker;
    if (worker === undefined) return false;
    const wasServing = this.#client !== undefined;
    this.#ending = true;
    this.stopServing();
    if (how === "kill" || !wasServing) worker.kill();
    else this.#drain(worker);
    return true;
  }

  /** Kills the process, whatever it does. */
  kill(): void {
    this.#worker?.kill();
  }

  /** Hands it no more runs. */
  stopServing(): void {
    this.#serving = false;
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
    this.stopServing();
    if (this.#ending) return;
    const clock = this.#clock();
    const timer = clock.setTimeout(() => {
      if (this.#worker !== worker || this.#ending) return;
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
    if (this.#worker !== worker || this.#ending) {
      client.close();
      return;
    }
    this.#client = client;
    this.#serving = true;
    void client.closed.then(() => this.connectionLost(worker.incarnation));
    this.#owner.workerReady(worker, this.#clock().now() - spawnedAtMs);
  }

  #onExit(worker: Worker, exit: WorkerExit): void {
    if (this.#worker !== worker) return;
    const client = this.#client;
    this.#worker = undefined;
    this.#client = undefined;
    this.#drained = undefined;
    this.stopServing();
    const connectionLost = this.#connectionLost && exit.cause === "killed";
    this.#owner.workerGone(exit, { asked: this.#ending, connectionLost });
    client?.close();
  }

  /** Waits for the runs the worker holds before it is asked to end: a run on its way to it is never refused. */
  #drain(worker: Worker): void {
    const clock = this.#clock();
    const { shutdownMs } = this.#spec;
    const untilMs = clock.now() + shutdownMs;
    const stop = () => {
      this.#drained = undefined;
      clock.clearTimeout(timer);
      void worker.stop(Math.max(0, untilMs - clock.now()));
    };
    const timer = clock.setTimeout(stop, shutdownMs);
    this.#drained = stop;
    void worker.exited.then(() => clock.clearTimeout(timer));
    if (this.#owner.heldRuns() === 0) stop();
  }
}
