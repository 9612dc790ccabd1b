/** A run that answers once. */

import type { AgentClient } from "../rpc/agent-client.ts";
import type { Carriage } from "./carriage.ts";
import { Run } from "./run.ts";

/** A run whose caller waits for the result. */
export class UnaryRun<Output> extends Run<Output> {
  protected override call(client: AgentClient, { signal }: Carriage): void {
    client.run(this.request, { signal }).then(
      (wire) => void this.succeed(wire),
      (error: unknown) => this.callFailed(error),
    );
  }

  protected override failed(): void {
    // The rejected result is all a unary caller sees.
  }

  protected override discardRest(): void {
    // The call's own end is all there is.
  }
}
