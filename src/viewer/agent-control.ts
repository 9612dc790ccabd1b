/** What the page may do to an agent. */

import type { System } from "../system.ts";

/** The actions, as the page names them. */
export const agentActions = ["restart", "stop", "kill"] as const;

/** One of them. */
export type AgentAction = (typeof agentActions)[number];

/** Does an action to an agent. Answers when it has begun; throws, or rejects, when it cannot begin. */
export type AgentControl = (agentId: string, action: AgentAction) => void | Promise<void>;

/** Makes the control of a system's agents. */
export function createAgentControl(system: System): AgentControl {
  return (agentId, action) => {
    const agent = system.agent(agentId);
    switch (action) {
      case "restart":
        forget(agent.restart("asked for in the viewer"));
        return;
      case "stop":
        forget(agent.stop());
        return;
      case "kill":
        agent.kill();
        return;
    }
  };
}

/** How it ends is told by the agent's own reports. */
function forget(work: Promise<unknown>): void {
  work.catch(() => undefined);
}
