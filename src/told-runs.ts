/** The runs of a system as somebody is told of them who looks at it from outside: those that wait for answers, and those that belong to the system. */

import type { AgentEnvironment } from "./agent/environment.ts";
import type { OpenWait } from "./agent/open-waits.ts";
import type { RunInfo } from "./agent/runs.ts";
import type { ToldAsk, ToldRun, ToldWait } from "./inspect/inspected-system.ts";
import { summarise, summariseText } from "./inspect/summarise.ts";
import type { PendingCall } from "./rpc/deferred-calls.ts";

/** Runs that are told at a time: who looks is told again and again. */
const mostRuns = 500;
const argsLimits = { maxDepth: 4, maxValues: 60, maxFields: 20, maxChars: 200 };

/** What people are asked does not change: it is summarised once. */
const summaries = new WeakMap<PendingCall, ToldAsk>();

/** Those that wait, then those that belong to the system, the newest first; and how many there is no room for. */
export function toldRuns({ agents, ledger }: Pick<AgentEnvironment, "agents" | "ledger">): {
  readonly runs: ToldRun[];
  readonly leftOut: number;
} {
  const told = new Map<string, ToldRun>();
  let leftOut = 0;
  const add = (runId: string, make: () => ToldRun): void => {
    if (told.has(runId)) return;
    if (told.size < mostRuns) told.set(runId, make());
    else leftOut += 1;
  };
  for (const { handle } of agents.values()) {
    for (const { runId } of handle.waits) {
      const info = ledger.get(runId);
      add(runId, () => (info === undefined ? askingRun(handle.id, runId, handle.waits) : keptRun(info)));
    }
  }
  for (const info of ledger.list({ limit: mostRuns })) add(info.runId, () => keptRun(info));
  const { live, ended } = ledger.kept;
  const kept = [...told.values()].filter((run) => run.kept).length;
  return { runs: [...told.values()], leftOut: leftOut + Math.max(0, live + ended - kept - leftOut) };
}

/** One of a caller that waits itself. */
function askingRun(agentId: string, runId: string, waits: readonly OpenWait[]): ToldRun {
  return {
    runId,
    agentId,
    state: "waiting",
    kept: false,
    waits: waits.filter((wait) => wait.runId === runId).map(toldWait),
  };
}

function keptRun(info: RunInfo): ToldRun {
  const { runId, agentId, state, detached, idempotencyKey, startedAtMs, endedAtMs, attempts, incarnation } = info;
  return {
    runId,
    agentId,
    state,
    kept: true,
    detached,
    ...(idempotencyKey === undefined ? {} : { idempotencyKey: summariseText(idempotencyKey) }),
    startedAtMs,
    ...(endedAtMs === undefined ? {} : { endedAtMs }),
    attempts,
    incarnation,
    ...(info.waits === undefined ? {} : { waits: info.waits.map(toldWait) }),
    ...(info.paused === undefined ? {} : { asks: info.paused.requests.map(toldAsk) }),
    ...(info.error === undefined ? {} : { error: summariseText(info.error.message, 500) }),
  };
}

function toldWait({ token, name, sinceMs, deadlineAtMs, requests }: OpenWait): ToldWait {
  return {
    token,
    name,
    sinceMs,
    ...(deadlineAtMs === undefined ? {} : { deadlineAtMs }),
    ...(requests === undefined ? {} : { asks: requests.map(toldAsk) }),
  };
}

function toldAsk(call: PendingCall): ToldAsk {
  let ask = summaries.get(call);
  if (ask === undefined) {
    const { kind, toolName, args } = call;
    ask = { kind, toolName, args: summarise(args, argsLimits) };
    summaries.set(call, ask);
  }
  return ask;
}
