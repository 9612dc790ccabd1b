import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { afterEach, describe, expect, it } from "vitest";
import { checkBars, type Measures } from "./bars.ts";
import { clientNames } from "./clients.ts";
import type { InstanceMeasures } from "./instances.ts";
import type { LauncherMeasures } from "./launchers.ts";
import type { BenchResult } from "./report.ts";
import { type Comparison, compare } from "./rounds.ts";
import type { RunMeasures } from "./runs.ts";
import type { LauncherSeries, Series } from "./series.ts";
import { quickSettings } from "./settings.ts";
import { median, percentile } from "./statistics.ts";

/** Two starts of a worker and one restart, on a machine that others use too. */
const quickMs = 120_000;

const directory = mkdtempSync(join(tmpdir(), "bench-test-"));
afterEach(() => rmSync(directory, { recursive: true, force: true }));

describe("the benchmark", () => {
  it("measures all clients and the life of a worker, writes it all down and leaves nothing behind", async () => {
    const script = join(import.meta.dirname, "run.ts");
    const signal = AbortSignal.timeout(quickMs);
    const child = spawn(process.execPath, [script, "--quick", "--name", "smoke", "--directory", directory], {
      stdio: ["ignore", "pipe", "pipe"],
      signal,
      killSignal: "SIGKILL",
    });
    const [stdout, stderr, [code]] = await Promise.all([text(child.stdout), text(child.stderr), once(child, "close")]);
    expect(code, stderr).toBe(0);
    expect(stdout).toContain("agent.run p50, of bare Connect");
    expect(readdirSync(tmpdir()).filter((name) => name.includes(`-${child.pid}-`))).toEqual([]);

    const result = JSON.parse(readFileSync(join(directory, "smoke.json"), "utf8")) as BenchResult;
    expect(result).toMatchObject({ name: "smoke", settings: quickSettings });
    expect(result.machine.worker).toMatchObject({ python: expect.any(String) });
    expect(result.bars).toHaveLength(process.platform === "linux" ? 22 : 15);
    const { lifecycle, launchers, instances, toolCalls, runs, joining, simulation, ...comparisons } = result.measures;
    expect(simulation.hour.values).toHaveLength(quickSettings.simulations);
    expect(simulation.crashes).toBeGreaterThan(800);
    expect(toolCalls.bareRpc).toBeGreaterThan(0);
    expect([joining.joined.values.length, joining.single.values.length]).toEqual(Array(2).fill(quickSettings.rounds));
    expect(Object.keys(comparisons).toSorted()).toEqual(
      ["nodeCpuPerChunk", "nodeCpuPerRun", "streamedChunks", "throughput", "unaryP50", "unaryP99"].toSorted(),
    );
    for (const comparison of Object.values(comparisons) as Comparison[]) expectComplete(comparison);
    const { runsRejected, ...series } = lifecycle;
    expect(runsRejected).toBeGreaterThanOrEqual(0);
    expect(Object.keys(series).toSorted()).toEqual(
      ["exitSeen", "nextRun", "plainStart", "restart", "restartAdds", "restartAroundWorker"].toSorted(),
    );
    for (const { values, ...summary } of Object.values(series) as Series[]) {
      expect(values).toHaveLength(quickSettings.crashes);
      expect([...values, ...Object.values(summary)].every(Number.isFinite)).toBe(true);
    }
    if (launchers !== undefined) expectCompleteLaunchers(launchers);
    for (const { one, two, ratio } of [instances.runs, instances.busyRuns, instances.chunks, instances.busyChunks]) {
      expect([one.values, two.values].map(({ length }) => length)).toEqual([
        quickSettings.rounds,
        quickSettings.rounds,
      ]);
      expect(ratio).toBeGreaterThan(0);
    }
    expect([runs.chunks.stream.values, runs.chunks.start.values].map(({ length }) => length)).toEqual([
      quickSettings.rounds,
      quickSettings.rounds,
    ]);
    for (const { values, p99 } of [runs.attachFirst, runs.attachNext]) {
      expect(values.length).toBeGreaterThan(quickSettings.rounds);
      expect(p99).toBeGreaterThan(0);
    }
    expect(instances.spareNextRun.values).toHaveLength(quickSettings.spareCrashes);
  }, 130_000);
});

function expectCompleteLaunchers({
  nextRun,
  nextRunAgain,
  burst,
  crowd,
  crowdStartMs,
  agentUss,
  burstPss,
}: LauncherMeasures): void {
  const { restarts, burstAgents, bursts, crowds } = quickSettings;
  const counts: [LauncherSeries, number][] = [
    [nextRun, restarts],
    [nextRunAgain, restarts],
    [burst, bursts],
    [agentUss, burstAgents],
    [burstPss, 1],
  ];
  for (const [{ spawn, zygote, ratio }, count] of counts) {
    expect(spawn.values).toHaveLength(count);
    expect(zygote.values).toHaveLength(count);
    expect(ratio).toBeGreaterThan(0);
  }
  expect(crowd.values).toHaveLength(crowds);
  expect(crowdStartMs).toBeGreaterThan(0);
}

