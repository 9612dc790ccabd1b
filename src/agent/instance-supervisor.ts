/** The supervisor below an agent with instances: begun with the agent, and begun anew when it has given up and the agent's own supervisor says so. */

import type { AnyActorRef } from "xstate";
import type { ExitReason } from "../otp/report/exit-reason.ts";
import type { RestartDecision } from "../otp/report/supervisor-report.ts";
import type { TreeNode } from "../otp/report/tree.ts";
import type { ChildSpec } from "../otp/supervisor/child-spec.ts";
import type { ChildScope, RunningChild } from "../otp/supervisor/running-child.ts";
import { normalizeSupervisorSpec } from "../otp/supervisor/spec.ts";
import { Supervisor } from "../otp/supervisor/supervisor.ts";
import { instanceRules } from "./instance-policy.ts";
import type { SharedLife } from "./life.ts";
import type { Spare } from "./spare.ts";

/**
 * - "running": its children are the instances
 * - "halting": they end, and the agent's supervisor decides what follows
 * - "down": it has ended, by itself or because it was halted, and that decision is awaited, or a pause before the next begin
 * - "stopping": they end, and the agent with them
 * - "stopped": the agent has ended
 */
export type GroupPhase = "running" | "halting" | "down" | "stopping" | "stopped";

/** The agent as this supervisor sees it. */
export interface InstanceSupervisorOwner {
  readonly agentId: string;
  readonly shared: SharedLife;
  /** What callers use to reach the agent. */
  readonly handle: unknown;
  /** Its worker that is no instance's. */
  readonly spareWorker: Spare;
  readonly state: string;
  /** The children to begin with. */
  children(): ChildSpec[];
  /** Asks every instance to end, all at the same time. */
  endInstances(reason: string): void;
  /** Hands waiting runs to the workers that take some. */
  serve(): void;
  /** They have ended and will not come back: the agent's supervisor is to be told. */
  groupStopped(reason: string, tellSupervisor: () => void): void;
  /** It was decided what follows the end of all instances. */
  groupDecided(decision: RestartDecision): void;
}

/** The supervisor of one agent's instances, one after the other. It is a resident child: the agent's queue outlives it. */
export class InstanceSupervisor {
  readonly #owner: InstanceSupervisorOwner;
  #scope: ChildScope | undefined;
  #current: Supervisor | undefined;
  #phase: GroupPhase = "stopped";
  #stopReason = "shutdown";
  #killed = false;
  #timer: unknown;
  #stopped = Promise.withResolvers<void>();

  constructor(owner: InstanceSupervisorOwner) {
    this.#owner = owner;
  }

  get phase(): GroupPhase {
    // It gives up: what ends now may be begun anew.
    const gaveUp = this.#phase === "running" && this.#current !== undefined && !isRunning(this.#current);
    return gaveUp ? "halting" : this.#phase;
  }

  /** The agent's place under its own supervisor; undefined before its first start. */
  get scope(): ChildScope | undefined {
    return this.#scope;
  }

  /** The one that runs, or ran last. */
  get current(): Supervisor | undefined {
    return this.#current;
  }

  /** Settles when the agent has stopped. */
  get whenStopped(): Promise<void> {
    return this.#phase === "stopped" ? Promise.resolve() : this.#stopped.promise;
  }

  /** Begins under the agent's supervisor. */
  async start(scope: ChildScope): Promise<RunningChild> {
    this.#scope = scope;
    this.#killed = false;
    this.#stopped = Promise.withResolvers();
    this.#phase = "running";
    try {
      await this.#begin(scope);
    } catch (error) {
      this.#phase = "stopped";
      throw error;
    }
    return this.#child();
  }

  /** Asks all to end, whoever wants it. */
  stop(reason: string): void {
    switch (this.#phase) {
      case "running":
      case "halting":
        this.#stopReason = reason;
        this.#end("stopping", reason);
        return;
      case "down":
        this.#clearTimer();
        this.#stopReason = reason;
        this.#close();
        return;
      case "stopping":
        return;
      case "stopped":
        // Whoever asks is told the end.
        this.#tellEnd();
    }
  }

