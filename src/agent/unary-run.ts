/** A run that answers once. */

import type { AgentClient } from "../rpc/agent-client.ts";
import { resultIn } from "../rpc/terminal-event.ts";
import type { Carriage } from "./carriage.ts";
import { Run } from "./run.ts";

/** A run whose caller waits for the result. */
export class UnaryRun<Output> extends Run<Output> {
  protected override get told(): boolean {
    return false;
  }

  protected override call(client: AgentClient, carriage: Carriage): void {
    const session = this.openSession(client, carriage);
    const answer =
      session === undefined
        ? client.run(this.request, { signal: carriage.signal })
        : resultIn(session, this.owner.agentId);
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
