/** The end of a run whose caller wants nothing but that: its answer, or its error with all that the worker says of it. */

import { RunError, type RunErrorFacts } from "../errors.ts";
import type { WireRunEvent } from "./run-event.ts";
import type { WireRunResult } from "./run-types.ts";

/**
 * The answer at the end of a run's events.
 * @returns rejects with the run's error, and as the events do
 */
export async function resultIn(events: AsyncIterable<WireRunEvent>, agentId: string): Promise<WireRunResult> {
  for await (const event of events) {
    if (event.type === "completed") return event.result;
    if (event.type === "failed") throw event.error;
    if (event.type === "cancelled") {
      const { reason, usage, messages, unfinished } = event;
      const facts: RunErrorFacts = { agentId, kind: "cancelled" };
      if (usage !== undefined) facts.usage = usage;
      if (messages !== undefined) facts.messages = messages;
      if (unfinished) facts.unfinished = true;
      throw new RunError("run_cancelled", `agent "${agentId}": ${reason}`, facts);
    }
  }
  throw new RunError("protocol_violation", `the worker of agent "${agentId}" ended a run without an end`, { agentId });
}
