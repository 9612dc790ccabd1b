/** Why an agent that has stopped does not come back by itself. */

import type { CrashRecord } from "./crash.ts";

/** What its policy has said; undefined of one that runs, that will, or that was stopped by request. */
export function leftDown({
  state,
  lastCrash,
}: {
  readonly state: string;
  readonly lastCrash: CrashRecord | undefined;
}): string | undefined {
  const decision = state === "stopped" ? lastCrash?.decision : undefined;
  return decision === undefined || decision.type === "restart" ? undefined : decision.because;
}
