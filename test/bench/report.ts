import type { Bar, Measures } from "./bars.ts";
import type { InstanceMeasures, InstanceSeries } from "./instances.ts";
import type { LauncherMeasures } from "./launchers.ts";
import type { Machine } from "./machine.ts";
import type { Comparison } from "./rounds.ts";
import type { RunMeasures } from "./runs.ts";
import type { LauncherSeries, Series } from "./series.ts";
import type { BenchSettings } from "./settings.ts";

/** All of one benchmark, as it is written to its file. */
export interface BenchResult {
  readonly name: string;
  readonly startedAt: string;
  readonly durationMs: number;
  readonly machine: Machine;
  readonly settings: BenchSettings;
  readonly measures: Measures;
  readonly bars: readonly Bar[];
  readonly passed: boolean;
}

/** The result as text for a terminal of 100 columns. */
export function formatResult({ machine, settings, measures, bars, durationMs }: BenchResult): string {
  const { lifecycle, launchers, instances, toolCalls, runs, joining, simulation } = measures;
  const { rounds, unaryCalls, throughputCalls, concurrency, chunks, crashes } = settings;
  return [
    `${machine.cpu}, ${machine.cores} cores, ${machine.system}, load ${machine.loadBefore} before`,
    `node ${machine.node}; worker: ${versions(machine.worker)}`,
    versions(machine.packages),
    "",
    `One Python process, three clients: medians of ${rounds} rounds; ratios are medians of the rounds' ratios.`,
    row("", "agent", "connect", "grpc-js", "÷ connect", "÷ grpc-js"),
    comparisonRow(`run, one at a time (${unaryCalls}), p50`, measures.unaryP50),
    comparisonRow("  p99", measures.unaryP99),
    comparisonRow(`runs, ${concurrency} at once (${throughputCalls})`, measures.throughput),
    comparisonRow("  Node CPU a run", measures.nodeCpuPerRun),
    comparisonRow(`stream of ${chunks} chunks`, measures.streamedChunks),
    comparisonRow("  Node CPU a chunk", measures.nodeCpuPerChunk),
    "",
    `tool call, Python to TypeScript and back: ${toolCalls.crossing.toFixed(2)} ms; health check: ${toolCalls.bareRpc.toFixed(2)} ms`,
    "",
    `kill -9 and restart, ${crashes} times, each beside the start of a plain worker`,
    row("", "median", "p25", "p75", "max"),
    seriesRow("plain worker: spawn to ready", lifecycle.plainStart),
    seriesRow("agent: crashed to ready again", lifecycle.restart),
    seriesRow("  more than the plain start beside it", lifecycle.restartAdds),
    seriesRow("  more than its own worker's start", lifecycle.restartAroundWorker),
    seriesRow("kill -9 to exit seen by the agent", lifecycle.exitSeen),
    seriesRow("kill -9 to next successful run", lifecycle.nextRun),
    `runs that dead workers held, each rejected with its worker's exit: ${lifecycle.runsRejected}`,
    "",
    ...(launchers === undefined ? [] : launcherRows(launchers, settings)),
    ...instanceRows(instances, settings),
    ...runRows(runs, settings),
    `Node CPU a delta of eight streams: ${joining.joined.median.toFixed(1)} µs; as single messages: ${joining.single.median.toFixed(1)} µs; ${joining.ratio.toFixed(2)}×`,
    "",
    seriesRow(`an hour with ${simulation.crashes} crashes simulated`, simulation.hour),
    `  ${Math.round(3_600_000 / simulation.hour.median)} times as fast as it would pass`,
    "",
    ...bars.map(formatBar),
    `took ${Math.round(durationMs / 1_000)} s`,
  ].join("\n");
}

