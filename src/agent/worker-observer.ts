/** What an agent makes of what its workers tell: events of its machine, reports, and the record of a crash. */

import type { CrashRecord } from "../crash.ts";
import type { WorkerExit } from "../worker/launcher.ts";
import type { AgentWorker } from "./agent-worker.ts";
import type { CrashHistory } from "./crash-history.ts";
import { createCrashRecord, exitBySignalFromOutside } from "./crash-record.ts";
import type { AgentLife } from "./life.ts";
import type { Mailbox } from "./mailbox.ts";
import type { PendingRun } from "./pending-run.ts";
import type { Readiness } from "./readiness.ts";
import type { Renewal } from "./renewal.ts";
import type { RunFate } from "./retry.ts";
import type { Swap } from "./swap.ts";
import type { WorkerEnd } from "./worker-end.ts";
import { poisonedError, stoppedInRunError, workerError } from "./worker-error.ts";
import type { WorkerOwner } from "./workers.ts";

/** The owner of an agent's workers, one after the other. */
export class WorkerObserver implements WorkerOwner {
  readonly #life: AgentLife;
  readonly #mailbox: Mailbox<PendingRun>;
  readonly #crashes: CrashHistory;
  readonly #readiness: Readiness;
  readonly #swap: Swap;
  readonly #renewal: Renewal;
  readonly #serve: () => void;
  readonly #swapped: (worker: AgentWorker) => void;

  constructor(parts: {
    life: AgentLife;
    mailbox: Mailbox<PendingRun>;
    crashes: CrashHistory;
    readiness: Readiness;
    swap: Swap;
    renewal: Renewal;
    /** Hands waiting runs to the current worker. */
    serve: () => void;
    /** A worker that was asked for has taken the place of another. */
    swapped: (worker: AgentWorker) => void;
  }) {
    this.#life = parts.life;
    this.#mailbox = parts.mailbox;
    this.#crashes = parts.crashes;
    this.#readiness = parts.readiness;
    this.#swap = parts.swap;
    this.#renewal = parts.renewal;
    this.#serve = parts.serve;
    this.#swapped = parts.swapped;
  }

  heldRuns(by: "current" | "retired"): number {
    return by === "current" ? this.#mailbox.inFlight.size : this.#mailbox.retired.size;
  }