function expectComplete({ values, medians, ratios }: Comparison): void {
  for (const name of clientNames) {
    expect(values[name]).toHaveLength(quickSettings.rounds);
    expect(values[name].every((value) => value > 0)).toBe(true);
    expect(medians[name]).toBeGreaterThan(0);
  }
  expect(ratios.connect).toBeGreaterThan(0);
  expect(ratios.grpcJs).toBeGreaterThan(0);
}

describe("the statistics of the benchmark", () => {
  it("take the middle of the values, or the mean of the two in the middle", () => {
    expect(median([3, 1, 2])).toBe(2);
    expect(median([4, 1, 2, 3])).toBe(2.5);
    expect(median([])).toBeNaN();
  });

  it("take the smallest value that the share does not exceed", () => {
    const values = Array.from({ length: 100 }, (_, index) => index + 1);
    expect(percentile(values, 0.5)).toBe(50);
    expect(percentile(values, 0.99)).toBe(99);
    expect(percentile([7], 0.99)).toBe(7);
    expect(percentile([], 0.5)).toBeNaN();
  });

  it("compare clients within their rounds, so that a slow round is slow for all", () => {
    const comparison = compare("ms", { agent: [2, 40, 3], connect: [1, 20, 1], grpcJs: [1, 10, 3] }, (value) => value);
    expect(comparison.medians).toEqual({ agent: 3, connect: 1, grpcJs: 3 });
    expect(comparison.ratios).toEqual({ connect: 2, grpcJs: 2 });
  });
});

describe("the bars of the benchmark", () => {
  it("are met at their limits and missed beyond them", () => {
    expect(checkBars(measures(1.25, 0.85, 50)).map(({ passed }) => passed)).toEqual(Array(15).fill(true));
    expect(checkBars(measures(1.26, 0.84, 51)).some(({ passed }) => passed)).toBe(false);
  });

  it("hold the two launchers against each other where both are", () => {
    const atLimits = { ...measures(1.25, 0.85, 50), launchers: launcherMeasures(25, 40, 1_500, 13, 3) };
    const beyond = { ...measures(1.26, 0.84, 51), launchers: launcherMeasures(24.9, 41, 1_501, 13.1, 2.9) };
    expect(checkBars(atLimits).map(({ passed }) => passed)).toEqual(Array(22).fill(true));
    expect(checkBars(beyond).some(({ passed }) => passed)).toBe(false);
  });
});

function measures(latency: number, rate: number, ms: number): Measures {
  const comparison = (ratio: number): Comparison => ({
    unit: "ms",
    values: { agent: [], connect: [], grpcJs: [] },
    medians: { agent: 1, connect: 1, grpcJs: 1 },
    ratios: { connect: ratio, grpcJs: ratio },
  });
  const series = seriesOf(ms);
  return {
    unaryP50: comparison(latency),
    unaryP99: comparison(latency),
    throughput: comparison(rate),
    nodeCpuPerRun: comparison(1),
    streamedChunks: comparison(rate),
    nodeCpuPerChunk: comparison(1),
    toolCalls: { crossing: 1, bareRpc: 1, ratio: ms === 50 ? 3 : 3.1 },
    launchers: undefined,
    instances: instanceMeasures(rate * 2, ms * 0.3),
    runs: runMeasures(rate, ms * 0.2),
    joining: { joined: seriesOf(1), single: seriesOf(1), ratio: ms === 50 ? 0.7 : 0.71 },
    simulation: { hour: seriesOf(ms * 20), crashes: 1_000 },
    lifecycle: {
      plainStart: series,
      restart: series,
      restartAdds: series,
      restartAroundWorker: series,
      exitSeen: series,
      nextRun: series,
      runsRejected: 0,
    },
  };
}

/** At the limits for 1.7 and 15 ms. */
function instanceMeasures(ratio: number, spareMs: number): InstanceMeasures {
  const rates = { one: seriesOf(1), two: seriesOf(ratio), ratio };
  return {
    runs: rates,
    busyRuns: rates,
    chunks: rates,
    busyChunks: rates,
    spareNextRun: { ...seriesOf(spareMs), p99: spareMs * 2 },
  };
}

function runMeasures(ratio: number, attachMs: number): RunMeasures {
  const attach = { ...seriesOf(attachMs), p99: attachMs };
  return { chunks: { stream: seriesOf(1), start: seriesOf(ratio), ratio }, attachFirst: attach, attachNext: attach };
}

function launcherMeasures(
  ratio: number,
  nextRun: number,
  crowd: number,
  uss: number,
  memory: number,
): LauncherMeasures {
  const compared = (zygote: number, of: number): LauncherSeries => ({
    spawn: seriesOf(zygote * of),
    zygote: seriesOf(zygote),
    ratio: of,
  });
  return {
    nextRun: compared(nextRun, ratio),
    nextRunAgain: compared(nextRun, ratio),
    burst: compared(100, ratio),
    crowd: seriesOf(crowd),
    crowdStartMs: crowd,
    agentUss: compared(uss, memory),
    burstPss: compared(100, memory),
  };
}

function seriesOf(value: number): Series {
  return { values: [value], median: value, p25: value, p75: value, max: value };
}
