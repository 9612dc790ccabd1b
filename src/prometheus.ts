/** Metrics as Prometheus reads them. Source: the text exposition format, version 0.0.4, and Prometheus' rules for names (base units, `_total`). */

import { agentStates } from "./agent/machine.ts";
import { invalidArgument } from "./errors.ts";
import type { HistogramValue } from "./histogram.ts";
import type { AgentMetrics, SystemMetrics } from "./metrics.ts";

/** The content type of {@link prometheusText}. */
export const prometheusContentType = "text/plain; version=0.0.4; charset=utf-8";

type Labels = Readonly<Record<string, string>>;
type Sample = readonly [labels: Labels, value: number];

/**
 * The numbers of a system as text, for the endpoint that a Prometheus server reads.
 * @throws CallerError "invalid_argument" for what is none of `system.metrics()`
 */
export function prometheusText(metrics: SystemMetrics): string {
  const { name: system, agents, keptRuns, reports } = metrics ?? {};
  if (!Array.isArray(agents))
    throw invalidArgument("metrics", metrics, "the numbers of a system, as system.metrics() answers them");
  const families: string[] = [];
  const each = (samples: (agent: AgentMetrics) => readonly Sample[]): Sample[] =>
    agents.flatMap((agent) =>
      samples(agent).map(([labels, value]): Sample => [{ system, agent: agent.id, ...labels }, value]),
    );
  const family = (name: string, type: "counter" | "gauge", help: string, samples: readonly Sample[]): void => {
    if (samples.length === 0) return;
    families.push(...header(name, type, help), ...samples.map(([labels, value]) => line(name, labels, value)));
  };
  const histogram = (name: string, help: string, value: (agent: AgentMetrics) => HistogramValue): void => {
    if (agents.length === 0) return;
    families.push(...header(name, "histogram", help));
    for (const agent of agents) families.push(...histogramLines(name, { system, agent: agent.id }, value(agent)));
  };

  family(
    "synapse_agent_state",
    "gauge",
    "1 for the state that the agent is in, 0 for the others.",
    each((agent) => agentStates.map((state) => [{ state }, agent.state === state ? 1 : 0])),
  );
  family(
    "synapse_agent_instances",
    "gauge",
    "Instances, by state; an agent without instances is one.",
    each(({ instances }) => agentStates.map((state) => [{ state }, instances[state] ?? 0])),
  );
  family(
    "synapse_agent_spare_ready",
    "gauge",
    "1 while the spare worker is ready, of agents that keep one.",
    each(({ spare }) => (spare === undefined ? [] : [[{}, spare === "ready" ? 1 : 0]])),
  );
  family(
    "synapse_agent_queue_length",
    "gauge",
    "Runs that wait.",
    each((agent) => [[{}, agent.queueLength]]),
  );
  family(
    "synapse_agent_runs_in_flight",
    "gauge",
    "Runs that work in the worker.",
    each((agent) => [[{}, agent.inFlight]]),
  );
  family(
    "synapse_agent_runs_total",
    "counter",
    "Runs whose callers were answered, by outcome.",
    each(({ runs }) =>
      (["completed", "paused", "failed", "cancelled"] as const).map((outcome) => [{ outcome }, runs[outcome]]),
    ),
  );
  family(
    "synapse_agent_run_errors_total",
    "counter",
    "Runs that failed or were cancelled, by error code and kind.",
    each(({ errors }) =>
      Object.entries(errors).map(([error, count]) => {
        const [code = "", kind = ""] = error.split("/");
        return [{ code, kind }, count];
      }),
    ),
  );
  family(
    "synapse_agent_workers_total",
    "counter",
    "Workers that were started.",
    each((agent) => [[{}, agent.workersSpawned]]),
  );
  family(
    "synapse_agent_crashes_total",
    "counter",
    "Crashes, by cause.",
    each(({ crashes }) => Object.entries(crashes).map(([cause, count]) => [{ cause }, count])),
  );
  family(
    "synapse_agent_tokens_total",
    "counter",
    "Tokens that runs have used, by type as in gen_ai.token.type.",
    each(({ usage }) => [
      [{ type: "input" }, usage.inputTokens],
      [{ type: "output" }, usage.outputTokens],
    ]),
  );
  family(
    "synapse_agent_model_requests_total",
    "counter",
    "Requests to models.",
    each(({ usage }) => [[{}, usage.requests]]),
  );
  family(
    "synapse_agent_tool_calls_total",
    "counter",
    "Calls of tools.",
    each(({ usage }) => [[{}, usage.toolCalls]]),
  );
  histogram(
    "synapse_agent_run_duration_seconds",
    "From the caller's question to the answer.",
    (agent) => agent.durations,
  );
  histogram("synapse_agent_run_wait_seconds", "From the caller's question to a worker.", (agent) => agent.waits);
  histogram("synapse_agent_start_seconds", "From the spawn of a worker to its ready.", (agent) => agent.starts);
  family("synapse_kept_runs", "gauge", "Runs that agent.start began and that are kept.", [
    [{ system, state: "live" }, keptRuns.live],
    [{ system, state: "ended" }, keptRuns.ended],
  ]);
  family("synapse_kept_runs_bytes", "gauge", "What their events and outcomes take in memory, estimated.", [
    [{ system }, keptRuns.bytes],
  ]);
  family(
    "synapse_reports_total",
    "counter",
    "Reports, by type.",
    Object.entries(reports).map(([type, count]): Sample => [{ system, type }, count]),
  );
  return `${families.join("\n")}\n`;
}

function header(name: string, type: string, help: string): string[] {
  return [`# HELP ${name} ${help}`, `# TYPE ${name} ${type}`];
}

function histogramLines(name: string, labels: Labels, { count, sumMs, buckets }: HistogramValue): string[] {
  return [
    ...buckets.map((bucket) =>
      line(`${name}_bucket`, { ...labels, le: String(bucket.atMostMs / 1_000) }, bucket.count),
    ),
    line(`${name}_bucket`, { ...labels, le: "+Inf" }, count),
    line(`${name}_sum`, labels, sumMs / 1_000),
    line(`${name}_count`, labels, count),
  ];
}

function line(name: string, labels: Labels, value: number): string {
  const pairs = Object.entries(labels).map(([label, text]) => `${label}="${escapeLabel(text)}"`);
  return `${name}{${pairs.join(",")}} ${value}`;
}

function escapeLabel(text: string): string {
  return text.replaceAll("\\", "\\\\").replaceAll('"', '\\"').replaceAll("\n", "\\n");
}
