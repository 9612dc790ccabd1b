/** What the report of a settled run says of its end. */

import { RunError, SynapseError } from "../errors.ts";
import type { AgentReportFacts } from "./agent-report.ts";

/** How a run ended, as its report says it. */
export type Outcome = Pick<Extract<AgentReportFacts, { type: "run.settled" }>, "outcome" | "code" | "kind" | "usage">;

/** An error of a run in one word, for counters and traces: its code, with the kind where the run itself failed; undefined of a run that ended well. */
export function errorName({ code, kind }: Pick<Outcome, "code" | "kind">): string | undefined {
  return code === "run_failed" ? `${code}/${kind}` : code;
}

/** What a report says of an error. */
export function outcomeOf(error: Error): Outcome {
  if (!(error instanceof SynapseError)) return { outcome: "failed" };
  const { code } = error;
  const outcome = code === "run_cancelled" ? "cancelled" : "failed";
  if (!(error instanceof RunError)) return { outcome, code };
  const { kind, usage } = error;
  return usage === undefined ? { outcome, code, kind } : { outcome, code, kind, usage };
}
