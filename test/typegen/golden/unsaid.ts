/**
 * Written by `synapse-otp typegen` from the agent "agents/unsaid.py:agent"; do not edit.
 *
 * Numbers are as JavaScript's JSON holds them. An integer beyond ±(2^53 - 1), NaN and infinities arrive as texts, unless
 * `unsafeNumbers` of the definition says otherwise.
 */

import type { AgentContract, Prompt, RunEvent, ToolCallOf } from "../../../src/index.ts";

/** What a prompt may be. */
export type Input = Prompt;

/** What a run answers with: pydantic cannot say it as JSON Schema. */
export type Output = unknown;

/** Runs take no `deps`. */
export type Deps = undefined;

/** The arguments of the agent's own tools, by their names. */
export type ToolArguments = Record<never, never>;

/** An event of a run. */
export type Event = RunEvent<Output>;

/** A call of one of the agent's own tools: what `isToolCall(event, contract)` finds among the events of a run. */
export type ToolCall = ToolCallOf<ToolArguments>;

/** For `defineAgent({ id, contract })`: it gives outputs and `deps` their types, and an agent that is another does not start. */
export const contract: AgentContract<Output, Deps, ToolArguments> = {
  entry: "agents/unsaid.py:agent",
  hash: "0123",
  tools: {},
};
