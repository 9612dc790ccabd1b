/** Messages that the runtime itself sends to a process: handled in their turn, and also while the process is suspended. Source: OTP's sys. */

import { ProcessError } from "../../errors.ts";
import { describeExitReason, isA } from "../report/exit-reason.ts";
import { isThenable } from "../scheduler/thenable.ts";
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
  return message.isOfParent(process) && process.behaviour.followsParent;
}

/** Carries a request out and answers it. A state that is a promise cannot be answered: who asks would wait for it. */
export function runSystemRequest(process: Process, request: OpenCall): void {
  const { system, run } = request.message as SystemAction;
  let answer: unknown;
  try {
    answer = run(process);
    if (isThenable(answer)) {
      throw new ProcessError("exited", `${process} cannot answer ${system}: its state is a promise`, {
        reason: { type: "promise", system },
      });
    }
  } catch (error) {
    request.fail(isA(error, Error) ? error : new Error(`thrown: ${describeExitReason(error)}`, { cause: error }));
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
      process.emitWarning(`a trace threw and is not told any more: ${describeExitReason(error)}`, "SynapseWarning");
    }
  }
}
