/** What is told of a crash: enough to see why, without what `formatStatus` hides. Source: OTP's proc_lib crash report. */

import { describeExitReason, type ExitReason, exitReasonOf } from "../report/exit-reason.ts";
import type { ProcessReport } from "../report/process-report.ts";
import type { Shown } from "./behaviour.ts";
import { callIn } from "./call-message.ts";
import type { Process } from "./process.ts";
import { openMessage } from "./system-message.ts";

/** Ancestors in a report; a longer line is cut. */
const maxAncestors = 20;

/** The report of a process that ends with an abnormal reason. */
export function crashReport(process: Process, reason: ExitReason, lastMessage: unknown): ProcessReport {
  const { behaviour, links } = process;
  let shown: Shown = { state: undefined, reason };
  if (lastMessage !== undefined) shown.message = openMessage(lastMessage).message;
  try {
    shown = behaviour.redact?.(shown) ?? { ...shown, state: behaviour.state() };
  } catch (error) {
    shown = { state: `its state could not be shown: ${describeExitReason(exitReasonOf(error))}`, reason };
  }
  return {
    type: "process.crashed",
    process: process.toString(),
    label: process.label,
    reason: "reason" in shown ? shown.reason : reason,
    state: shown.state,
    ancestors: ancestorsOf(process),
    links: links === undefined ? [] : Array.from(links, String),
    ...("message" in shown ? { lastMessage: shown.message } : {}),
    ...clientOf(lastMessage),
  };
}

function ancestorsOf(process: Process): string[] {
  const ancestors: string[] = [];
  for (let next = process.parent; next !== undefined && ancestors.length < maxAncestors; next = next.parent) {
    ancestors.push(next.toString());
  }
  return ancestors;
}

function clientOf(lastMessage: unknown): { client?: string } {
  const call = callIn(lastMessage);
  return call === undefined ? {} : { client: call.caller?.toString() ?? "outside any process" };
}
