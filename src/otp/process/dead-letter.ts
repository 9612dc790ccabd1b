/** Messages that reach nobody are told of, never dropped in silence. */

import type { ProcessReport } from "../report/process-report.ts";
import type { Process, Runtime } from "./process.ts";
import { openMessage } from "./system-message.ts";

/** Why a message reached nobody. */
export type DeadLetterCause = Extract<ProcessReport, { type: "dead_letter" }>["why"];

/** Reports a message that reached nobody. Signals, the runtime's own messages and calls (whose callers are told) are no dead letters. */
export function reportDeadLetter(runtime: Runtime, to: Process | string, message: unknown, why: DeadLetterCause): void {
  if (runtime.onReport === undefined || isNoLetter(message)) return;
  runtime.report({ type: "dead_letter", to: String(to), message: openMessage(message).message, why });
}

function isNoLetter(message: unknown): boolean {
  const type = (message as { type?: unknown } | null | undefined)?.type;
  if (type === "EXIT" || type === "DOWN") return true;
  return type === "$call" || type === "$sys" || type === "$stop" || type === "$continue" || type === "$timeout";
}
