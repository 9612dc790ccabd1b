import { expect, test } from "vitest";
import { MetricsCollector } from "../src/metrics.ts";
import type { Report } from "../src/report.ts";
import { crashRecord } from "./agent/values.ts";

const base = { agentId: "poet", path: "system/poet", atMs: 0, incarnation: 1 } as const;
const usage = {
  inputTokens: 3,
  outputTokens: 4,
  reasoningTokens: 0,
  totalTokens: 7,
  requests: 1,
  toolCalls: 2,
  cacheReadTokens: 0,
  cacheWriteTokens: 0,
  inputAudioTokens: 0,
  outputAudioTokens: 0,
  cacheAudioReadTokens: 0,
  cacheWrite1hTokens: 0,
  audioSeconds: 0,
  unmeasuredRequests: 0,
  details: {},
};
const slot = (id: string) =>
  ({
    agentId: id,
    path: `system/${id}`,
    state: "busy",
    runs: { queueLength: 2, inFlight: 1 },
    instances: [{ state: "busy" }, { state: "starting" }, { state: "busy" }],
    get usage() {
      throw new Error("what a worker has used is in files");
    },
  }) as never;

const keptRuns = { live: 1, ended: 2, bytes: 300 };

function counted(...reports: Report[]) {
  const collector = new MetricsCollector();
  for (const report of reports) collector.count(report);
  return collector;
}

test("runs are counted by outcome, error and kind, with their times and what they used", () => {
  const settled = { ...base, type: "run.settled", runId: "r", durationMs: 30 } as const;
  const { agents, reports, name, ...others } = counted(
    { ...base, type: "run.started", runId: "r", attempt: 1, waitedMs: 5 },
    { ...settled, outcome: "completed", usage },
    { ...settled, outcome: "paused" },
    { ...settled, outcome: "failed", code: "run_failed", kind: "user_code", usage },
    { ...settled, outcome: "failed", code: "run_failed", kind: "user_code" },
    { ...settled, outcome: "failed", code: "worker_exited" },
    { ...settled, outcome: "cancelled", code: "run_cancelled", kind: "cancelled" },
  ).value("system", [slot("poet")], keptRuns);
  expect(others).toEqual({ keptRuns });
  expect({ name, reports }).toEqual({ name: "system", reports: { "run.started": 1, "run.settled": 6 } });
  expect(agents).toMatchObject([
    {
      id: "poet",
      path: "system/poet",
      state: "busy",
      serving: true,
      queueLength: 2,
      inFlight: 1,
      runs: { started: 1, completed: 1, paused: 1, failed: 3, cancelled: 1 },
      errors: { "run_failed/user_code": 2, worker_exited: 1, run_cancelled: 1 },
      waits: { count: 1, sumMs: 5 },
      durations: { count: 6, sumMs: 180 },
      usage: { inputTokens: 6, outputTokens: 8, requests: 2, toolCalls: 4 },
    },
  ]);
});

test("a worker that takes another's place has started, and a run that is tried again is counted once", () => {
  const { agents } = counted(
    { ...base, type: "agent.swapped", pid: 2, startMs: 40, reason: "new code", retired: 1 },
    { ...base, type: "run.started", runId: "r", attempt: 1, waitedMs: 5 },
    { ...base, type: "run.started", runId: "r", attempt: 2, waitedMs: 900 },
  ).value("system", [slot("poet")], keptRuns);
  expect(agents).toMatchObject([
    { starts: { count: 1, sumMs: 40 }, runs: { started: 1 }, waits: { count: 1, sumMs: 5 }, crashes: {} },
  ]);
});

test("workers are counted with their starts and their crashes by cause", () => {
  const { agents } = counted(
    { ...base, type: "worker.spawned", pid: 1 },
    { ...base, type: "agent.ready", pid: 1, startMs: 450 },
    { ...base, type: "agent.crashed", crash: crashRecord({ cause: "signaled" }) },
    { ...base, type: "worker.spawned", pid: 2 },
    { ...base, type: "agent.crashed", crash: crashRecord({ cause: "exited" }) },
    { ...base, type: "agent.crashed", crash: crashRecord({ cause: "exited" }) },
  ).value("system", [slot("poet")], keptRuns);
  expect(agents).toMatchObject([
    { workersSpawned: 2, crashes: { signaled: 1, exited: 2 }, starts: { count: 1, sumMs: 450 } },
  ]);
});

test("an agent that has told nothing has zeros, one that is gone is not shown, and a value does not change afterwards", () => {
  const collector = counted({ ...base, agentId: "gone", type: "run.started", runId: "r", attempt: 1, waitedMs: 1 });
  const before = collector.value("system", [slot("idle")], keptRuns);
  collector.count({ ...base, agentId: "idle", type: "run.started", runId: "r", attempt: 1, waitedMs: 1 });
  expect(before.agents).toMatchObject([{ id: "idle", runs: { started: 0, completed: 0, failed: 0, cancelled: 0 } }]);
  expect(collector.value("system", [slot("idle")], keptRuns).agents[0]?.runs.started).toBe(1);
});

test("instances are counted by state", () => {
  const [agent] = counted().value("system", [slot("poet")], keptRuns).agents;
  expect(agent?.instances).toEqual({ busy: 2, starting: 1 });
});
