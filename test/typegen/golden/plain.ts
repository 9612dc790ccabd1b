/**
 * Written by `synapse-otp typegen` from the agent "app.agents:plain_agent"; do not edit.
 *
 * Numbers are as JavaScript's JSON holds them. An integer beyond ±(2^53 - 1), NaN and infinities arrive as texts, unless
 * `unsafeNumbers` of the definition says otherwise.
 *
 * The tools of DynamicToolset, MCPServerStdio 'files' are known to a run alone, and not here.
 */

import type { AgentContract, Prompt, RunEvent, ToolCallOf } from "../../../src/index.ts";

/** What a prompt may be. */
export type Input = Prompt;

/** What a run answers with. */
export type Output = string;

/** Runs take no `deps`: no JSON makes Python's Connection *\/, unless `deps` of the definition names a function that does. */
export type Deps = undefined;

/** The arguments of the agent's own tools, by their names. */
export type ToolArguments = Record<never, never>;

/** An event of a run. */
export type Event = RunEvent<Output>;

/** A call of one of the agent's own tools: what `isToolCall(event, contract)` finds among the events of a run. */
export type ToolCall = ToolCallOf<ToolArguments>;

/** For `defineAgent({ id, contract })`: it gives outputs and `deps` their types, and an agent that is another does not start. */
export const contract: AgentContract<Output, Deps, ToolArguments> = {
  entry: "app.agents:plain_agent",
  hash: "0123",
  output: { type: "string" },
  tools: {},
};
