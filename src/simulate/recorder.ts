/** Writes down what happens in a simulation: who served when, what became of runs, what the policies decided. */

import type { AgentReport } from "../agent/agent-report.ts";
import { describeExitReason } from "../otp/report/exit-reason.ts";
import type { Report } from "../report.ts";
import type {
  SimulatedChildResult,
  SimulatedDecision,
  SimulatedGivingUp,
  SimulatedLimit,
  SimulatedSpan,
} from "./result.ts";

/** What is counted of one child. */
export class ChildRecord {
  readonly id: string;
  readonly path: string;
  readonly type: "agent" | "other";
  starts = 0;
  crashes = 0;
  restarts = 0;
  served = 0;
  rejected = 0;
  lost = 0;
  cancelled = 0;
  timedOut = 0;
  retried = 0;
  degraded = 0;
  readonly waitsMs: number[] = [];
  readonly spans: SimulatedSpan[] = [];

  constructor(id: string, path: string, type: "agent" | "other") {
    this.id = id;
    this.path = path;
    this.type = type;
  }

  /** From now on it is in this state. */
  enter(state: SimulatedSpan["state"], atMs: number): void {
    const last = this.spans.at(-1);
    if (last?.state === state) return;
    if (last !== undefined) last.toMs = atMs;
    // A state of no length was none.
    if (last !== undefined && last.fromMs === atMs) this.spans.pop();
    const before = this.spans.at(-1);
    if (before?.state === state) before.toMs = atMs;
    else this.spans.push({ state, fromMs: atMs, toMs: atMs });
  }

  /** Its numbers, as of this time. */
  result(untilMs: number, waiting: number): SimulatedChildResult {
    const last = this.spans.at(-1);
    if (last !== undefined) last.toMs = untilMs;
    const upMs = sum(this.spans.map(({ state, fromMs, toMs }) => (state === "up" ? toMs - fromMs : 0)));
    const waits = this.waitsMs.toSorted((a, b) => a - b);
    const { id, path, type, starts, crashes, restarts } = this;
    const { served, rejected, lost, cancelled, timedOut, retried, degraded } = this;
    return {
      id,
      path,
      type,
      state: last?.state ?? "stopped",
      starts,
      crashes,
      restarts,
      downMs: untilMs - upMs,
      served,
      rejected,
      lost,
      cancelled,
      timedOut,
      retried,
      degraded,
      waiting,
      waitMs: {
        mean: waits.length === 0 ? 0 : Math.round(sum(waits) / waits.length),
        p95: waits[Math.min(waits.length - 1, Math.floor(waits.length * 0.95))] ?? 0,
        max: waits.at(-1) ?? 0,
      },
      spans: this.spans.map((span) => ({ ...span })),
    };
  }
}

/** The recorder of one simulation. */
export class Recorder {
  readonly children = new Map<string, ChildRecord>();
  readonly decisions: SimulatedDecision[] = [];
  readonly gaveUp: SimulatedGivingUp[] = [];
  readonly limits: SimulatedLimit[] = [];

  /** The record of a child, which lives as long as the simulation. */
  child(id: string, path: string, type: "agent" | "other"): ChildRecord {
    const known = this.children.get(path) ?? new ChildRecord(id, path, type);
    this.children.set(path, known);
    return known;
  }

  /** An agent reports. */
  agentReport(report: AgentReport, atMs: number): void {
    if (report.type === "agent.limited") {
      const { path, by, because } = report;
      this.limits.push({ atMs, path, by, because });
    } else if (report.type === "agent.crashed") {
      const record = this.#recordOf(report.path);
      if (record !== undefined) record.crashes += 1;
    }
  }

  /** The record at this path; of an instance that of its agent, which stands above it. */
  #recordOf(path: string): ChildRecord | undefined {
    for (let at = path.length; at > 0; at = path.lastIndexOf("/", at - 1)) {
      const record = this.children.get(path.slice(0, at));
      if (record !== undefined) return record;
    }
    return undefined;
  }

  /** A supervisor reports. */
  report(report: Report, atMs: number): void {
    switch (report.type) {
      case "child.started": {
        const record = this.#recordOf(report.offender.path);
        if (record !== undefined && report.restarted) record.restarts += 1;
        break;
      }
      case "child.exited": {
        const { decision, offender, reason } = report;
        const pause = decision.type === "restart" ? { delayMs: decision.delayMs } : {};
        this.decisions.push({
          atMs,
          path: offender.path,
          reason: describeExitReason(reason),
          decision: decision.type,
          ...pause,
          because: decision.because,
        });
        break;
      }
      case "child.start_failed":
        this.decisions.push({
          atMs,
          path: report.offender.path,
          reason: describeExitReason(report.reason),
          decision: "leave",
          because: "its first start failed in a way that trying again does not mend",
        });
        break;
      case "policy.failed":
        this.decisions.push({
          atMs,
          path: report.offender.path,
          reason: "its policy failed",
          decision: "none",
          because: report.because,
        });
        break;
      case "supervisor.gave_up":
        this.gaveUp.push({ atMs, path: report.supervisor, because: report.because, child: report.offender.path });
    }
  }
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