  workerSpawned({ pid, incarnation }: AgentWorker): void {
    if (incarnation === this.#life.incarnation) this.#life.send({ type: "worker.spawned", pid });
    this.#life.report({ type: "worker.spawned", pid }, incarnation);
  }

  workerReady(worker: AgentWorker): void {
    const { pid = 0, startMs } = worker;
    this.#crashes.served();
    this.#renewal.began(worker);
    // One turn: who hears of the runs that begin now may stop the agent, and then it is not ready any more.
    this.#life.turn(() => {
      this.#life.send({ type: "worker.ready" });
      this.#readiness.resolve();
      this.#life.report({ type: "agent.ready", pid, startMs });
    });
  }

  workerUnavailable(): void {
    this.#readiness.renew();
  }

  /** A worker that has been left by all its callers works for nobody. */
  forsaken(): boolean {
    const held = [...this.#mailbox.inFlight];
    return held.length > 0 && held.every((run) => run.answered);
  }

  loopSilent(): void {
    this.#readiness.renew();
    this.#life.send({ type: "loop.silent" });
  }

  loopAnswers(): void {
    this.#life.turn(() => {
      this.#life.send({ type: "loop.answers" });
      this.#readiness.resolve();
    });
  }

  loopUnresponsive(silentMs: number, stacks: readonly string[]): void {
    this.#life.report({ type: "agent.unresponsive", forMs: silentMs, stacks });
  }

  loopResponsive(silentMs: number): void {
    this.#life.report({ type: "agent.responsive", forMs: silentMs });
  }

  workerDraining({ pid, incarnation }: AgentWorker, signal: NodeJS.Signals): void {
    this.#life.report({ type: "worker.draining", pid, signal }, incarnation);
  }

  /** What runs stays with the one that is let go; what waits, and what comes, is the new one's. */
  workerSwapped(worker: AgentWorker, retired: AgentWorker): void {
    this.#life.turn(() => {
      this.#mailbox.retire();
      this.#life.incarnate(worker.incarnation);
      this.#crashes.served();
      this.#renewal.began(worker);
      this.#readiness.resolve();
      this.#life.send({ type: "worker.swapped", pid: worker.pid });
      this.#swap.succeeded(worker, retired);
      retired.end("drain");
      this.#swapped(worker);
    });
  }

  workerPromoted({ pid }: AgentWorker): void {
    this.#life.send({ type: "worker.spawned", pid });
    this.#swap.overtaken();
  }

  /** The agent has lost nothing by it: what was asked for has not come about. */
  nextGone(exit: WorkerExit, about: WorkerEnd): void {
    const crash = this.#record(about.asked ? exit : exitBySignalFromOutside(exit), about, []);
    this.#life.turn(() => this.#swap.failed(about.asked ? undefined : crash));
  }

  /** The runs it held end with it. However it ended, it had been let go. */
  retiredGone(exit: WorkerExit, about: WorkerEnd): void {
    const held = [...this.#mailbox.retired];
    const crash = this.#record(exit, { ...about, retired: true }, held);
    this.#life.turn(() => {
      this.#endRuns("retired", crash, crash.cause !== "retired" && crash.cause !== "killed");
      if (crash.cause === "killed" && crash.detail !== undefined) {
        this.#life.report({ type: "worker.killed", crash }, crash.incarnation);
      }
      this.#life.report({ type: "worker.retired", crash }, crash.incarnation);
      this.#swap.goOn();
      this.#serve();
    });
  }

  /**
   * The runs it held end with it; who waits keeps its place. An end that was asked for is a crash only if it came in another way.
   */
  workerGone(exit: WorkerExit, about: WorkerEnd): void {
    this.#renewal.ended();
    const asked = about.asked || this.#life.killed;
    const held = [...this.#mailbox.inFlight];
    const { retiring } = this.#life;
    const crash = this.#record(asked ? exit : exitBySignalFromOutside(exit), { ...about, retired: retiring }, held);
    const crashed = !retiring && (!asked || (crash.cause !== "stopped" && crash.cause !== "killed"));
    if (crashed) this.#crashes.note(crash);
    // One turn: who hears of the runs' end may stop the agent, and then its state must know of the worker's.
    this.#life.turn(() => {
      this.#endRuns("inFlight", crash, crashed && !asked);
      if (!crashed && crash.detail !== undefined) this.#life.report({ type: "worker.killed", crash });
      if (crashed) this.#life.report({ type: "agent.crashed", crash });
      if (retiring) this.#life.report({ type: "worker.retired", crash });
      if (!about.asked) this.#life.send({ type: "worker.exited", crash: crash.describe });
    });
  }

  allGone(): void {
    this.#life.send({ type: "worker.exited" });
  }

  /** What the worker held is lost with it, is set aside, or waits for the next one. `died`: nobody had asked for its end. */
  #endRuns(holder: "inFlight" | "retired", crash: CrashRecord, died: boolean): void {
    const stopping = this.#life.state === "stopping";
    const fates = new Map<PendingRun, RunFate>();
    for (const run of this.#mailbox[holder]) fates.set(run, died && !stopping ? run.died(crash) : "lost");
    const runsOf = (wanted: RunFate) => [...fates].filter(([, fate]) => fate === wanted).map(([run]) => run);
    const again = runsOf("again");
    for (const run of again.toReversed()) this.#mailbox.putBack(run);
    const poisonRuns = runsOf("set_aside").map(({ id }) => id);
    if (poisonRuns.length > 0) crash.poisonRuns = poisonRuns;
    for (const { id: runId, crashes } of again) {
      this.#life.report({ type: "run.retried", runId, attempt: crashes.length + 1, crash });
    }
    for (const run of this.#mailbox.drain(holder)) {
      const { id, crashes } = run;
      if (fates.get(run) === "set_aside") {
        this.#life.report({ type: "run.set_aside", runId: id, crashes });
        run.lost(poisonedError(crashes, id));
      } else run.lost(stopping ? stoppedInRunError(crash, id) : workerError(crash, id));
    }
  }

  #record(exit: WorkerExit, about: WorkerEnd & { retired?: boolean }, held: readonly PendingRun[]): CrashRecord {
    return createCrashRecord(exit, {
      ...about,
      agentId: this.#life.agentId,
      atMs: this.#life.clock.now(),
      runsInFlight: held.map((run) => run.id),
      runFingerprints: held.map((run) => run.fingerprint),
      lastEvents: this.#life.lastEvents,
    });
  }
}
