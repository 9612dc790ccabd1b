import { Writable } from "node:stream";
import { pino } from "pino";
import { expect, test } from "vitest";
import type { Report } from "../src/report.ts";
import { describeReport, logReport } from "../src/report-log.ts";
import { crashRecord } from "./agent/values.ts";

const offender = {
  childId: "poet",
  path: "system/poet",
  type: "worker",
  restart: "permanent",
  shutdownMs: 6_000,
  incarnation: 2,
} as const;
const bySupervisor = { supervisor: "system", atMs: 1_000 } as const;
const byAgent = { agentId: "poet", path: "system/poet", atMs: 1_000, incarnation: 2 } as const;
const restart = { type: "restart", delayMs: 0, because: "restart 1 of 3 allowed within 5000 ms" } as const;
const leave = { type: "leave", because: "a temporary child is not restarted after normal" } as const;

const cases: [string, string, Report][] = [
  ["debug", "system/poet started", { ...bySupervisor, type: "child.started", offender, restarted: false }],
  ["debug", "system/poet restarts", { ...bySupervisor, type: "child.started", offender, restarted: true }],
  [
    "error",
    'deadlock: <2> "b" waits for <1> "a" waits for <2> "b"',
    {
      type: "deadlock",
      processes: ['<1> "a"', '<2> "b"'],
      calls: [{ from: '<2> "b"', to: '<1> "a"', message: 1, timeoutMs: 5_000 }],
      because: '<2> "b" waits for <1> "a" waits for <2> "b"',
    },
  ],
  [
    "warn",
    `system/poet ended (killed): restart, ${restart.because}`,
    { ...bySupervisor, type: "child.exited", offender, reason: "killed", decision: restart },
  ],
  [
    "info",
    `system/poet ended (normal): leave, ${leave.because}`,
    { ...bySupervisor, type: "child.exited", offender, reason: "normal", decision: leave },
  ],
  [
    "error",
    "system/poet could not be started: Error: no luck",
    { ...bySupervisor, type: "child.start_failed", offender, reason: new Error("no luck") },
  ],
  [
    "warn",
    "system/poet did not stop as asked: killed",
    { ...bySupervisor, type: "child.shutdown_error", offender, reason: "killed" },
  ],
  [
    "error",
    "system gives up: too many; last was system/poet",
    { ...bySupervisor, type: "supervisor.gave_up", offender, reason: "killed", because: "too many" },
  ],
  [
    "error",
    "system has a policy that fails, the restart intensity answers: the policy threw",
    { ...bySupervisor, type: "policy.failed", offender, policy: "supervisor", because: "the policy threw" },
  ],
  [
    "error",
    "system/poet has a policy that fails, the restart intensity answers: the policy threw",
    { ...bySupervisor, type: "policy.failed", offender, policy: "child", because: "the policy threw" },
  ],
  ["debug", "system stopped (shutdown)", { ...bySupervisor, type: "supervisor.stopped", reason: "shutdown" }],
  ["debug", "system/poet: worker 2 spawned (pid 7)", { ...byAgent, type: "worker.spawned", pid: 7 }],
  [
    "info",
    "system/poet: worker 2 ready after 13 ms (pid 7)",
    { ...byAgent, type: "agent.ready", pid: 7, startMs: 12.6 },
  ],
  [
    "warn",
    "system/poet: runs wait: the budget is used up",
    { ...byAgent, type: "agent.limited", by: "wait", because: "the budget is used up" },
  ],
  [
    "info",
    "system/poet: runs are handed over as they are again, after 40 ms",
    { ...byAgent, type: "agent.unlimited", forMs: 40 },
  ],
  [
    "debug",
    'system/poet: run "r1" started after 30 ms',
    { ...byAgent, type: "run.started", runId: "r1", attempt: 1, waitedMs: 30 },
  ],
  [
    "debug",
    'system/poet: run "r1" completed after 42 ms',
    { ...byAgent, type: "run.settled", runId: "r1", outcome: "completed", durationMs: 42 },
  ],
  [
    "debug",
    'system/poet: run "r1" failed (run_failed) after 42 ms',
    { ...byAgent, type: "run.settled", runId: "r1", outcome: "failed", durationMs: 42, code: "run_failed" },
  ],
  [
    "warn",
    'system/poet: run "r1" goes on in Python 1000 ms after its caller was answered, and keeps its place',
    { ...byAgent, type: "run.lingers", runId: "r1", forMs: 1_000 },
  ],
  [
    "info",
    'system/poet: run "r1" has ended, 1500 ms after its caller was answered',
    { ...byAgent, type: "run.gone", runId: "r1", forMs: 1_500 },
  ],
  [
    "info",
    'system/poet: run "r1" waits for "colour" to be answered',
    { ...byAgent, type: "run.waiting", runId: "r1", token: "t", name: "colour" },
  ],
  [
    "info",
    'system/poet: the wait of run "r1" for "colour" is over, as its time has passed, after 1500 ms',
    { ...byAgent, type: "run.waited", runId: "r1", token: "t", name: "colour", outcome: "timed_out", forMs: 1_500 },
  ],
  [
    "warn",
    "system/poet: worker 2 got SIGTERM from outside and finishes its runs",
    { ...byAgent, type: "worker.draining", pid: 7, signal: "SIGTERM" },
  ],
  [
    "warn",
    "system/poet: the event loop of worker 2 has not answered for 5000 ms",
    { ...byAgent, type: "agent.unresponsive", forMs: 5_000, stacks: [] },
  ],
  [
    "info",
    "system/poet: the event loop of worker 2 answers again after 7000 ms",
    { ...byAgent, type: "agent.responsive", forMs: 7_000 },
  ],
  ["warn", `system/poet: ${crashRecord().describe}`, { ...byAgent, type: "worker.killed", crash: crashRecord() }],
  [
    "error",
    `system/poet crashed: ${crashRecord().describe}`,
    { ...byAgent, type: "agent.crashed", crash: crashRecord() },
  ],
  [
    "info",
    "system/poet stopped (shutdown); 3 waiting runs rejected",
    { ...byAgent, type: "agent.stopped", reason: "shutdown", rejectedRuns: 3 },
  ],
  [
    "warn",
    "workers are started as fresh processes, not forked: it has threads",
    { type: "zygote.unfit", because: "it has threads" },
  ],
  [
    "error",
    "a zygote ended without being asked to, and 3 workers with it",
    { type: "zygote.lost", pid: 7, workers: 3 },
  ],
  ["warn", "the inspection observer threw", { type: "inspect.threw", error: new Error("x") }],
  ["warn", "the inspection observer is too slow: 5 events dropped", { type: "inspect.dropped", events: 5 }],
];

test.each(cases)("%s: %s", (level, sentence, report) => {
  expect(describeReport(report)).toEqual([level, sentence]);
});

function written(report: Report): Record<string, unknown> {
  const lines: string[] = [];
  const sink = new Writable({
    write(chunk, _encoding, done) {
      lines.push(String(chunk));
      done();
    },
  });
  logReport(pino({ level: "debug", base: null, timestamp: false }, sink), report);
  expect(lines).toHaveLength(1);
  return JSON.parse(lines[0] as string) as Record<string, unknown>;
}

test.each(cases)("the log line at %s has the report's type, facts and sentence: %s", (_level, sentence, report) => {
  expect(written(report)).toMatchObject({ msg: sentence, report: report.type });
});

test("a crash is whole in the agent's own line, and its sentence in the supervisor's", () => {
  const crash = crashRecord();
  expect(written({ ...byAgent, type: "agent.crashed", crash })).toMatchObject({ crash: { exitCode: 7 } });
  const line = written({ ...bySupervisor, type: "child.exited", offender, reason: crash, decision: restart });
  expect(line).toMatchObject({ reason: crash.describe, decision: restart, offender });
});
