/** What an agent's crashes lead to: what its supervisor is told, what it decides, and what callers are told when it leaves the agent down. */

import type { CrashRecord } from "../crash.ts";
import type { SynapseError } from "../errors.ts";
import type { ExitReason } from "../otp/report/exit-reason.ts";
import type { RestartDecision } from "../otp/report/supervisor-report.ts";
import type { AgentLife } from "./life.ts";
import { agentStoppedError, leftDownError, workerError } from "./worker-error.ts";

/** The last crash of one agent, and the end that it led to. */
export class CrashHistory {
  readonly #life: AgentLife;
  #last: CrashRecord | undefined;
  #everServed = false;
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
    this.#leftDown = undefined;
  }

  /** A worker serves: a load that fails from now on is a crash as any other. */
  served(): void {
    this.#everServed = true;
  }

  /** Nobody had asked for this end of a worker. */
  note(crash: CrashRecord): void {
    this.#last = crash;
  }

  /** Tells the supervisor of the last crash. One that never served and cannot be loaded has failed to start: trying again does not mend it. */
  tellSupervisor(): void {
    const crash = this.#last;
    if (crash === undefined) return;
    if (crash.cause === "load_failed" && !this.#everServed) {
      this.#leftDown = () => workerError(crash);
      this.#life.tellSupervisor((scope) => scope.startFailed(crash));
      return;
    }
    this.#life.tellSupervisor((scope) => scope.exited(exitReasonOf(crash)));
  }

  /** The supervisor's answer. */
  decided(decision: RestartDecision): void {
    const crash = this.#last;
    if (crash === undefined) return;
    crash.decision = decision;
    if (decision.type === "restart" || exitReasonOf(crash) === "normal") return;
    const code = decision.type === "give_up" ? "restart_intensity_exceeded" : "agent_stopped";
    this.#leftDown = () => leftDownError(crash, code, decision.because);
  }

  /** The error for who still waits when the agent ends: the crash that it was left down by, or else its stop. */
  endError(reason: string, runId?: string): SynapseError {
    return this.#leftDown?.() ?? agentStoppedError(this.#life.agentId, reason, this.#last, runId);
  }
}

/** A worker that ended by itself with exit code 0 had finished; anything else is a crash. */
function exitReasonOf(crash: CrashRecord): ExitReason {
  return crash.cause === "exited" && crash.exitCode === 0 ? "normal" : crash;
}
