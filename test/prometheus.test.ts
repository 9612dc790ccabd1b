import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { Histogram } from "../src/histogram.ts";
import type { AgentMetrics } from "../src/metrics.ts";
import { prometheusText } from "../src/prometheus.ts";

const histogram = (...durations: number[]) => {
  const counted = new Histogram();
  for (const ms of durations) counted.add(ms);
  return counted.value();
};
const agent: AgentMetrics = {
  id: 'the "poet"\\\n',
  path: "system/poet",
  state: "busy",
  serving: true,
  queueLength: 3,
  inFlight: 1,
  instances: { busy: 2 },
  spare: "ready",
  workersSpawned: 2,
  crashes: { signaled: 1 },
  runs: { started: 6, completed: 4, paused: 0, failed: 1, cancelled: 0 },
  errors: { "run_failed/user_code": 1, worker_exited: 2 },
  waits: histogram(5),
  durations: histogram(15, 1_500),
  starts: histogram(450),
  usage: { inputTokens: 10, outputTokens: 20, requests: 5, toolCalls: 0 },
};

const keptRuns = { live: 1, ended: 2, bytes: 300 };

/** A line of the format: a comment, or a sample. */
const line =
  /^(# (HELP|TYPE) [a-z_]+ .+|[a-z_]+\{[a-z]+="(?:[^"\\\n]|\\[\\"n])*"(,[a-z]+="(?:[^"\\\n]|\\[\\"n])*")*\} \d+(\.\d+)?)$/;

test("every line is of the format, every family has one type, and all of its samples stand together", () => {
  const text = prometheusText({
    name: "system",
    agents: [agent, { ...agent, id: "b" }],
    keptRuns,
    reports: { "run.settled": 5 },
  });
  expect(text.endsWith("\n")).toBe(true);
  const lines = text.slice(0, -1).split("\n");
  expect(lines.filter((one) => !line.test(one))).toEqual([]);
  const types = lines.flatMap((one) => /^# TYPE (\w+) (\w+)$/.exec(one)?.slice(1, 2) ?? []);
  expect(new Set(types).size).toBe(types.length);
  const families = lines
    .filter((one) => !one.startsWith("#"))
    .map((one) => one.replace(/(_bucket|_sum|_count)?\{.*/, ""));
  expect(families.filter((name, index) => name !== families[index - 1])).toEqual(types);
  expect(types.every((name) => name.startsWith("synapse_"))).toBe(true);
});

test("counts are totals, durations are seconds, and labels are escaped", () => {
  const text = prometheusText({ name: "s", agents: [agent], keptRuns, reports: {} });
  const about = 'system="s",agent="the \\"poet\\"\\\\\\n"';
  for (const sample of [
    `synapse_agent_state{${about},state="busy"} 1`,
    `synapse_agent_state{${about},state="ready"} 0`,
    `synapse_agent_instances{${about},state="busy"} 2`,
    `synapse_agent_instances{${about},state="ready"} 0`,
    `synapse_agent_spare_ready{${about}} 1`,
    `synapse_agent_queue_length{${about}} 3`,
    `synapse_agent_runs_total{${about},outcome="completed"} 4`,
    `synapse_agent_run_errors_total{${about},code="run_failed",kind="user_code"} 1`,
    `synapse_agent_run_errors_total{${about},code="worker_exited",kind=""} 2`,
    `synapse_agent_crashes_total{${about},cause="signaled"} 1`,
    `synapse_agent_tokens_total{${about},type="output"} 20`,
    `synapse_agent_run_duration_seconds_bucket{${about},le="0.02"} 1`,
    `synapse_agent_run_duration_seconds_bucket{${about},le="+Inf"} 2`,
    `synapse_agent_run_duration_seconds_sum{${about}} 1.515`,
    `synapse_agent_run_duration_seconds_count{${about}} 2`,
  ]) {
    expect(text.split("\n")).toContain(sample);
  }
});

test("a system without agents has no sample of one", () => {
  expect(prometheusText({ name: "s", agents: [], keptRuns, reports: { "process.crashed": 2 } })).toBe(
    "# HELP synapse_kept_runs Runs that agent.start began and that are kept.\n# TYPE synapse_kept_runs gauge\n" +
      'synapse_kept_runs{system="s",state="live"} 1\nsynapse_kept_runs{system="s",state="ended"} 2\n' +
      "# HELP synapse_kept_runs_bytes What their events and outcomes take in memory, estimated.\n" +
      '# TYPE synapse_kept_runs_bytes gauge\nsynapse_kept_runs_bytes{system="s"} 300\n' +
      '# HELP synapse_reports_total Reports, by type.\n# TYPE synapse_reports_total counter\nsynapse_reports_total{system="s",type="process.crashed"} 2\n',
  );
});

test("what is none of a system's numbers is refused", () => {
  for (const metrics of [undefined, null, [], {}]) {
    expect(() => prometheusText(metrics as never)).toThrow(
      expect.objectContaining({ code: "invalid_argument", field: "metrics" }),
    );
  }
});

test("docs/supervision.md has a row for every metric and no other", () => {
  const page = readFileSync(join(import.meta.dirname, "../docs/supervision.md"), "utf8");
  const table = page.slice(page.indexOf("| metric | type |"), page.indexOf("## Stopping"));
  const documented = [...table.matchAll(/`(synapse_\w+)`/g)].map(([, name]) => name);
  const text = prometheusText({ name: "s", agents: [agent], keptRuns, reports: { x: 1 } });
  const written = [...text.matchAll(/^# TYPE (\w+)/gm)].map(([, name]) => name);
  expect(documented.sort()).toEqual(written.sort());
});
