/** What agents tell of themselves, beside what their supervisors report. */

import type { CrashRecord } from "../crash.ts";

interface AgentReportBase {
  agentId: string;
  /** Ids from the root, joined by "/". */
  path: string;
  /** Milliseconds since the Unix epoch. */
  atMs: number;
  incarnation: number;
}

/** A report of an agent. */
export type AgentReport =
  /** A worker's process runs. */
  | (AgentReportBase & { type: "worker.spawned"; pid: number | undefined })
  /** The worker serves; `startMs` is from its spawn. */
  | (AgentReportBase & { type: "agent.ready"; pid: number; startMs: number })
  /** A signal from outside asks the worker to end: it finishes the runs it holds, and the next worker serves what waits. */
  | (AgentReportBase & { type: "worker.draining"; pid: number | undefined; signal: NodeJS.Signals })
  /** The worker had been asked to end, did not within its time, and was killed; `crash.detail` says what it was doing. */
  | (AgentReportBase & { type: "worker.killed"; crash: CrashRecord })
  /** The worker ended and nobody had asked for it. The supervisor's decision follows. */
  | (AgentReportBase & { type: "agent.crashed"; crash: CrashRecord })
  /** The agent has ended; runs that still waited were rejected. */
  | (AgentReportBase & { type: "agent.stopped"; reason: string; rejectedRuns: number });

/** What a report says beside who tells it, and when. */
export type AgentReportFacts = AgentReport extends infer R
  ? R extends AgentReport
    ? Omit<R, keyof AgentReportBase>
    : never
  : never;
