/** What an agent makes of what its worker tells: events of its machine, reports, and the record of a crash. */

import type { Worker, WorkerExit } from "../worker/launcher.ts";
import type { CrashHistory } from "./crash-history.ts";
import { createCrashRecord, exitBySignalFromOutside } from "./crash-record.ts";
import type { WorkerEnd, WorkerOwner } from "./current-worker.ts";
import type { AgentLife } from "./life.ts";
import type { Mailbox } from "./mailbox.ts";
import type { Readiness } from "./readiness.ts";
import type { PendingRun } from "./run.ts";
import { stoppedInRunError, workerError } from "./worker-error.ts";

/** The owner of an agent's workers, one after the other. */
export class WorkerObserver implements WorkerOwner {
  readonly #life: AgentLife;
  readonly #mailbox: Mailbox<PendingRun>;
  readonly #crashes: CrashHistory;
  readonly #readiness: Readiness;

  constructor(parts: {
    life: AgentLife;
    mailbox: Mailbox<PendingRun>;
    crashes: CrashHistory;
    readiness: Readiness;
  }) {
    this.#life = parts.life;
    this.#mailbox = parts.mailbox;
    this.#crashes = parts.crashes;
    this.#readiness = parts.readiness;
  }

  heldRuns(): number {
    return this.#mailbox.inFlight.size;
  }

  workerSpawned(worker: Worker): void {
    this.#life.send({ type: "worker.spawned", pid: worker.pid });
    this.#life.report({ type: "worker.spawned", pid: worker.pid });
  }

  workerReady(worker: Worker, startMs: number): void {
    this.#crashes.served();
    // One turn: who hears of the runs that begin now may stop the agent, and then it is not ready any more.
    this.#life.turn(() => {
      this.#life.send({ type: "worker.ready" });
      this.#readiness.resolve();
      this.#life.report({ type: "agent.ready", pid: worker.pid ?? 0, startMs });
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

  workerDraining(worker: Worker, signal: NodeJS.Signals): void {
    this.#life.report({ type: "worker.draining", pid: worker.pid, signal });
  }

  /**
   * The runs it held end with it; who waits keeps its place. An end that was asked for is a crash only if it came in another way.
   */
  workerGone(exit: WorkerExit, about: WorkerEnd): void {
    const { agentId } = this.#life;
    const asked = about.asked || this.#life.killed;
    const stopping = this.#life.state === "stopping";
    const held = this.#mailbox.drain("inFlight");
    const crash = createCrashRecord(asked ? exit : exitBySignalFromOutside(exit), {
      agentId,
      atMs: this.#life.clock.now(),
      connectionLost: about.connectionLost,
      hung: about.hung,
      graceMs: about.graceMs,
      runsInFlight: held.map((run) => run.id),
      runFingerprints: held.map((run) => run.fingerprint),
      lastEvents: this.#life.lastEvents,
    });
    const crashed = !asked || (crash.cause !== "stopped" && crash.cause !== "killed");
    if (crashed) this.#crashes.note(crash);
    for (const run of held) {
      run.lost(stopping ? stoppedInRunError(crash, run.id) : workerError(crash, run.id));
    }
    this.#life.turn(() => {
      if (!crashed && crash.detail !== undefined) this.#life.report({ type: "worker.killed", crash });
      if (crashed) this.#life.report({ type: "agent.crashed", crash });
      if (asked) this.#life.send({ type: "worker.exited" });
      else this.#life.send({ type: "worker.exited", crash: crash.describe });
    });
  }
}
