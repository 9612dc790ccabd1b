/** Runs for policies to be asked about. */

import fc from "fast-check";
import type { RunHappening } from "../../../src/otp/policy/run-policy.ts";
import type { Usage } from "../../../src/usage.ts";

/** A run is asked about. */
export function asked(runId: string, agentId = "a"): RunHappening {
  return { type: "asked", agentId, runId };
}

/** Nothing of a run is left. */
export function settled(runId: string, usage?: Usage, agentId = "a"): RunHappening {
  return { type: "settled", agentId, runId, usage };
}

/** Something that happens after some time: a run comes, or one of those that are held ends with so many tokens, or is sent back, or one agent has no run any more. */
export interface Move {
  readonly afterMs: number;
  readonly what: "come" | "end" | "unknown" | "return" | "none";
  readonly agent: string;
  readonly pick: number;
  readonly tokens: number;
}

/** Moves of three agents, whose runs use at most so many tokens. */
export const moves = (mostTokens: number) =>
  fc.array(
    fc.record<Move>({
      afterMs: fc.constantFrom(0, 0, 1, 10, 100, 500, 1_000),
      what: fc.constantFrom("come", "come", "come", "end", "end", "unknown", "return", "none"),
      agent: fc.constantFrom("a", "b", "c"),
      pick: fc.nat(20),
      tokens: fc.nat(mostTokens),
    }),
    { maxLength: 60, size: "max" },
  );
