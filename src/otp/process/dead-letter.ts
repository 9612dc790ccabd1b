/** Messages that reach nobody are told of, never dropped in silence. */

import type { ProcessReport } from "../report/process-report.ts";
import type { Process, Runtime } from "./process.ts";
import { RuntimeMessage } from "./runtime-message.ts";
import { openMessage } from "./system-message.ts";

/** Why a message reached nobody. */
export type DeadLetterCause = Extract<ProcessReport, { type: "dead_letter" }>["why"];

/** Reports a message that reached nobody. Signals, the runtime's own messages and calls (whose callers are told) are no dead letters. */
export function reportDeadLetter(runtime: Runtime, to: Process | string, message: unknown, why: DeadLetterCause): void {
  if (runtime.onReport === undefined || (RuntimeMessage.is(message) && !message.isLetter)) return;
  runtime.report({ type: "dead_letter", to: String(to), message: openMessage(message).message, why });
}
