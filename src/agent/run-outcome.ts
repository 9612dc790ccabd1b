/** What the report of a settled run says of its end. */

import { RunError, SynapseError } from "../errors.ts";
import type { AgentReportFacts } from "./agent-report.ts";

/** How a run ended, as its report says it. */
export type Outcome = Pick<Extract<AgentReportFacts, { type: "run.settled" }>, "outcome" | "code" | "kind" | "usage">;

/** What a report says of an error. */
export function outcomeOf(error: Error): Outcome {
  if (!(error instanceof SynapseError)) return { outcome: "failed" };
  const { code } = error;
  const outcome = code === "run_cancelled" ? "cancelled" : "failed";
  if (!(error instanceof RunError)) return { outcome, code };
  const { kind, usage } = error;
  return usage === undefined ? { outcome, code, kind } : { outcome, code, kind, usage };
}
