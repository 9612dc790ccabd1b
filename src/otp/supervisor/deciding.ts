/** What a supervisor does about an end or a failed start: it asks the policy, tells the answer, and carries it out. */

import { ProcessError } from "../../errors.ts";
import type { AnyRestartPolicy } from "../policy/restart-policy.ts";
import { RuntimeMessage } from "../process/runtime-message.ts";
import { describeExitReason, type ExitReason, exitReasonOf, isA, isCleanExit } from "../report/exit-reason.ts";
import type { RestartDecision } from "../report/supervisor-report.ts";
import { type Child, type PendingExit, refBelow } from "./child.ts";
import { EndingSupervisor } from "./ending.ts";
import { tellMachine } from "./machine.ts";
import { PolicyChain, type PolicyState } from "./policy-chain.ts";
import { checkSetPolicy, findPlace, type PolicyPlace } from "./policy-place.ts";
import { type Started, startIncarnation } from "./starting.ts";
import { stopIncarnation } from "./stopping.ts";
import { offender } from "./telling.ts";

/** A decision, as the machine shows it. */
interface Decided {
  readonly childId: string;
  readonly reason: ExitReason;
  readonly decision: RestartDecision;
}

/** A supervisor, as far as it decides. */
export abstract class DecidingSupervisor extends EndingSupervisor {
  /** Who is asked about an end. */
  protected readonly policies = new PolicyChain(
    this.spec,
    (child, failure) => this.report({ type: "policy.failed", offender: offender(child), ...failure }),
    this.host.parent?.runSeats,
  );
  #restarts = 0;
  /** The last decision, until the machine shows it. */
  #unshown: Decided | undefined;

  protected onExit(child: Child, scopeId: number, reason: ExitReason, failedStarts = 0, charged = true): void {
    if (child.scopeId !== scopeId || child.pendingExit !== undefined) return;
    if (child.onEnd !== undefined) {
      child.onEnd(reason);
      this.closeIfDead();
      return;
    }
    if (child.status === "stopped") return;
    child.pendingExit = { reason, failedStarts, charged };
    this.closeIfDead();
    if (!this.closed && this.isShown) tellMachine(this.actor, { type: "child.exited", childId: child.spec.id, reason });
    this.queue.add(() => this.#handleExit(child));
  }

  protected onStartFailed(child: Child, scopeId: number, reason: ExitReason): void {
    if (child.scopeId !== scopeId || child.onEnd !== undefined) return;
    child.pendingExit = { reason, failedStarts: 0 };
    tellMachine(this.actor, { type: "child.start_failed", childId: child.spec.id, reason });
    this.queue.add(() => {
      if (child.pendingExit === undefined || child.status !== "running") return;
      this.report({ type: "child.start_failed", offender: offender(child), reason });
      return this.#leave(child);
    });
  }

  #handleExit(child: Child): void | Promise<void> {
    const pending = child.pendingExit;
    if (pending === undefined || child.status !== "running") return;
    child.pendingExit = undefined;
    if (child.running?.resident === undefined) child.running = undefined;
    if (this.ending) {
      child.status = "stopped";
      return;
    }
    return this.#decide(child, pending);
  }

