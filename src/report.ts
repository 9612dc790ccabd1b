/** What a system tells of itself, to its log and to its listeners. */

import type { AgentReport } from "./agent/agent-report.ts";
import type { ProcessReport } from "./otp/report/process-report.ts";

/** A report of a system: of its supervisors, processes and agents, or of trouble with the inspection observer. */
export type Report =
  | ProcessReport
  | AgentReport
  /**
   * "zygote.unfit": no worker can be forked here, and fresh interpreters are started instead. "zygote.lost": the process that forks workers has ended; they
   * end with it, and the next one is started for those that take their places.
   */
  | { type: "zygote.unfit"; because: string }
  | { type: "zygote.lost"; pid: number | undefined; workers: number }
  | { type: "inspect.threw"; error: unknown }
  | { type: "inspect.dropped"; events: number };
