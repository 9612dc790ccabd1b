/** A run that answers once. */

import { RunError, type RunErrorFacts } from "../errors.ts";
import type { AgentClient } from "../rpc/agent-client.ts";
import type { WireRunEvent } from "../rpc/run-event.ts";
import type { WireRunResult } from "../rpc/run-types.ts";
import type { Carriage } from "./carriage.ts";
import type { RunOwner } from "./pending-run.ts";
import { Run } from "./run.ts";

/** A run whose caller waits for the result. */
export class UnaryRun<Output> extends Run<Output> {
  protected override get told(): boolean {
    return false;
  }

  protected override call(client: AgentClient, carriage: Carriage): void {
    const session = this.openSession(client, carriage);
    const answer =
      session === undefined ? client.run(this.request, { signal: carriage.signal }) : resultIn(session, this.owner);
    answer.then(
      (wire) => void this.succeed(wire, carriage),
      (error: unknown) => this.callFailed(error, carriage),
    );
  }

  protected override takenBack(): void {
    // The call's promise is all there is, and nobody heeds it.
  }

  protected override failed(): void {
    // The rejected result is all a unary caller sees.
  }

  protected override discardRest(): void {
    // The call's own end is all there is.
  }
}

/** The result at the end of a session. */
async function resultIn(session: AsyncIterable<WireRunEvent>, { agentId }: RunOwner): Promise<WireRunResult> {
  for await (const event of session) {
    if (event.type === "completed") return event.result;
    if (event.type === "failed") throw event.error;
    if (event.type === "cancelled") {
      const facts: RunErrorFacts = { agentId, kind: "cancelled" };
      if (event.usage !== undefined) facts.usage = event.usage;
      if (event.unfinished) facts.unfinished = true;
      throw new RunError("run_cancelled", `agent "${agentId}": ${event.reason}`, facts);
    }
  }
  throw new RunError("protocol_violation", `the worker of agent "${agentId}" ended a session without an end`, {
    agentId,
  });
}
