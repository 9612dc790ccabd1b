/** What a system answers over its control socket. */

import type { AgentEnvironment } from "./agent/environment.ts";
import { type ControlStatus, controlVersion, maxRows, type StatusRow } from "./control/protocol.ts";
import { type Controlled, type ControlServer, openControl } from "./control/server.ts";
import type { CrashRecord } from "./crash.ts";
import { CallerError, SynapseError } from "./errors.ts";
import type { InspectedSystem } from "./inspect/inspected-system.ts";
import { RemoteViewers } from "./inspect/remote-viewers.ts";
import { knownAgent } from "./known-agent.ts";
import type { SystemLogger } from "./logger.ts";
import { type TreeNode, walkTree } from "./otp/report/tree.ts";
import { ownPackage } from "./python/needs.ts";
import type { SystemHealth } from "./system-health.ts";
import { toldRuns } from "./told-runs.ts";

/** A system, as far as it is told of. */
export interface ToldSystem {
  readonly name: string;
  tree(): TreeNode;
  health(): SystemHealth;
  crashes(agentId?: string): CrashRecord[];
}

/** Opens the control socket of a system. Where there is none, the system does without: a warning says why. */
export async function openSystemControl(
  system: ToldSystem,
  environment: AgentEnvironment,
  inspected: InspectedSystem,
  logger: SystemLogger,
): Promise<ControlServer | undefined> {
  const viewers = new RemoteViewers(inspected);
  const warn = (error: unknown) =>
    logger.warn({ err: error }, `system "${system.name}" cannot be asked by the command line: ${String(error)}`);
  try {
    const control = await openControl(controlOf(system, environment, viewers), warn);
    return {
      async close() {
        viewers.close();
        await control.close();
      },
    };
  } catch (error) {
    warn(error);
    return undefined;
  }
}

/** The answers of a system. */
function controlOf(system: ToldSystem, environment: AgentEnvironment, viewers: RemoteViewers): Controlled {
  const { name } = system;
  const startedAtMs = Date.now();
  const agent = (agentId: string) => knownAgent(environment, name, agentId);
  return {
    hello: () => ({
      control: controlVersion,
      system: name,
      pid: process.pid,
      version: ownPackage.version,
      startedAtMs,
    }),
    status: () => statusOf(system, environment),
    look: ({ viewer }) => viewers.look(viewer),
    crashes: ({ agentId }) => {
      const records = system.crashes(agentId === undefined ? undefined : agent(agentId).spec.id);
      return records.map(({ agentId: id, incarnation, atMs, describe, cause, decision }) => ({
        agentId: id,
        incarnation,
        atMs,
        describe,
        cause,
        ...(decision === undefined ? {} : { decision }),
      }));
    },
    crash: ({ agentId, incarnation }) => {
      const crash = system.crashes(agentId).findLast((one) => one.incarnation === incarnation);
      if (crash !== undefined) return crash;
      const message = `system "${name}" keeps no crash of worker ${incarnation} of agent "${agentId}"`;
      throw new CallerError("not_found", message, { field: "incarnation", value: incarnation });
    },
    restart: async ({ agentId, graceful }) => {
      const { handle } = agent(agentId);
      await handle.restart({ reason: "asked on the command line", graceful });
      return { incarnation: handle.incarnation };
    },
    stop: async ({ agentId }) => {
      const { handle } = agent(agentId);
      await handle.stop();
      return { state: handle.state };
    },
    kill: ({ agentId }) => {
      const pid = agent(agentId).handle.kill();
      if (pid !== undefined) return { pid };
      throw new SynapseError("not_found", `agent "${agentId}" has no worker now`);
    },
  };
}

function statusOf(system: ToldSystem, environment: AgentEnvironment): ControlStatus {
  const { status, agents } = system.health();
  const healths = new Map(agents.map((health) => [health.path, health]));
  const rows: StatusRow[] = [];
  let leftOut = 0;
  for (const { node, depth } of walkTree(system.tree())) {
    const { children: _below, ...facts } = node;
    if (rows.length === maxRows) {
      leftOut += 1;
      continue;
    }
    const health = healths.get(node.path);
    if (health === undefined) rows.push({ ...facts, depth });
    else {
      const { queueLength, inFlight, loop, lastCrash } = health;
      const told = { ...(loop === undefined ? {} : { loop }), ...(lastCrash === undefined ? {} : { lastCrash }) };
      rows.push({ ...facts, depth, queueLength, inFlight, ...told });
    }
  }
  const { runs, leftOut: runsLeftOut } = toldRuns(environment);
  return { status, rows, leftOut, runs, runsLeftOut };
}
