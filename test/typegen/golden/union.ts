/**
 * Written by `synapse-otp typegen` from the agent "agents/union.py:agent"; do not edit.
 *
 * Numbers are as JavaScript's JSON holds them. An integer beyond ±(2^53 - 1), NaN and infinities arrive as texts, unless
 * `unsafeNumbers` of the definition says otherwise.
 */

import type { AgentContract, Prompt, RunEvent, ToolCallOf } from "../../../src/index.ts";

/** What a prompt may be. */
export type Input = Prompt;

/** What a run answers with. */
export type Output = Node | OutputEvent | string;

export interface Node {
  label: string;
  children: Node[];
}

export interface OutputEvent {
  name: string;
}

/** What a run takes as `deps`: "agents/union.py:make_deps" makes its deps of it. */
export type Deps = unknown;

/** The arguments of the agent's own tools, by their names. */
export type ToolArguments = Record<never, never>;

/** An event of a run. */
export type Event = RunEvent<Output>;

/** A call of one of the agent's own tools: what `isToolCall(event, contract)` finds among the events of a run. */
export type ToolCall = ToolCallOf<ToolArguments>;

/** For `defineAgent({ id, contract })`: it gives outputs and `deps` their types, and an agent that is another does not start. */
export const contract: AgentContract<Output, Deps, ToolArguments> = {
  entry: "agents/union.py:agent",
  depsFactory: "agents/union.py:make_deps",
  hash: "0123",
  output: {
    anyOf: [{ $ref: "#/$defs/Node" }, { $ref: "#/$defs/Event" }, { type: "string" }],
    $defs: {
      Node: {
        type: "object",
        properties: {
          label: { type: "string" },
          children: {
            type: "array",
            items: { $ref: "#/$defs/Node" },
          },
        },
        required: ["label", "children"],
      },
      Event: {
        type: "object",
        properties: {
          name: { type: "string" },
        },
        required: ["name"],
      },
    },
  },
  deps: {},
  tools: {},
};
