/** Who is told of what happens in a runtime that has no `onReport` of its own. Source: OTP's default logger handler, which prints crash and supervisor reports. */

import { writeToStderr } from "../../stderr.ts";
import { describeExitReason } from "../report/exit-reason.ts";
import type { ProcessReport } from "../report/process-report.ts";

/** Lines a second; what comes beyond is counted. */
const maxLinesPerSecond = 20;
const maxChars = 400;

let reporter: ((report: ProcessReport) => void) | undefined = printReport;
let secondStartedAtMs = 0;
let linesInSecond = 0;
let leftOut = 0;

/**
 * Sets who is told, in all runtimes of this program that have no `onReport` of their own; undefined: nobody. At first it is one line on stderr for
 * each process that crashes, each supervisor that gives up, each policy that fails, each error of a process that has ended and each deadlock, at most 20 a second.
 * @returns who was told before
 */
export function setDefaultReporter(
  next: ((report: ProcessReport) => void) | undefined,
): ((report: ProcessReport) => void) | undefined {
  const before = reporter;
  reporter = next;
  return before;
}

/** Whether anybody is told. */
export function hasDefaultReporter(): boolean {
  return reporter !== undefined;
}

/** Tells whoever is set. */
export function reportByDefault(report: ProcessReport): void {
  reporter?.(report);
}

/** One line on stderr for what somebody should see. */
function printReport(report: ProcessReport): void {
  const text = lineOf(report);
  if (text === undefined) return;
  const nowMs = Date.now();
  if (Math.abs(nowMs - secondStartedAtMs) >= 1_000) {
    if (leftOut > 0) writeToStderr(`synapse: and ${leftOut} more\n`);
    secondStartedAtMs = nowMs;
    linesInSecond = 0;
    leftOut = 0;
  }
  linesInSecond += 1;
  if (linesInSecond > maxLinesPerSecond) leftOut += 1;
  else writeToStderr(`synapse: ${text.length > maxChars ? `${text.slice(0, maxChars)}…` : text}\n`);
}

function lineOf(report: ProcessReport): string | undefined {
  switch (report.type) {
    case "process.crashed":
      return `${report.process} crashed: ${describeError(report.reason)}`;
    case "process.late_error":
      return `${report.process}, which has ended, threw: ${describeError(report.error)}`;
    case "policy.failed":
      return `a policy of supervisor "${report.supervisor}" failed at child "${report.offender.childId}": ${report.because}`;
    case "supervisor.gave_up": {
      const { childId } = report.offender;
      return `supervisor "${report.supervisor}" gave up at child "${childId}": ${report.because}; last: ${describeError(report.reason)}`;
    }
    case "deadlock":
      return `deadlock: ${report.because}`;
    default:
      return undefined;
  }
}

/** A reason and, of an Error, where it was made; on one line. */
function describeError(reason: unknown): string {
  const text = describeExitReason(reason as Error);
  let place: string | undefined;
  try {
    place = (reason as { stack?: string } | null | undefined)?.stack?.split("\n").find((line) => /^\s+at /.test(line));
  } catch {
    // A reason that does not let itself be looked at has no place.
  }
  return `${text}${place === undefined ? "" : ` ${place.trim()}`}`.replaceAll("\n", "\\n");
}
