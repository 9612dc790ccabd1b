/** What `launcher: "spawn"` and `launcher: "zygote"` cost: restarts, bursts and memory, each by both in turn. Linux, where there is a zygote. */

import { type Agent, defineAgent, type System } from "../../src/index.ts";
import { crashAll, crashOnce } from "./crash.ts";
import { childrenOf, familyOf, memoryOf } from "./memory.ts";
import { inRounds } from "./rounds.ts";
import { compareLaunchers, type LauncherSeries, type Series, series } from "./series.ts";
import { type BenchSettings, benchEntry } from "./settings.ts";
import { startBenchSystem, startMs } from "./target.ts";

const kinds = ["spawn", "zygote"] as const;
type Kind = (typeof kinds)[number];

/** How long a worker has been ready when it is killed, in milliseconds: long enough for a blank to be made for the one after it. */
const restMs = 250;

/** The measures of both launchers, in milliseconds and megabytes. */
export interface LauncherMeasures {
  /** kill -9 of a worker that has been ready for `restMs`, to the end of the next run that succeeds. */
  readonly nextRun: LauncherSeries;
  /** The same of the worker that has just answered that run: the zygote has no blank for a second death at once. */
  readonly nextRunAgain: LauncherSeries;
  /** kill -9 of all workers of a burst, to all its agents being ready again. */
  readonly burst: LauncherSeries;
  /** The same for a crowd; by zygote alone. */
  readonly crowd: Series;
  /** The start of a system with a crowd, to all its agents being ready, the start of the zygote included. */
  readonly crowdStartMs: number;
  /** Private memory of each agent of a burst, after one run and a full collection. */
  readonly agentUss: LauncherSeries;
  /** All memory of the agents of a burst, shared pages counted once, with the guardian and the zygote where there are any. */
  readonly burstPss: LauncherSeries;
}

/** Measures both launchers; undefined where there is no zygote. */
export async function measureLaunchers(settings: BenchSettings): Promise<LauncherMeasures | undefined> {
  if (process.platform !== "linux") return undefined;
  const restarts = await withBoth(1, (teams) =>
    inRounds(teams, settings.restarts, async ({ agents: [agent], system }) => {
      if (agent === undefined) throw new Error("there is no agent to kill");
      await new Promise((resolve) => setTimeout(resolve, restMs));
      return { rested: await crashOnce(agent, system), again: await crashOnce(agent, system) };
    }),
  );
  const nextRuns = (which: "rested" | "again") =>
    compareLaunchers({
      spawn: restarts.spawn.map((crashes) => crashes[which].nextRunMs),
      zygote: restarts.zygote.map((crashes) => crashes[which].nextRunMs),
    });
  const { bursts, memory } = await withBoth(settings.burstAgents, async (teams) => ({
    bursts: await inRounds(teams, settings.bursts, ({ agents, system }) => crashAll(agents, system)),
    memory: await measureMemory(teams),
  }));
  const crowd = await startTeam("zygote", settings.crowdAgents);
  try {
    const values: number[] = [];
    for (let round = 0; round < settings.crowds; round++) values.push(await crashAll(crowd.agents, crowd.system));
    return {
      nextRun: nextRuns("rested"),
      nextRunAgain: nextRuns("again"),
      burst: compareLaunchers(bursts),
      crowd: series(values),
      crowdStartMs: crowd.startedInMs,
      ...memory,
    };
  } finally {
    await stopTeam(crowd);
  }
}

/** A system of equal agents by one launcher. */
interface Team {
  readonly name: Kind;
  readonly system: System;
  readonly agents: readonly Agent[];
  /** Processes that this system has started itself: workers, or the guardian. */
  readonly roots: readonly number[];
  readonly startedInMs: number;
}

async function startTeam(kind: Kind, size: number): Promise<Team> {
  const before = new Set(childrenOf(process.pid));
  const children = Array.from({ length: size }, (_, index) =>
    defineAgent({ id: `${kind}-${index}`, entry: benchEntry, output: "text", launcher: kind, startTimeoutMs: startMs }),
  );
  const startedAtMs = performance.now();
  const system = await startBenchSystem(`bench-${kind}`, children);
  const agents = children.map((child): Agent => system.agent(child));
  try {
    await Promise.all(agents.map((agent) => agent.whenReady({ timeoutMs: startMs })));
    const startedInMs = performance.now() - startedAtMs;
    await Promise.all(agents.map((agent) => agent.run("hello")));
    const roots = childrenOf(process.pid).filter((pid) => !before.has(pid));
    return { name: kind, system, agents, roots, startedInMs };
  } catch (error) {
    await system.stop({ timeoutMs: 10_000 });
    throw error;
  }
}

async function stopTeam({ system }: Team): Promise<void> {
  await system.stop({ timeoutMs: 10_000 });
}

/** Both launchers side by side, with `size` agents each. */
async function withBoth<T>(size: number, measure: (teams: readonly Team[]) => Promise<T>): Promise<T> {
  const teams: Team[] = [];
  try {
    for (const kind of kinds) teams.push(await startTeam(kind, size));
    return await measure(teams);
  } finally {
    await Promise.all(teams.map(stopTeam));
  }
}

async function measureMemory(teams: readonly Team[]): Promise<Pick<LauncherMeasures, "agentUss" | "burstPss">> {
  const uss: Record<Kind, number[]> = { spawn: [], zygote: [] };
  const pss: Record<Kind, number[]> = { spawn: [], zygote: [] };
  for (const { name, agents, roots } of teams) {
    await Promise.all(agents.map((agent) => agent.run("hello")));
    await Promise.all(agents.map((agent) => agent.run("collect")));
    const workers = agents.flatMap(({ pid }) => pid ?? []);
    uss[name].push(...workers.map((pid) => memoryOf(pid).ussMb));
    const all = name === "spawn" ? workers : roots.flatMap(familyOf);
    pss[name].push(all.reduce((sum, pid) => sum + memoryOf(pid).pssMb, 0));
  }
  return { agentUss: compareLaunchers(uss), burstPss: compareLaunchers(pss) };
}
