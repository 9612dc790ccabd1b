/** The end of a supervisor: what it gives up, what it waits for, and who is told when the last child is gone. */

import { CallerError } from "../../errors.ts";
import { carriedReason, monitorExit } from "../process/exited.ts";
import type { Process } from "../process/process.ts";
import { type ExitReason, exitReasonOf } from "../report/exit-reason.ts";
import { stopActor } from "../scheduler/xstate-adapter.ts";
import { type Child, type ChildHost, clearDelay } from "./child.ts";
import { tellMachine } from "./machine.ts";
import { whenAlone } from "./process-child.ts";
import { SerialQueue } from "./serial-queue.ts";
import { orphan } from "./stopping.ts";
import { TellingSupervisor } from "./telling.ts";

/** A supervisor, as far as its end goes. */
export abstract class EndingSupervisor extends TellingSupervisor {
  protected readonly queue = new SerialQueue((error) => this.#broken(error));
  protected abstract readonly lent: ChildHost;
  /** Whether it takes no more requests. */
  protected ending = false;
  /** Whether it and all its children have ended. */
  protected closed = false;
  /** Whether it has begun to start its children: one that never did has nothing to show or tell. */
  protected shown = false;
  readonly #onAlone: (() => void)[] = [];
  /** Processes that a start function has told of. */
  readonly #begun = new Set<Process>();

  /** Settles with the exit reason when the supervisor and all its children have ended; as `exited` does. Never rejects. */
  get ended(): Promise<ExitReason> {
    return monitorExit(this.process).then(
      ({ reason }) =>
        new Promise<ExitReason>((resolve) => this.whenAlone(() => resolve(carriedReason(this.process, reason)))),
    );
  }

  /** What it does has failed, which nothing may: it crashes, and its own supervisor decides. */
  #broken(error: unknown): void {
    const { process } = this;
    if (process.status === "running" || process.status === "starting") process.crash(exitReasonOf(error));
    else process.runtime.report({ type: "process.late_error", process: process.toString(), error });
  }

  /** Stops everything and ends with "shutdown". */
  protected endWithShutdown(): void {
    this.ending = true;
    this.process.end("shutdown");
  }

  protected checkRunning(): void {
    if (this.ending || !this.process.alive) {
      throw new CallerError("stopped", `supervisor "${this.path}" has been stopped`);
    }
  }

  /** Stops the children and ends with `reason`. Settles when all are gone. Idempotent. */
  stop(reason: ExitReason = "shutdown"): Promise<ExitReason> {
    this.process.started();
    this.process.end(reason);
    return this.ended;
  }

  /** Kills the children and ends with "killed". Settles nothing: wait for `ended`. */
  kill(): void {
    this.ending = true;
    this.#giveUpStarts();
    for (const child of this.children().reverse()) {
      clearDelay(child, this.clock);
      child.running?.kill();
    }
    void this.stop("killed");
  }

  #giveUpStarts(): void {
    for (const giveUp of this.lent.pendingStarts) giveUp();
  }

  terminate(reason: ExitReason): Promise<void> {
    this.ending = true;
    tellMachine(this.actor, { type: "supervisor.stop", reason });
    return this.queue.call(() => this.stopAll());
  }

  dispose(reason: ExitReason): void {
    this.ending = true;
    const starting = this.lent.pendingStarts.size > 0;
    this.#giveUpStarts();
    // Killed itself, its children go down with it; ended in an orderly way, it has none left.
    for (const child of this.children().reverse()) orphan(child, this.lent, reason);
    for (const process of this.#begun) if (process.status === "starting") process.finish("killed");
    if (starting) this.closeIfDead();
    else this.#closeWhenAlone(reason);
  }

  protected closeIfDead(): void {
    const { alive, exitReason } = this.process;
    // After the turn of the child's own actor, which may end in the middle of an event.
    if (!alive) queueMicrotask(() => this.#closeWhenAlone(exitReason));
  }

  /** The machine ends after the last child, so that no child's end is told to an actor that has ended. */
  #closeWhenAlone(reason: ExitReason): void {
    if (this.closed || this.#begun.size > 0 || this.children().some(isAboutToEnd)) return;
    this.closed = true;
    if (this.shown) {
      tellMachine(this.actor, { type: "supervisor.stop", reason });
      tellMachine(this.actor, { type: "supervisor.stopped" });
      this.report({ type: "supervisor.stopped", reason });
    }
    stopActor(this.actor);
    for (const then of this.#onAlone.splice(0)) then();
  }

  /** A start function has told of a process that begins: the supervisor's own end waits for it. */
  protected began(process: Process): void {
    this.#begun.add(process);
    process.addExitHook(() =>
      whenAlone(process, () => {
        this.#begun.delete(process);
        this.closeIfDead();
      }),
    );
  }

  whenAlone(then: () => void): void {
    if (this.closed) then();
    else this.#onAlone.push(then);
  }

  protected abstract stopAll(): Promise<void>;
}

/** Whether the end of a child that was told to end has not been seen. */
function isAboutToEnd(child: Child): boolean {
  return child.running !== undefined && child.pendingExit === undefined && child.status !== "stopped";
}
