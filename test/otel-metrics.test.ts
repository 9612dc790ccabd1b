import { metrics } from "@opentelemetry/api";
import {
  AggregationTemporality,
  InMemoryMetricExporter,
  MeterProvider,
  PeriodicExportingMetricReader,
} from "@opentelemetry/sdk-metrics";
import { pino } from "pino";
import { afterEach, expect, test, vi } from "vitest";
import { defineAgent } from "../src/index.ts";
import { startSystem } from "../src/start-system.ts";
import { createFakeLauncher, fakeRunError } from "../src/testing/index.ts";
import { rejection } from "./rpc/agent-server.ts";

const poet = defineAgent({ id: "poet", entry: "poet.py:agent" });

const provided: MeterProvider[] = [];

/** A global provider whose numbers can be read. */
function provide() {
  const exporter = new InMemoryMetricExporter(AggregationTemporality.CUMULATIVE);
  const reader = new PeriodicExportingMetricReader({ exporter, exportIntervalMillis: 3_600_000 });
  const provider = new MeterProvider({ readers: [reader] });
  metrics.setGlobalMeterProvider(provider);
  provided.push(provider);
  return async () => {
    exporter.reset();
    await reader.forceFlush();
    const points = exporter.getMetrics().flatMap(({ scopeMetrics }) => scopeMetrics);
    return new Map(
      points.flatMap(({ scope, metrics: list }) =>
        list.map(
          ({ descriptor: { name, unit }, dataPoints }) => [name, { scope: scope.name, unit, dataPoints }] as const,
        ),
      ),
    );
  };
}

afterEach(async () => {
  metrics.disable();
  for (const provider of provided.splice(0)) await provider.shutdown();
});

test("a system's numbers are OpenTelemetry metrics of the global provider", async () => {
  const read = provide();
  const launcher = createFakeLauncher();
  const system = await startSystem({ name: "shop", logger: pino({ enabled: false }), children: [poet] }, { launcher });
  const agent = system.agent(poet);
  await agent.run("Hello");
  expect(await rejection(agent.run("Hello", { signal: AbortSignal.abort() }))).toMatchObject({ code: "run_cancelled" });
  const found = await read();
  const labels = { "synapse.system": "shop", "gen_ai.agent.id": "poet" };
  expect(found.get("gen_ai.client.operation.duration")).toMatchObject({
    scope: "synapse-otp",
    unit: "s",
    dataPoints: [
      {
        attributes: { ...labels, "gen_ai.operation.name": "invoke_agent", "synapse.run.outcome": "completed" },
        value: { count: 1, buckets: { boundaries: expect.arrayContaining([0.01, 81.92]) } },
      },
      { attributes: { "error.type": "run_cancelled", "synapse.run.outcome": "cancelled" }, value: { count: 1 } },
    ],
  });
  expect(found.get("gen_ai.client.token.usage")?.dataPoints.map(({ attributes }) => attributes)).toEqual(
    ["input", "output"].map((type) => ({
      ...labels,
      "gen_ai.operation.name": "invoke_agent",
      "gen_ai.token.type": type,
    })),
  );
  expect(found.get("synapse.agent.state")?.dataPoints.filter(({ value }) => value === 1)).toMatchObject([
    { attributes: { ...labels, "synapse.agent.state": "ready" } },
  ]);
  expect(found.get("synapse.agent.workers")?.dataPoints).toMatchObject([{ attributes: labels, value: 1 }]);
  expect(found.get("synapse.agent.start.duration")?.dataPoints).toMatchObject([{ value: { count: 1 } }]);
  expect(found.get("synapse.reports")?.dataPoints).toContainEqual(
    expect.objectContaining({
      attributes: { "synapse.system": "shop", "synapse.report.type": "run.settled" },
      value: 2,
    }),
  );
  await system.stop();
});

test("runs that are kept are counted with their bytes", async () => {
  const read = provide();
  const options = { name: "shop", logger: pino({ enabled: false }), children: [poet] };
  const system = await startSystem(options, { launcher: createFakeLauncher() });
  await system.agent(poet).start("Hello").result;
  const found = await read();
  expect(found.get("synapse.kept_runs")?.dataPoints).toMatchObject([
    { attributes: { "synapse.kept_run.state": "live" }, value: 0 },
    { attributes: { "synapse.kept_run.state": "ended" }, value: 1 },
  ]);
  expect(found.get("synapse.kept_runs.size")?.dataPoints).toMatchObject([
    { attributes: { "synapse.system": "shop" }, value: system.metrics().keptRuns.bytes },
  ]);
  await system.stop();
});

test("a run that failed has its code and kind as error.type", async () => {
  const read = provide();
  const script = {
    answer() {
      throw fakeRunError("usage_limit_exceeded", "the limit of 1 is reached");
    },
  };
  const launcher = createFakeLauncher({ script });
  const system = await startSystem({ logger: pino({ enabled: false }), children: [poet] }, { launcher });
  await rejection(system.agent(poet).run("Hello"));
  const { dataPoints = [] } = (await read()).get("gen_ai.client.operation.duration") ?? {};
  expect(dataPoints.map(({ attributes }) => attributes)).toMatchObject([
    { "error.type": "run_failed/usage_limit_exceeded", "synapse.run.outcome": "failed" },
  ]);
  await system.stop();
});

test("a system that has ended is not measured any more", async () => {
  const read = provide();
  const silent = pino({ enabled: false });
  const system = await startSystem({ logger: silent, children: [poet] }, { launcher: createFakeLauncher() });
  await system.agent(poet).whenReady();
  const look = vi.spyOn(system, "metrics");
  await read();
  expect(look).toHaveBeenCalledTimes(1);
  await system.stop();
  await read();
  expect(look).toHaveBeenCalledTimes(1);
});
