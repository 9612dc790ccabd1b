/** What a run's caller gets of the worker's answer: a checked result, or a run that is paused. */

import type { WireRunResult } from "../rpc/run-types.ts";
import { pausedOf } from "./paused-run.ts";
import type { RunOwner } from "./pending-run.ts";
import { type InnerRunOptions, schemaOfAnswer } from "./run-options.ts";
import { type RunResult, resultOf } from "./run-result.ts";

/**
 * The answer of one run; a paused one is kept by its agent.
 * @throws RunError as `resultOf` does
 */
export function answerOf<Output>(
  wire: WireRunResult,
  owner: RunOwner,
  run: { readonly options: InnerRunOptions; readonly attempts: number; readonly incarnation: number },
): RunResult<Output> | Promise<RunResult<Output>> {
  const { options, ...counts } = run;
  const about = { agentId: owner.agentId, ...counts };
  if (wire.deferred === undefined) {
    return resultOf<Output>(wire, { ...about, schema: schemaOfAnswer(options, owner), clock: owner.clock });
  }
  const paused = pausedOf(wire, about);
  owner.paused.keep(paused, options);
  // Its caller has said that it may pause, and is given the type that says so.
  return paused as unknown as RunResult<Output>;
}
