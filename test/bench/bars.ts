/** The bars: what must hold for this package to be worth its place between a service and its agents. */

import type { InstanceMeasures } from "./instances.ts";
import type { JoiningMeasures } from "./joining.ts";
import type { LauncherMeasures } from "./launchers.ts";
import type { LifecycleMeasures } from "./lifecycle.ts";
import type { RunMeasures } from "./runs.ts";
import type { SimulationMeasures } from "./simulation.ts";
import type { StreamMeasures } from "./stream.ts";
import type { ToolCallMeasures } from "./tool-calls.ts";
import type { UnaryMeasures } from "./unary.ts";

/** Everything that was measured. */
export interface Measures extends UnaryMeasures, StreamMeasures {
  readonly lifecycle: LifecycleMeasures;
  readonly toolCalls: ToolCallMeasures;
  /** Not on a system without a zygote. */
  readonly launchers: LauncherMeasures | undefined;
  readonly instances: InstanceMeasures;
  readonly runs: RunMeasures;
  readonly joining: JoiningMeasures;
  readonly simulation: SimulationMeasures;
}

/** One bar and the figure that met or missed it. */
export interface Bar {
  readonly what: string;
  readonly figure: number;
  readonly unit: "×" | "ms" | "MB";
  readonly rule: "at most" | "at least";
  readonly limit: number;
  readonly passed: boolean;
}

/** Holds the measures against the bars. */
export function checkBars(measures: Measures): Bar[] {
  const {
    unaryP50,
    throughput,
    streamedChunks,
    lifecycle,
    launchers,
    instances,
    toolCalls,
    runs,
    joining,
    simulation,
  } = measures;
  return [
    bar("agent.run p50, of bare Connect", unaryP50.ratios.connect, "×", "at most", 1.25),
    bar("agent.run throughput, of bare Connect", throughput.ratios.connect, "×", "at least", 0.85),
    bar("agent.stream chunks/s, of bare Connect", streamedChunks.ratios.connect, "×", "at least", 0.85),
    bar("tool call to TypeScript and back, of an RPC", toolCalls.ratio, "×", "at most", 3),
    bar("kill -9 to exit seen, median", lifecycle.exitSeen.median, "ms", "at most", 50),
    bar("restart adds to a plain start, median", lifecycle.restartAdds.median, "ms", "at most", 50),
    ...(launchers === undefined ? [] : launcherBars(launchers)),
    ...instanceBars(instances),
    bar("chunks/s of agent.start, of agent.stream", runs.chunks.ratio, "×", "at least", 0.85),
    bar("attach to first event beside 8 runs, p99", runs.attachFirst.p99, "ms", "at most", 10),
    bar("attach to next event beside 8 runs, median", runs.attachNext.median, "ms", "at most", 10),
    bar("Node CPU a delta of 8 streams, joined, of single", joining.ratio, "×", "at most", 0.7),
    bar("an hour with 1,000 crashes simulated, median", simulation.hour.median, "ms", "at most", 1_000),
  ];
}

function launcherBars({ nextRun, nextRunAgain, burst, crowd, agentUss, burstPss }: LauncherMeasures): Bar[] {
  return [
    bar("kill -9 to next run, spawn ÷ zygote", nextRun.ratio, "×", "at least", 25),
    bar("kill -9 to next run by zygote, median", nextRun.zygote.median, "ms", "at most", 40),
    bar("kill -9 to next run again at once, median", nextRunAgain.zygote.median, "ms", "at most", 40),
    bar("burst of restarts, spawn ÷ zygote", burst.ratio, "×", "at least", 25),
    bar("crowd of restarts by zygote, median", crowd.median, "ms", "at most", 1_500),
    bar("private memory of an agent by zygote", agentUss.zygote.median, "MB", "at most", 13),
    bar("memory of a burst, spawn ÷ zygote", burstPss.ratio, "×", "at least", 3),
  ];
}

function instanceBars({ busyRuns, busyChunks, spareNextRun }: InstanceMeasures): Bar[] {
  return [
    bar("busy runs/s of two instances, of one", busyRuns.ratio, "×", "at least", 1.7),
    bar("busy chunks/s of two instances, of one", busyChunks.ratio, "×", "at least", 1.7),
    bar("kill -9 to next run with a spare, median", spareNextRun.median, "ms", "at most", 15),
    bar("kill -9 to next run with a spare, p99", spareNextRun.p99, "ms", "at most", 30),
  ];
}

function bar(what: string, figure: number, unit: Bar["unit"], rule: Bar["rule"], limit: number): Bar {
  return { what, figure, unit, rule, limit, passed: rule === "at most" ? figure <= limit : figure >= limit };
}
