/** What a supervisor tells of its work: the same values go to the log, to `onReport` and to tests. Source: OTP's supervisor reports. */

import type { ExitReason } from "./exit-reason.ts";

/** "permanent": always restarted. "transient": only after an abnormal exit. "temporary": never. Source: OTP's child specification. */
export type RestartType = "permanent" | "transient" | "temporary";

/** Milliseconds from the polite request to the kill; 0 is legal. "infinity": no kill. "brutal_kill": no polite request. */
export type Shutdown = number | "infinity" | "brutal_kill";

/** What is to be done: `because` is the sentence that reports and logs show. */
export type RestartDecision =
  /** Start the child (and by strategy its siblings) again, `delayMs` from now. */
  | { type: "restart"; delayMs: number; because: string }
  /** Leave the child down. */
  | { type: "leave"; because: string }
  /** Stop all children and end: the parent decides. */
  | { type: "give_up"; because: string };

/** The child a report is about. */
export interface Offender {
  childId: string;
  /** Ids from the root, joined by "/". */
  path: string;
  type: "worker" | "supervisor";
  /** Its process, or its last one, as reports quote it; absent for what is no process of its own. */
  process?: string;
  restart: RestartType;
  shutdownMs: Shutdown;
  /** How often the child has been started. */
  incarnation: number;
}

interface ReportBase {
  /** Path of the supervisor that reports. */
  supervisor: string;
  /** Milliseconds since the Unix epoch, by the supervisor's clock. */
  atMs: number;
}

/** A report of a supervisor. */
export type SupervisorReport =
  /** A child runs. `restarted` tells a restart from a first start. */
  | (ReportBase & { type: "child.started"; offender: Offender; restarted: boolean })
  /** A child ended by itself; `decision` is what the policy answered and why. */
  | (ReportBase & { type: "child.exited"; offender: Offender; reason: ExitReason; decision: RestartDecision })
  /** A child could not be started. */
  | (ReportBase & { type: "child.start_failed"; offender: Offender; reason: ExitReason })
  /** A child was stopped and ended in another way than it was asked to, for example "killed" after `shutdownMs`. */
  | (ReportBase & { type: "child.shutdown_error"; offender: Offender; reason: ExitReason })
  /**
   * A policy, the child's own or its supervisor's, threw `error` or answered what cannot be carried out; the restart intensity has answered in its
   * place.
   */
  | (ReportBase & {
      type: "policy.failed";
      offender: Offender;
      policy: "child" | "supervisor";
      because: string;
      error?: unknown;
    })
  /** More restarts than allowed: the supervisor stops its children in reverse order and ends. */
  | (ReportBase & { type: "supervisor.gave_up"; offender: Offender; reason: ExitReason; because: string })
  /** All children are stopped and the supervisor has ended. */
  | (ReportBase & { type: "supervisor.stopped"; reason: ExitReason });
