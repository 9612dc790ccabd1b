/** What an agent's crashes lead to: what its supervisor is told, what it decides, and what callers are told when it leaves the agent down. */

import type { CrashRecord } from "../crash.ts";
import type { SynapseError } from "../errors.ts";
import type { ExitReason } from "../otp/report/exit-reason.ts";
import type { RestartDecision } from "../otp/report/supervisor-report.ts";
import type { AgentLife } from "./life.ts";
import { startFailureOf } from "./start-failure.ts";
import { agentStoppedError, leftDownError, workerError } from "./worker-error.ts";

/** After how many failed starts in a row those who wait are told, who may have given no limit of their own: some 20 s with the usual pauses. */
const patientStarts = 8;

/** The last crash of one agent, and the end that it led to. */
export class CrashHistory {
  readonly #life: AgentLife;
  #last: CrashRecord | undefined;
  #everServed = false;
  /** The last incarnation that served. */
  #served = 0;
  #failedStarts = 0;
  #cannotStart = false;
  /** Each who asks is given an error of its own, made where it asks. */
  #leftDown: (() => SynapseError) | undefined;

  constructor(life: AgentLife) {
    this.#life = life;
  }

  /** The last crash; undefined when there was none. */
  get last(): CrashRecord | undefined {
    return this.#last;
  }

  /** Why the agent was left down after a crash, as the error for its callers; undefined when it was not. */
  get leftDownBy(): SynapseError | undefined {
    return this.#leftDown?.();
  }

  /** The agent begins, or begins again: what had left it down holds no longer. */
  begin(): void {
    this.#failedStarts = 0;
    this.#leftDown = undefined;
  }

  /** A worker serves: a load that fails from now on is a crash as any other. */
  served(): void {
    this.#everServed = true;
    this.#served = this.#life.incarnation;
    this.#failedStarts = 0;
  }

  /**
   * Nobody had asked for this end of a worker. A start that failed and may succeed the next time is counted, and so is any other one of an agent
   * that has served before: what worked once may be mended by whoever changed it.
   */
  note(crash: CrashRecord): void {
    this.#last = crash;
    this.#life.noteCrash(crash);
    const failure = crash.incarnation === this.#served ? undefined : startFailureOf(crash);
    this.#cannotStart = failure === "lasting" && !this.#everServed;
    if (failure === undefined || this.#cannotStart) return;
    this.#failedStarts += 1;
    crash.failedStarts = this.#failedStarts;
  }

  /** Why no worker serves: the last start has failed and is tried again; undefined when that is not so. */
  get startError(): SynapseError | undefined {
    const crash = this.#last;
    return crash === undefined || this.#failedStarts === 0 ? undefined : workerError(crash);
  }

  /** Whether so many starts in a row have failed that who waits is to be told. The agent goes on trying. */
  get outOfPatience(): boolean {
    return this.#failedStarts >= patientStarts;
  }

  /** Tells the supervisor of the last crash. One that cannot start, and never did, has failed to start: trying again does not mend it. */
  tellSupervisor(): void {
    const crash = this.#last;
    if (crash === undefined) return;
    if (this.#cannotStart) {
      this.#leftDown = () => workerError(crash);
      this.#life.tellSupervisor((scope) => scope.startFailed(crash));
      return;
    }
    this.#life.tellSupervisor((scope) => scope.exited(exitReasonOf(crash), crash.failedStarts, isCharged(crash)));
  }

  /** The supervisor's answer. */
  decided(decision: RestartDecision): void {
    const crash = this.#last;
    if (crash === undefined) return;
    crash.decision = decision;
    if (decision.type === "restart" || exitReasonOf(crash) === "normal") return;
    if (crash.failedStarts !== undefined && decision.type === "leave") {
      this.#leftDown = () => workerError(crash);
      return;
    }
    const code = decision.type === "give_up" ? "restart_intensity_exceeded" : "agent_stopped";
    this.#leftDown = () => leftDownError(crash, code, decision.because);
  }

  /** The error for who still waits when the agent ends: the crash that it was left down by, or else its stop. */
  endError(reason: string, runId?: string): SynapseError {
    return this.#leftDown?.() ?? agentStoppedError(this.#life.agentId, reason, this.#last, runId);
  }
}

/** Whether the end counts for the policy: not when it is a run's, or a zygote's, which takes all of its workers with it. */
function isCharged({ cause, poisonRuns }: CrashRecord): boolean {
  return poisonRuns === undefined && cause !== "zygote_lost";
}

/** A worker that ended by itself with exit code 0 had finished; anything else is a crash. */
function exitReasonOf(crash: CrashRecord): ExitReason {
  return crash.cause === "exited" && crash.exitCode === 0 && crash.failedStarts === undefined ? "normal" : crash;
}
