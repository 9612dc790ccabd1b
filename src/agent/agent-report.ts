/** What agents tell of themselves, beside what their supervisors report. */

import type { CrashRecord } from "../crash.ts";
import type { ErrorCode, RunErrorKind } from "../errors.ts";
import type { Usage } from "../usage.ts";

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
  /** A worker has taken the place of another without a gap, and serves; `startMs` is from its spawn. The other finishes what it holds. */
  | (AgentReportBase & { type: "agent.swapped"; pid: number; startMs: number; reason: string; retired: number })
  /** The worker that was to take the current one's place is gone before it was ready. The current one serves on. */
  | (AgentReportBase & { type: "agent.swap_failed"; reason: string; crash: CrashRecord })
  /** A worker whose place another has taken is gone, or one of an instance that is not wanted any more. It is no crash, however it ended. */
  | (AgentReportBase & { type: "worker.retired"; crash: CrashRecord })
  /** The agent has one instance more, or one less that serves: `instances` now. `instance` is its id. */
  | (AgentReportBase & { type: "agent.scaled"; instance: string; instances: number; because: string })
  /** The agent has a worker that is ready beside those that serve; `startMs` is from its spawn. */
  | (AgentReportBase & { type: "spare.ready"; pid: number; startMs: number })
  /** That worker, or one that was to become it, is gone: another is started. It is no crash of the agent. */
  | (AgentReportBase & { type: "spare.lost"; crash: CrashRecord })
  /** A signal from outside asks the worker to end: it finishes the runs it holds, and the next worker serves what waits. */
  | (AgentReportBase & { type: "worker.draining"; pid: number | undefined; signal: NodeJS.Signals })
  /**
   * The worker's event loop has not answered for `forMs`: no run is handed to it. `stacks` are those of its threads and tasks, as lines; empty when it
   * cannot tell.
   */
  | (AgentReportBase & { type: "agent.unresponsive"; forMs: number; stacks: readonly string[] })
  /** The event loop answers again, after `forMs`. */
  | (AgentReportBase & { type: "agent.responsive"; forMs: number })
  /** The worker had been asked to end, did not within its time, and was killed; `crash.detail` says what it was doing. */
  | (AgentReportBase & { type: "worker.killed"; crash: CrashRecord })
  /** The worker ended and nobody had asked for it. The supervisor's decision follows. */
  | (AgentReportBase & { type: "agent.crashed"; crash: CrashRecord })
  /**
   * A worker takes a run, `waitedMs` after it was asked for. `traceId` is OpenTelemetry's, where the run is traced; `model` is the one that a policy has put in
   * the place of the run's own.
   */
  | (AgentReportBase & {
      type: "run.started";
      runId: string;
      traceId?: string;
      attempt: number;
      waitedMs: number;
      model?: string;
    })
  /**
   * A policy holds the agent's runs back: from now on some wait, or are handed over with another model ("degrade"), or are rejected ("refuse"). Each of the
   * three is told once until "agent.unlimited".
   */
  | (AgentReportBase & { type: "agent.limited"; by: "wait" | "degrade" | "refuse"; because: string })
  /** A run has been handed over as it is, and none was held back for a minute; `forMs` after the first was. */
  | (AgentReportBase & { type: "agent.unlimited"; forMs: number })
  /**
   * The caller of a run was answered, `durationMs` after it had asked. `code` and `kind` are the error's; `usage` is what the run has used, where that is
   * known.
   */
  | (AgentReportBase & {
      type: "run.settled";
      runId: string;
      traceId?: string;
      outcome: "completed" | "paused" | "failed" | "cancelled";
      durationMs: number;
      code?: ErrorCode;
      kind?: RunErrorKind;
      usage?: Usage;
    })
  /** A run waits for an answer from outside, which `agent.answer` gives; its agent is busy, and its place is taken. */
  | (AgentReportBase & { type: "run.waiting"; runId: string; token: string; name: string })
  /** It waits for that no more, after `forMs`; "ended": nobody has answered, and the run has ended or needs no answer. */
  | (AgentReportBase & {
      type: "run.waited";
      runId: string;
      token: string;
      name: string;
      outcome: "answered" | "declined" | "timed_out" | "ended";
      forMs: number;
    })
  /** The worker of a run has died, and the run waits for the next one, in front of all others; `attempt` is the one to come. */
  | (AgentReportBase & { type: "run.retried"; runId: string; attempt: number; crash: CrashRecord })
  /** A run was in flight at the deaths of two workers in a row, and is not tried again. */
  | (AgentReportBase & { type: "run.set_aside"; runId: string; crashes: readonly CrashRecord[] })
  /**
   * The caller of a run was answered `forMs` ago (it left, or its time was up), but the run goes on in Python and keeps its place: a tool in a
   * thread, or one that ignores that it was cancelled. `agent.restart()` ends it with its worker.
   */
  | (AgentReportBase & { type: "run.lingers"; runId: string; forMs: number })
  /** A run that lingered has ended, so long after its caller was answered. */
  | (AgentReportBase & { type: "run.gone"; runId: string; forMs: number })
  /** The agent has ended; runs that still waited were rejected. */
  | (AgentReportBase & { type: "agent.stopped"; reason: string; rejectedRuns: number });

/** What a report says beside who tells it, and when. */
export type AgentReportFacts = AgentReport extends infer R
  ? R extends AgentReport
    ? Omit<R, keyof AgentReportBase>
    : never
  : never;
