/** What processes tell, beside what supervisors report. */

import type { ExitReason } from "./exit-reason.ts";
import type { SupervisorReport } from "./report.ts";

/** A report about processes and supervisors. */
export type ProcessReport =
  | SupervisorReport
  /** A process ended with an abnormal reason. */
  | {
      type: "process.crashed";
      process: string;
      reason: ExitReason;
      lastMessage?: unknown;
      state?: unknown;
    }
  /** A message that reached nobody. `why` is one of: "noproc" (dead or unknown), "full" (mailbox), "late" (reply after its timeout), "unhandled". */
  | { type: "dead_letter"; to: string; message: unknown; why: "noproc" | "full" | "late" | "unhandled" };
