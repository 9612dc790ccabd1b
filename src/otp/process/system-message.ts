/** Messages that the runtime itself sends to a process: handled in their turn, and also while the process is suspended. Source: OTP's sys. */

import type { OpenCall } from "./open-calls.ts";
import type { ExitMessage, MessageKind, Process, Trace, TraceEvent } from "./process.ts";

/** A request that the runtime carries out on a process instead of its behaviour. */
export interface SystemAction {
  readonly system: string;
  run(process: Process): unknown;
}

/** Whether a message is the runtime's own: a request to stop or to show something, or the end of the parent it follows. */
export function isSystemMessage(process: Process, message: unknown): boolean {
  const type = (message as { type?: unknown } | null | undefined)?.type;
  if (type === "$stop" || type === "$sys") return true;
  if (type !== "EXIT") return false;
  const { from } = message as ExitMessage;
  return from !== undefined && from === process.parent && process.behaviour.followsParent;
}

/** Carries a request out and answers it. */
export function runSystemRequest(process: Process, request: OpenCall): void {
  let answer: unknown;
  try {
    answer = (request.message as SystemAction).run(process);
  } catch (error) {
    request.fail(error instanceof Error ? error : new Error(String(error), { cause: error }));
    return;
  }
  request.answer(answer);
}

/** A message as its sender wrote it, and how it came. */
export function openMessage(message: unknown): { kind: MessageKind; message: unknown } {
  const type = (message as { type?: unknown } | null | undefined)?.type;
  if (type === "$call") return { kind: "call", message: (message as OpenCall).message };
  if (type === "$cast") return { kind: "cast", message: (message as { message: unknown }).message };
  if (type === "$timeout") return { kind: "info", message: (message as { message: unknown }).message };
  if (type === "$continue") return { kind: "continue", message: (message as { argument: unknown }).argument };
  return { kind: "info", message };
}

/** Tells those who watch. One that throws is not told again. */
export function tellTraces(traces: Set<Trace>, event: TraceEvent): void {
  for (const trace of traces) {
    try {
      trace(event);
    } catch (error) {
      traces.delete(trace);
      process.emitWarning(`a trace threw and is not told any more: ${String(error)}`);
    }
  }
}
