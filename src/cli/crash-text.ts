/** How a crash reads on a terminal. */

import type { CrashSummary } from "../control/protocol.ts";
import type { CrashRecord } from "../crash.ts";
import { durationText, sizeText } from "./terminal-text.ts";

/** A crash in a list: when, who, how, and what the policy decided. */
export function crashLine({ agentId, incarnation, atMs, describe, decision }: CrashSummary): string {
  const line = `${timeText(atMs)}  ${agentId} ${incarnation}  ${describe}`;
  return decision === undefined ? line : `${line}\n${" ".repeat(21)}${decision.type}: ${decision.because}`;
}

/** All that is known of a crash. */
export function crashText(crash: CrashRecord): string {
  const { agentId, incarnation, describe, cause, detail, decision, loadFailure } = crash;
  const facts: readonly (readonly [string, string | number | undefined])[] = [
    ["cause", cause],
    ["detail", detail],
    ["pid", crash.pid],
    ["exit code", crash.exitCode],
    ["signal", crash.signal],
    ["was ready", crash.wasReady ? "yes" : "no"],
    ["lived", durationText(crash.uptimeMs)],
    ["memory at most", crash.peakMemoryBytes === undefined ? undefined : sizeText(crash.peakMemoryBytes)],
    ["runs it held", crash.runsInFlight.join(", ") || undefined],
    ["decision", decision === undefined ? undefined : `${decision.type}: ${decision.because}`],
    ["last events", crash.lastEvents.slice(-8).join(", ") || undefined],
  ];
  const lines = facts.flatMap(([name, value]) => (value === undefined ? [] : [`  ${`${name}:`.padEnd(16)}${value}`]));
  const parts = [`${timeText(crash.atMs)}  agent "${agentId}", worker ${incarnation}: ${describe}`, ...lines];
  const block = (heading: string, text: readonly string[]) => {
    if (text.length > 0) parts.push("", `${heading}:`, ...text.map((line) => `  ${line}`));
  };
  block(
    "why it could not be loaded",
    loadFailure === undefined ? [] : (loadFailure.traceback ?? loadFailure.message).split("\n"),
  );
  block("stacks before it was killed", crash.stackDump ?? []);
  block("what Python's fault handler wrote", crash.faultTrace ?? []);
  block("last lines of stderr", crash.stderrTail);
  return parts.join("\n");
}

/** A time, by the clock of this machine. */
function timeText(atMs: number): string {
  const date = new Date(atMs);
  const two = (value: number) => String(value).padStart(2, "0");
  const day = [date.getFullYear(), two(date.getMonth() + 1), two(date.getDate())].join("-");
  return `${day} ${[two(date.getHours()), two(date.getMinutes()), two(date.getSeconds())].join(":")}`;
}
