/** Messages that the runtime itself sends to a process: handled in their turn, and also while the process is suspended. Source: OTP's sys. */

import { CallMessage } from "./call-message.ts";
import type { OpenCall } from "./open-calls.ts";
import type { MessageKind, Process, Trace, TraceEvent } from "./process.ts";
import { ExitSignal, RuntimeMessage, StopRequest } from "./runtime-message.ts";

/** A request that the runtime carries out on a process instead of its behaviour. */
export interface SystemAction {
  readonly system: string;
  run(process: Process): unknown;
}

/** Whether a message is the runtime's own: a request to stop or to show something, or the end of the parent it follows. */
export function isSystemMessage(process: Process, message: unknown): boolean {
  if (!RuntimeMessage.is(message)) return false;
  if (message instanceof StopRequest) return true;
  if (message instanceof CallMessage) return message.type === "$sys";
  if (!(message instanceof ExitSignal)) return false;
  return message.from !== undefined && message.from === process.parent && process.behaviour.followsParent;
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
  return RuntimeMessage.is(message) ? message.opened() : { kind: "info", message };
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
