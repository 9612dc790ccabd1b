/** The agent that a file of types is written of: a system of it alone, which is asked what it is. */

import { defineAgent } from "../agent/define.ts";
import type { Agent } from "../agent/handle.ts";
import { silentLogger } from "../logger.ts";
import type { Report } from "../report.ts";
import type { AgentDescription } from "../rpc/run-types.ts";
import { startSystem } from "../start-system.ts";
import type { System } from "../system.ts";

/** Where the agent is. */
export interface DescribedAgent {
  readonly entry: string;
  /** What makes the deps of its runs; undefined: the agent's deps_type. */
  readonly depsFactory: string | undefined;
  /** Absolute path: relative entries start here. */
  readonly cwd: string;
  /** Undefined: searched. */
  readonly interpreter: string | undefined;
}

/** The name of the system, and of its agent. */
const name = "typegen";

/** How long the agent may take to be ready, in milliseconds. */
const patienceMs = 60_000;

/** Starts the system. Rejects as `startSystem` does; whether the agent starts its handle tells. */
export async function startDescribed(
  { entry, depsFactory, cwd, interpreter }: DescribedAgent,
  how: { readonly watch: boolean; readonly onReport: (report: Report) => void },
): Promise<{ readonly system: System; readonly agent: Agent }> {
  const { watch, onReport } = how;
  const definition = defineAgent({ id: name, entry, deps: depsFactory, watch });
  const python = { cwd, ...(interpreter === undefined ? {} : { interpreter }) };
  const system = await startSystem({ name, children: [definition], logger: silentLogger, python }, { onReport });
  return { system, agent: system.agent(definition) };
}

/** What the agent says of itself. Rejects with the SynapseError of a system, or of an agent, that does not start. */
export async function describeOnce(source: DescribedAgent): Promise<AgentDescription> {
  const { system, agent } = await startDescribed(source, { watch: false, onReport: () => undefined });
  try {
    // A start that may succeed the next time is tried again and again, and somebody waits.
    return await agent.describe({ timeoutMs: patienceMs });
  } finally {
    await system.stop();
  }
}