  async #begin(scope: ChildScope): Promise<void> {
    const spec = normalizeSupervisorSpec({ id: this.#owner.agentId, children: this.#owner.children() });
    const supervisor = new Supervisor(
      { ...spec, ...instanceRules(this.#owner.agentId, scope.rules) },
      {
        environment: scope.environment,
        onReport: scope.report,
        parent: { actor: scope.supervisor, process: scope.process, path: scope.path },
      },
    );
    scope.began(supervisor.process);
    this.#current = supervisor;
    void supervisor.ended.then(async () => {
      await this.#owner.spareWorker.whenGone();
      if (supervisor === this.#current && this.#phase !== "stopped") this.#onEnd(scope);
    });
    await supervisor.start();
    // What waits needs somebody, also where nobody begins by himself.
    this.#owner.serve();
  }

  #child(): RunningChild {
    const actor = (): AnyActorRef => (this.#current as Supervisor).actor;
    return {
      ref: this.#owner.handle,
      get actor() {
        return actor();
      },
      stop: (reason) => this.stop(typeof reason === "string" ? reason : "shutdown"),
      kill: () => {
        this.#killed = true;
        this.#current?.kill();
        this.stop("killed");
        this.#owner.spareWorker.end("kill");
      },
      supervisor: () => this.#current,
      resident: {
        halt: () => this.#halt(),
        restart: (delayMs) => this.#restart(delayMs),
        decided: (decision) => this.#owner.groupDecided(decision),
      },
      node: () => this.#node(),
    };
  }

  #node(): Partial<TreeNode> {
    const { state, spareWorker } = this.#owner;
    const children = [...(this.#current?.tree().children ?? []), ...spareWorker.nodes];
    return { state, children };
  }

  #halt(): void {
    if (this.#phase === "running") this.#end("halting", "shutdown");
    else if (this.#phase === "down") this.#tellEnd();
  }

  /** The supervisor first, so that it takes no instance's end for a crash; the instances at the same time, not one after the other. */
  #end(phase: "halting" | "stopping", reason: ExitReason): void {
    this.#phase = phase;
    void this.#current?.stop(reason);
    this.#owner.endInstances(typeof reason === "string" ? reason : "shutdown");
  }

  #onEnd(scope: ChildScope): void {
    if (this.#phase === "stopping" || this.#killed) {
      this.#close();
      return;
    }
    this.#phase = "down";
    this.#owner.shared.outbox.tell(() => scope.exited("shutdown"));
  }

  #close(): void {
    this.#owner.shared.outbox.turn(() => {
      this.#phase = "stopped";
      this.#owner.groupStopped(this.#stopReason, () => this.#tellEnd());
      this.#stopped.resolve();
    });
  }

  #tellEnd(): void {
    const { scope } = this;
    if (scope !== undefined) this.#owner.shared.outbox.tell(() => scope.exited(this.#killed ? "killed" : "shutdown"));
  }

  #restart(delayMs: number): void {
    const { scope } = this;
    if (scope === undefined) return;
    this.#clearTimer();
    if (delayMs <= 0) {
      this.#beginAgain(scope);
      return;
    }
    this.#timer = scope.clock.setTimeout(() => {
      this.#timer = undefined;
      this.#beginAgain(scope);
    }, delayMs);
  }

  #beginAgain(scope: ChildScope): void {
    this.#phase = "running";
    // One that was ended while it began tells its end as any other.
    this.#begin(scope).catch(() => undefined);
  }

  #clearTimer(): void {
    if (this.#timer !== undefined) this.#scope?.clock.clearTimeout(this.#timer);
    this.#timer = undefined;
  }
}

function isRunning({ process }: Supervisor): boolean {
  return process.status === "starting" || process.status === "running";
}
