/** What processes tell, beside what supervisors report. */

import type { ExitReason } from "./exit-reason.ts";
import type { SupervisorReport } from "./supervisor-report.ts";

/** A report about processes and supervisors. */
export type ProcessReport =
  | SupervisorReport
  /**
   * A process ended with an abnormal reason. `lastMessage` is the one it was handling, `client` who had asked; `ancestors` the processes that
   * started it, nearest first; `links` its neighbours.
   */
  | {
      type: "process.crashed";
      process: string;
      label?: string;
      reason: ExitReason;
      lastMessage?: unknown;
      client?: string;
      state?: unknown;
      ancestors?: readonly string[];
      links?: readonly string[];
    }
  /** Code of a process that has ended threw, or what ends with it could not be released. */
  | { type: "process.late_error"; process: string; error: unknown }
  /** Processes that wait for each other's replies, in a circle, for half a second or more. `because`: "a waits for b waits for a". */
  | {
      type: "deadlock";
      processes: readonly string[];
      calls: readonly { from: string; to: string; message: unknown; timeoutMs: number | "infinity" }[];
      because: string;
    }
  /** A message that reached nobody. `why` is one of: "noproc" (dead or unknown), "full" (mailbox), "late" (reply after its timeout), "unhandled". */
  | { type: "dead_letter"; to: string; message: unknown; why: "noproc" | "full" | "late" | "unhandled" };
