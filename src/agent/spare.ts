/** The spare worker of an agent: ready beside those that serve, it takes the place of one that dies, and another is started in its own. */

import type { TreeNode } from "../otp/report/tree.ts";
import type { Clock } from "../otp/scheduler/clock.ts";
import type { WorkerExit } from "../worker/launcher.ts";
import type { AgentReportFacts } from "./agent-report.ts";
import { AgentWorker, type WorkerKeeper } from "./agent-worker.ts";
import { createCrashRecord, exitBySignalFromOutside } from "./crash-record.ts";
import type { EquippedEnvironment } from "./environment.ts";
import type { SpareInfo } from "./instance-info.ts";
import type { SharedLife } from "./life.ts";
import type { LoopOwner } from "./loop-monitor.ts";
import type { NormalAgentSpec } from "./spec.ts";
import type { WorkerEnd } from "./worker-end.ts";

/** The pause before the next spare worker when one is lost, and the longest one, in milliseconds. Each is twice the one before. */
const pause = { firstMs: 1_000, longestMs: 60_000 } as const;
/** How long one that has taken another's place has the machine to itself before the next one is started, in milliseconds: the runs that waited come first. */
const afterTakenMs = 100;
/** A spare worker that has lived so long is no failure of its start, in milliseconds. */
const provenAfterMs = 60_000;

/** What a spare needs of its agent. */
export interface SpareParts {
  readonly spec: NormalAgentSpec;
  readonly environment: EquippedEnvironment;
  readonly shared: SharedLife;
  readonly clock: () => Clock;
  readonly report: (facts: AgentReportFacts, incarnation: number) => void;
  /** The agent's own in the tree; undefined before its first start. */
  readonly path: () => string | undefined;
}

/** The spare worker of one agent. It holds no run as long as it is one. */
export class Spare implements WorkerKeeper {
  readonly #parts: SpareParts;
  #wanted = false;
  #worker: AgentWorker | undefined;
  /** Those that have been asked to end. */
  readonly #ending = new Set<AgentWorker>();
  #incarnation = 0;
  #losses = 0;
  #timer: unknown;
  readonly #onGone: (() => void)[] = [];

  constructor(parts: SpareParts) {
    this.#parts = parts;
  }

  /** Undefined while none is wanted. */
  get info(): SpareInfo | undefined {
    if (!this.#wanted) return undefined;
    const worker = this.#worker;
    const state = worker === undefined ? "restarting" : worker.serving ? "ready" : "starting";
    return { state, incarnation: this.#incarnation, pid: worker?.pid, losses: this.#losses };
  }

  /** As nodes of the tree: one or none. */
  get nodes(): TreeNode[] {
    const { info } = this;
    if (info === undefined) return [];
    const { spec, path } = this.#parts;
    const { state, incarnation, pid, losses: restarts } = info;
    const id = `${spec.id}/spare`;
    const node: TreeNode = { id, path: `${path()}/${id}`, type: "worker", state, restarts, incarnation };
    return [pid === undefined ? node : { ...node, pid }];
  }

  /** There is to be one, where the agent has one. */
  want(): void {
    if (this.#parts.spec.spare !== true) return;
    this.#wanted = true;
    if (this.#worker === undefined && this.#timer === undefined) this.#launch();
  }

  /** Gives the spare worker away, if it is ready: whatever it tells is that keeper's. The next one is started shortly after. */
  take(keeper: WorkerKeeper): AgentWorker | undefined {
    const worker = this.#worker;
    if (worker?.client === undefined) return undefined;
    worker.handTo(keeper);
    this.#worker = undefined;
    this.#losses = 0;
    this.#launchAfter(afterTakenMs);
    return worker;
  }

  /** A worker of this number was asked for afresh: an older spare may have loaded what was there before, and is replaced. */
  renew(incarnation: number): void {
    const worker = this.#worker;
    if (worker === undefined || worker.incarnation > incarnation) return;
    this.#worker = undefined;
    this.#end(worker, "drain");
    this.#launch();
  }

  /** None is wanted any more. Whatever there is ends. */
  end(how: "drain" | "kill"): void {
    this.#wanted = false;
    this.#clearTimer();
    const worker = this.#worker;
    this.#worker = undefined;
    if (worker !== undefined) this.#end(worker, how);
    if (how === "kill") for (const ending of this.#ending) ending.end("kill");
  }

  /** Settles when no process is left of what has been asked to end. */
  whenGone(): Promise<void> {
    if (this.#ending.size === 0) return Promise.resolve();
    return new Promise((resolve) => void this.#onGone.push(resolve));
  }

  heldRuns(): number {
    return 0;
  }

  workerSpawned({ pid, incarnation }: AgentWorker): void {
    this.#parts.report({ type: "worker.spawned", pid }, incarnation);
  }

  workerReady({ pid = 0, startMs, incarnation }: AgentWorker): void {
    this.#parts.report({ type: "spare.ready", pid, startMs }, incarnation);
  }

  workerUnavailable(): void {
    // It was nobody's to be handed runs.
  }

  workerDraining({ pid, incarnation }: AgentWorker, signal: NodeJS.Signals): void {
    this.#parts.report({ type: "worker.draining", pid, signal }, incarnation);
  }

  /** Whether its loop answers is looked at when it is taken. */
  loopOwner(): LoopOwner {
    const ignore = () => undefined;
    return {
      forsaken: () => false,
      loopSilent: ignore,
      loopAnswers: ignore,
      loopUnresponsive: ignore,
      loopResponsive: ignore,
    };
  }

  workerGone(worker: AgentWorker, exit: WorkerExit, about: WorkerEnd): void {
    if (this.#ending.delete(worker)) {
      if (this.#ending.size === 0) for (const gone of this.#onGone.splice(0)) gone();
      return;
    }
    this.#worker = undefined;
    this.#losses = exit.uptimeMs >= provenAfterMs ? 1 : this.#losses + 1;
    const crash = createCrashRecord(exitBySignalFromOutside(exit), {
      ...about,
      agentId: this.#parts.spec.id,
      atMs: this.#parts.clock().now(),
      runsInFlight: [],
      runFingerprints: [],
      lastEvents: [],
    });
    this.#parts.report({ type: "spare.lost", crash }, crash.incarnation);
    this.#launchAfter(crash.wasReady && this.#losses === 1 ? 0 : pause.firstMs * 2 ** Math.min(this.#losses - 1, 10));
  }

  #launchAfter(delayMs: number): void {
    this.#timer = this.#parts.clock().setTimeout(
      () => {
        this.#timer = undefined;
        if (this.#wanted) this.#launch();
      },
      Math.min(delayMs, pause.longestMs),
    );
  }

  #launch(): void {
    const { spec, environment, shared, clock } = this.#parts;
    this.#clearTimer();
    shared.launched += 1;
    this.#incarnation = shared.launched;
    this.#worker = new AgentWorker(this.#incarnation, { spec, environment, clock: clock(), keeper: this });
    this.#worker.follow();
  }

  #end(worker: AgentWorker, how: "drain" | "kill"): void {
    this.#ending.add(worker);
    worker.end(how);
  }

  #clearTimer(): void {
    if (this.#timer !== undefined) this.#parts.clock().clearTimeout(this.#timer);
    this.#timer = undefined;
  }
}
