/**
 * The numbers of a system as OpenTelemetry metrics, where its API is installed. Source of the names that begin with gen_ai: OpenTelemetry's semantic
 * conventions for generative AI; what they have no name for begins with synapse.
 */

import type { Attributes, BatchObservableResult, Histogram, Meter, Observable } from "@opentelemetry/api";
import { agentStates } from "./agent/machine.ts";
import { errorName } from "./agent/run-outcome.ts";
import { boundsMs } from "./histogram.ts";
import type { AgentMetrics, SystemMetrics } from "./metrics.ts";
import type { Report } from "./report.ts";

/** The part of a system that is measured. */
export interface MeasuredSystem {
  readonly name: string;
  metrics(): SystemMetrics;
  onReport(listener: (report: Report) => void): () => void;
}

/** Measures a system until the function that it returns is called. Costs one look at the system for each export, and a few additions for each run. */
export function measureSystem(system: MeasuredSystem, meter: Meter): () => void {
  const observed = observedOf(meter);
  const instruments = observed.map(({ instrument }) => instrument);
  const observe = (result: BatchObservableResult) => {
    const now = system.metrics();
    for (const { instrument, samples } of observed) {
      for (const [value, attributes] of samples(now)) {
        result.observe(instrument, value, { "synapse.system": now.name, ...attributes });
      }
    }
  };
  meter.addBatchObservableCallback(observe, instruments);
  const unlisten = system.onReport(createRecorder(meter, system.name));
  return () => {
    unlisten();
    meter.removeBatchObservableCallback(observe, instruments);
  };
}

type Sample = readonly [value: number, attributes: Attributes];

interface Observed {
  readonly instrument: Observable;
  readonly samples: (metrics: SystemMetrics) => readonly Sample[];
}

/** What is looked at when the numbers are exported. */
function observedOf(meter: Meter): Observed[] {
  const ofAgents = (samples: (agent: AgentMetrics) => readonly Sample[]) => (metrics: SystemMetrics) =>
    metrics.agents.flatMap((agent) =>
      samples(agent).map(([value, attributes]): Sample => [value, { "gen_ai.agent.id": agent.id, ...attributes }]),
    );
  const counted = (counts: Readonly<Record<string, number>>, attribute: string) =>
    Object.entries(counts).map(([name, count]): Sample => [count, { [attribute]: name }]);
  const gauge = (name: string, unit: string, description: string) =>
    meter.createObservableUpDownCounter(name, { unit, description });
  const counter = (name: string, unit: string, description: string) =>
    meter.createObservableCounter(name, { unit, description });
  return [
    {
      instrument: gauge("synapse.agent.state", "{agent}", "1 for the state that the agent is in, 0 for the others."),
      samples: ofAgents((agent) =>
        agentStates.map((state) => [agent.state === state ? 1 : 0, { "synapse.agent.state": state }]),
      ),
    },
    {
      instrument: gauge("synapse.agent.queue.length", "{run}", "Runs that wait."),
      samples: ofAgents((agent) => [[agent.queueLength, {}]]),
    },
    {
      instrument: gauge("synapse.agent.runs.in_flight", "{run}", "Runs that work in the worker."),
      samples: ofAgents((agent) => [[agent.inFlight, {}]]),
    },
    {
      instrument: counter("synapse.agent.workers", "{worker}", "Workers that were started."),
      samples: ofAgents((agent) => [[agent.workersSpawned, {}]]),
    },
    {
      instrument: counter("synapse.agent.crashes", "{crash}", "Crashes, by cause."),
      samples: ofAgents((agent) => counted(agent.crashes, "synapse.crash.cause")),
    },
    {
      instrument: counter("synapse.agent.model_requests", "{request}", "Requests to models."),
      samples: ofAgents((agent) => [[agent.usage.requests, {}]]),
    },
    {
      instrument: counter("synapse.agent.tool_calls", "{call}", "Calls of tools."),
      samples: ofAgents((agent) => [[agent.usage.toolCalls, {}]]),
    },
    {
      instrument: gauge("synapse.kept_runs", "{run}", "Runs that agent.start began and that are kept."),
      samples: ({ keptRuns: { live, ended } }) => [
        [live, { "synapse.kept_run.state": "live" }],
        [ended, { "synapse.kept_run.state": "ended" }],
      ],
    },
    {
      instrument: gauge("synapse.kept_runs.size", "By", "What their events and outcomes take in memory, estimated."),
      samples: ({ keptRuns }) => [[keptRuns.bytes, {}]],
    },
    {
      instrument: counter("synapse.reports", "{report}", "Reports, by type."),
      samples: ({ reports }) => counted(reports, "synapse.report.type"),
    },
  ];
}

const secondBounds = boundsMs.map((ms) => ms / 1_000);
/** The conventions' advice for gen_ai.client.token.usage. */
const tokenBounds = Array.from({ length: 14 }, (_, index) => 4 ** index);

/** What is counted when it happens. */
function createRecorder(meter: Meter, system: string): (report: Report) => void {
  const seconds = (name: string, description: string): Histogram =>
    meter.createHistogram(name, { unit: "s", description, advice: { explicitBucketBoundaries: secondBounds } });
  const durations = seconds("gen_ai.client.operation.duration", "From the caller's question to the answer.");
  const waits = seconds("synapse.agent.run.wait", "From the caller's question to a worker.");
  const starts = seconds("synapse.agent.start.duration", "From the spawn of a worker to its ready.");
  const tokens = meter.createHistogram("gen_ai.client.token.usage", {
    unit: "{token}",
    description: "Tokens that runs have used.",
    advice: { explicitBucketBoundaries: tokenBounds },
  });
  return (report) => {
    if (!("agentId" in report)) return;
    const agent = { "synapse.system": system, "gen_ai.agent.id": report.agentId };
    switch (report.type) {
      case "agent.ready":
      case "agent.swapped":
        starts.record(report.startMs / 1_000, agent);
        return;
      case "run.started":
        // A run that is tried again is the same run.
        if (report.attempt === 1) waits.record(report.waitedMs / 1_000, agent);
        return;
      case "run.settled": {
        const { outcome, durationMs, usage } = report;
        const name = errorName(report);
        const run = { ...agent, "gen_ai.operation.name": "invoke_agent" };
        const error = name === undefined ? {} : { "error.type": name };
        durations.record(durationMs / 1_000, { ...run, ...error, "synapse.run.outcome": outcome });
        if (usage === undefined) return;
        tokens.record(usage.inputTokens, { ...run, "gen_ai.token.type": "input" });
        tokens.record(usage.outputTokens, { ...run, "gen_ai.token.type": "output" });
        return;
      }
    }
  };
}