function launcherRows(launchers: LauncherMeasures, settings: BenchSettings): string[] {
  const { restarts, burstAgents, bursts, crowdAgents, crowds } = settings;
  return [
    `launcher: "spawn" and launcher: "zygote" in turn: medians; ratios are medians of the rounds' ratios`,
    row("", "spawn", "zygote", "÷ zygote"),
    launcherRow(`kill -9 to next run (${restarts})`, launchers.nextRun, "ms"),
    launcherRow("  and again at once", launchers.nextRunAgain, "ms"),
    launcherRow(`kill -9 of ${burstAgents} to all ready (${bursts})`, launchers.burst, "ms"),
    row(`kill -9 of ${crowdAgents} to all ready (${crowds})`, "", `${launchers.crowd.median.toFixed(0)} ms`),
    row(`start of a system of ${crowdAgents}`, "", `${launchers.crowdStartMs.toFixed(0)} ms`),
    launcherRow("private memory of an agent", launchers.agentUss, "MB"),
    launcherRow(`memory of ${burstAgents} agents, with their launcher`, launchers.burstPss, "MB"),
    "",
  ];
}

function instanceRows(
  { runs, busyRuns, chunks, busyChunks, spareNextRun }: InstanceMeasures,
  settings: BenchSettings,
): string[] {
  const { concurrency, spareCrashes } = settings;
  const rate = ({ median }: Series) => `${median.toFixed(0)} 1/s`;
  const rates = (label: string, { one, two, ratio }: InstanceSeries) =>
    row(label, rate(one), rate(two), `${ratio.toFixed(2)}×`);
  return [
    "one agent with one instance and with two, in turn; ratios are medians of the rounds' ratios",
    row("", "one", "two", "÷ one"),
    rates(`runs, ${concurrency} at once`, runs),
    rates("with 10 ms of work in Python each", busyRuns),
    rates("streamed chunks", chunks),
    rates("with 0.5 ms of work in Python each", busyChunks),
    "",
    row("", "median", "p25", "p75", "max"),
    seriesRow(`with a spare: kill -9 to next run (${spareCrashes})`, spareNextRun),
    "",
  ];
}

function runRows({ chunks, attachFirst, attachNext }: RunMeasures, settings: BenchSettings): string[] {
  const rate = ({ median }: Series) => `${median.toFixed(0)} 1/s`;
  return [
    "one run at a time by agent.stream and by agent.start, in turn; then readers beside eight runs",
    row("", "stream", "start", "÷ stream"),
    row(`stream of ${settings.chunks} chunks`, rate(chunks.stream), rate(chunks.start), `${chunks.ratio.toFixed(2)}×`),
    row("", "median", "p25", "p75", "max"),
    seriesRow("attach to the first event", attachFirst),
    seriesRow("attach to the next event", attachNext),
    "",
  ];
}

function launcherRow(label: string, { spawn, zygote, ratio }: LauncherSeries, unit: string): string {
  const value = ({ median }: Series) => `${median.toFixed(1)} ${unit}`;
  return row(label, value(spawn), value(zygote), `${ratio.toFixed(2)}×`);
}

function versions(of: Readonly<Record<string, string>>): string {
  return Object.entries(of)
    .map(([name, version]) => `${name} ${version}`)
    .join(", ");
}

function row(label: string, ...cells: string[]): string {
  return `${label.padEnd(40)}${cells.map((cell) => cell.padStart(11)).join("")}`;
}

function comparisonRow(label: string, { unit, medians, ratios }: Comparison): string {
  const value = (number: number) => `${number.toFixed(unit === "ms" ? 2 : 0)} ${unit}`;
  const ratio = (number: number) => `${number.toFixed(2)}×`;
  return row(
    label,
    value(medians.agent),
    value(medians.connect),
    value(medians.grpcJs),
    ratio(ratios.connect),
    ratio(ratios.grpcJs),
  );
}

function seriesRow(label: string, { median, p25, p75, max }: Series): string {
  return row(label, ...[median, p25, p75, max].map((value) => `${value.toFixed(1)} ms`));
}

function formatBar({ passed, what, figure, unit, rule, limit }: Bar): string {
  const value = (number: number) => (unit === "×" ? `${number.toFixed(2)}×` : `${number.toFixed(1)} ${unit}`);
  return `${passed ? "pass" : "FAIL"}  ${what.padEnd(42)}${value(figure).padStart(9)}  (${rule} ${value(limit)})`;
}
