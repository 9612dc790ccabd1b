/** What a system tells of itself, to its log and to its listeners. */

import type { AgentReport } from "./agent/agent-report.ts";
import type { ProcessReport } from "./otp/report/process-report.ts";

/** A report of a system: of its supervisors, processes and agents, or of trouble with the inspection observer. */
export type Report =
  | ProcessReport
  | AgentReport
  | { type: "inspect.threw"; error: unknown }
  | { type: "inspect.dropped"; events: number };
