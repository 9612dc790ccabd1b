/** How an agent is, as a value. */

import type { WorkerUsage } from "../worker/launcher.ts";
import type { RunProgress } from "./carriage.ts";
import type { InstanceInfo, SpareInfo } from "./instance-info.ts";
import type { LoopWatch } from "./loop-monitor.ts";
import type { AgentState } from "./machine.ts";

/** How one agent is. */
export interface AgentHealth {
  readonly id: string;
  /** Ids from the root, joined by "/". */
  readonly path: string;
  readonly state: AgentState;
  /** Whether it takes a run at once or lets it wait for a worker that serves now. */
  readonly serving: boolean;
  /** This, `pid`, `loop`, `lagMs` and `cpuMs` are of the worker whose state is the agent's. */
  readonly incarnation: number;
  /** Process id of its worker; absent when there is none now. */
  readonly pid?: number;
  /**
   * Whether the event loop of its worker answers: "unresponsive" when it has not for `unresponsiveAfterMs`. Absent while no worker serves.
   */
  readonly loop?: "responsive" | "unresponsive";
  /** How long the event loop took to answer the last time, or has not answered now, in milliseconds. Absent while no worker serves. */
  readonly lagMs?: number;
  /** Processor time that the worker has used since it began, in milliseconds. Absent where that cannot be told: it can on Linux. */
  readonly cpuMs?: number;
  /** Runs that wait. */
  readonly queueLength: number;
  /** Runs that work in the worker. */
  readonly inFlight: number;
  /** Those runs, oldest first. */
  readonly runs: readonly RunProgress[];
  /** Its instances, by number; of an agent without instances itself. */
  readonly instances: readonly InstanceInfo[];
  /** Its spare worker, which holds no runs; absent where none is kept. */
  readonly spare?: SpareInfo;
  /** Its last crash, in one sentence. */
  readonly lastCrash?: string;
}

/** An agent, as its health is told. */
export interface HealthSource {
  readonly agentId: string;
  readonly path: string | undefined;
  readonly state: AgentState;
  readonly incarnation: number;
  readonly pid: number | undefined;
  readonly loop: LoopWatch | undefined;
  readonly usage: WorkerUsage | undefined;
  readonly runs: {
    readonly queueLength: number;
    readonly inFlight: number;
    readonly progress: readonly RunProgress[];
  };
  readonly instances: readonly InstanceInfo[];
  readonly spare: SpareInfo | undefined;
  readonly lastCrash: { readonly describe: string } | undefined;
}

/** Whether an agent takes a run at once or lets it wait for a worker that serves now. */
export function isServing({ state, loop }: Pick<HealthSource, "state" | "loop">): boolean {
  return (state === "ready" || state === "busy") && loop?.unresponsive !== true;
}

/** Tells how an agent is now. Reads what the worker has used: a file or two. */
export function agentHealth(agent: HealthSource): AgentHealth {
  const { agentId: id, path = id, state, incarnation, pid, loop, usage, lastCrash } = agent;
  const { queueLength, inFlight, progress } = agent.runs;
  const unresponsive = loop?.unresponsive === true;
  return {
    id,
    path,
    state,
    serving: isServing(agent),
    incarnation,
    ...(pid === undefined ? {} : { pid }),
    ...(loop === undefined
      ? {}
      : { loop: unresponsive ? "unresponsive" : "responsive", lagMs: Math.round(loop.lagMs) }),
    ...(usage === undefined ? {} : { cpuMs: usage.cpuMs }),
    queueLength,
    inFlight,
    runs: progress,
    instances: agent.instances,
    ...(agent.spare === undefined ? {} : { spare: agent.spare }),
    ...(lastCrash === undefined ? {} : { lastCrash: lastCrash.describe }),
  };
}