  /** Asks the policy what to do about an end or a failed restart, tells it, and does it. */
  #decide(child: Child, { reason, failedStarts, charged = true }: PendingExit): void | Promise<void> {
    const { spec, incarnation } = child;
    const exit = { childId: spec.id, restart: spec.restart, reason, incarnation, failedStarts, charged };
    const decision = this.policies.decide(child, exit, this.clock.monotonicMs());
    child.running?.resident?.decided(decision);
    if (decision.type === "restart") {
      this.#restarts += 1;
      child.restarts += 1;
      child.status = "restarting";
    } else {
      child.status = "stopped";
    }
    if (this.isHeard) this.report({ type: "child.exited", offender: offender(child), reason, decision });
    this.#show({ childId: spec.id, reason, decision });
    const { because } = decision;
    switch (decision.type) {
      case "leave":
        return this.#leave(child);
      case "give_up":
        this.report({ type: "supervisor.gave_up", offender: offender(child), reason, because });
        this.endWithShutdown();
        return;
      case "restart":
        return this.#restartAfter(child, decision.delayMs);
    }
  }

  /** Shows a decision in the machine: at once to whoever looks on, else once for all of a turn, because a storm of restarts shows nobody anything. */
  #show(last: Decided): void {
    const shownAlready = this.#unshown !== undefined;
    this.#unshown = last;
    if (this.isShown) this.#showNow();
    else if (!shownAlready) queueMicrotask(() => this.#showNow());
  }

  /** Whether somebody looks at every step: the events that change nothing are for them alone. */
  protected get isShown(): boolean {
    return this.isHeard || this.process.runtime.isInspected;
  }

  #showNow(): void {
    if (this.#unshown === undefined || this.closed) return;
    const { childId, reason, decision } = this.#unshown;
    this.#unshown = undefined;
    const { type, because } = decision;
    const lastExit = { childId, reason: describeExitReason(reason), decision: type, because };
    tellMachine(this.actor, { type: "child.decided", lastExit, children: this.size, restarts: this.#restarts });
  }

  override state(): unknown {
    this.#showNow();
    return super.state();
  }

  /**
   * Gives a supervisor at or below this one another policy, or a child of one: `where` is a path or an id, the nearest comes first. From the next end on
   * it is asked; a pause that runs is not changed. A child keeps its policy as long as its supervisor runs, a supervisor until it is itself restarted: then
   * its specification's is back.
   * @param options `state`: whether the new policy is given the state of the old one ("keep"), or begins without any ("reset", the default)
   * @throws CallerError "invalid_argument"; "not_found" with the paths that are known; "stopped"
   */
  setPolicy(where: string, policy: AnyRestartPolicy, options: { readonly state?: PolicyState } = {}): void {
    const { state = "reset" } = checkSetPolicy(where, policy, options);
    this.checkRunning();
    const { policies, child, agent } = findPlace(this.#policyPlaces(), where);
    if (child === undefined) policies.set(policy, state);
    else policies.setOf(child, policy, state);
    agent?.policies.setRunsOf(agent.child, policy, state);
  }

  /** Itself and everything below that has a policy now: level by level, and a tree of any depth needs no stack. */
  #policyPlaces(): PolicyPlace[] {
    const places: PolicyPlace[] = [{ policies: this.policies, path: this.path, id: this.spec.id }];
    const level: DecidingSupervisor[] = [this];
    for (const supervisor of level) {
      for (const child of supervisor.children()) {
        const { path, spec } = child;
        const { id, type } = spec;
        const below = refBelow(child);
        if (below instanceof DecidingSupervisor) {
          level.push(below);
          const { policies } = supervisor;
          // One whose ref is another thing: what it supervises works for the child as a whole.
          const agent = child.running?.supervisor === undefined ? {} : { agent: { policies, child } };
          places.push({ policies: below.policies, path, id, ...agent });
        } else if (type === "worker") places.push({ policies: supervisor.policies, child, path, id });
      }
    }
    return places;
  }

  #leave(child: Child): void | Promise<void> {
    if (child.running?.resident === undefined) return this.left(child, true);
    child.status = "restarting";
    const stopped = stopIncarnation(child, this.clock);
    if (stopped instanceof Promise) return stopped.then(() => this.left(child, true));
    return this.left(child, true);
  }

  #restartAfter(child: Child, delayMs: number): void | Promise<void> {
    if (this.alone && child.running?.resident !== undefined) return this.restartResident(child, delayMs);
    if (delayMs <= 0) return this.restartGroup(child);
    child.timer = this.clock.setTimeout(() => {
      child.timer = undefined;
      this.queue.add(() => this.#retryNow(child));
    }, delayMs);
  }

  #retryNow(child: Child): void | Promise<void> {
    if (child.status !== "restarting" || this.ending || !this.owns(child)) return;
    return this.restartGroup(child);
  }

  /** Starts a child again. A failure is one more restart for the policy, after everything that waits. */
  protected startAgain(child: Child): "failed" | undefined | Promise<"failed" | undefined> {
    if (child.running?.resident !== undefined) {
      this.restartResident(child, 0);
      return undefined;
    }
    try {
      const started = startIncarnation(child, this.lent);
      if (!(started instanceof Promise)) return this.#startedAgain(child, started);
      return started.then(
        (how) => this.#startedAgain(child, how),
        (error: unknown) => this.#restartFailed(child, error),
      );
    } catch (error) {
      return this.#restartFailed(child, error);
    }
  }

  #startedAgain(child: Child, how: Started): undefined {
    if (how === "ignored") this.left(child, false);
    else if (this.isHeard) this.report({ type: "child.started", offender: offender(child), restarted: true });
  }

  protected restartResident(child: Child, delayMs: number): void {
    child.incarnation += 1;
    child.status = "running";
    child.running?.resident?.restart(delayMs);
    this.report({ type: "child.started", offender: offender(child), restarted: true });
  }

  #restartFailed(child: Child, error: unknown): "failed" {
    const reason = reasonOfStart(error);
    child.status = "restarting";
    child.pendingExit = undefined;
    this.report({ type: "child.start_failed", offender: offender(child), reason });
    // A start that fails is a failure, however clean its reason: a transient child is retried too.
    const failure = isCleanExit(reason) ? new Error("its start failed", { cause: error }) : reason;
    this.process.deliver(new RetryMessage(child, failure));
    return "failed";
  }

  protected retry(child: Child, reason: ExitReason): void | Promise<void> {
    if (child.status !== "restarting" || child.timer !== undefined || this.ending || !this.owns(child)) return;
    return this.#decide(child, { reason, failedStarts: 0 });
  }

  protected abstract get size(): number;
  /** Starts a child again, with the siblings that its strategy names. */
  protected abstract restartGroup(child: Child): void | Promise<void>;
  /** Whether a restart concerns only the child itself. */
  protected abstract readonly alone: boolean;
  /** A child stays down. */
  protected abstract left(child: Child, byItself: boolean): void;
  /** Whether the record is still one of this supervisor's. */
  protected abstract owns(child: Child): boolean;
}

/** The reason inside the error of a start. */
export function reasonOfStart(error: unknown): ExitReason {
  // The reason of a failed start may be undefined; other errors without one are the reason themselves.
  if (!isA(error, ProcessError) || (error.reason === undefined && error.code !== "start_failed")) {
    return exitReasonOf(error);
  }
  return error.reason as ExitReason;
}

/** What a supervisor posts to itself, behind all that waits, when a restart has failed. */
export class RetryMessage extends RuntimeMessage {
  readonly type = "$retry";
  readonly child: Child;
  readonly reason: ExitReason;

  constructor(child: Child, reason: ExitReason) {
    super();
    this.child = child;
    this.reason = reason;
  }
}
