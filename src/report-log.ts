/** Reports as log lines: one level and one sentence for each. */

import type { SystemLogger } from "./logger.ts";
import { describeExitReason } from "./otp/report/exit-reason.ts";
import type { Report } from "./report.ts";

/** Writes a report to the log. */
export function logReport(logger: SystemLogger, report: Report): void {
  const [level, message] = describeReport(report);
  const { type, ...facts } = report;
  // The crash itself is in the agent's own report: here its sentence is enough.
  const reason = "reason" in facts ? { reason: describeExitReason(facts.reason) } : {};
  // The pid of a line is the host's.
  const { pid, ...others } = facts as typeof facts & { pid?: number };
  logger[level]({ report: type, ...others, ...reason, ...(pid === undefined ? {} : { workerPid: pid }) }, message);
}

/** What a policy does with the runs that it holds back. */
const limits = {
  wait: "runs wait",
  degrade: "runs are handed over with another model",
  refuse: "runs are rejected",
} as const;

/** How a run's wait has ended. */
const waitEnds = {
  answered: "answered",
  declined: "declined",
  timed_out: "over, as its time has passed,",
  ended: "over without an answer",
} as const;

/** Level and sentence of a report. */
export function describeReport(report: Report): [level: "debug" | "info" | "warn" | "error", message: string] {
  switch (report.type) {
    case "child.started":
      return ["debug", `${report.offender.path} ${report.restarted ? "restarts" : "started"}`];
    case "child.exited":
      return [
        report.decision.type === "restart" ? "warn" : "info",
        `${report.offender.path} ended (${describeExitReason(report.reason)}): ${report.decision.type}, ${report.decision.because}`,
      ];
    case "child.start_failed":
      return ["error", `${report.offender.path} could not be started: ${describeExitReason(report.reason)}`];
    case "child.shutdown_error":
      return ["warn", `${report.offender.path} did not stop as asked: ${describeExitReason(report.reason)}`];
    case "policy.failed": {
      const whose = report.policy === "child" ? report.offender.path : report.supervisor;
      return ["error", `${whose} has a policy that fails, the restart intensity answers: ${report.because}`];
    }
    case "supervisor.gave_up":
      return ["error", `${report.supervisor} gives up: ${report.because}; last was ${report.offender.path}`];
    case "supervisor.stopped":
      return ["debug", `${report.supervisor} stopped (${describeExitReason(report.reason)})`];
    case "worker.spawned":
      return ["debug", `${report.path}: worker ${report.incarnation} spawned (pid ${report.pid})`];
    case "agent.ready":
      return [
        "info",
        `${report.path}: worker ${report.incarnation} ready after ${Math.round(report.startMs)} ms (pid ${report.pid})`,
      ];
    case "agent.swapped":
      return [
        "info",
        `${report.path}: worker ${report.incarnation} ready after ${Math.round(report.startMs)} ms (pid ${report.pid}), in place of worker ${report.retired}: ${report.reason}`,
      ];
    case "agent.swap_failed":
      return [
        "error",
        `${report.path}: worker ${report.crash.incarnation} could not take its place (${report.reason}): ${report.crash.describe}`,
      ];
    case "worker.retired":
      return [report.crash.cause === "retired" ? "debug" : "warn", `${report.path}: ${report.crash.describe}`];
    case "agent.scaled":
      return ["info", `${report.path}: ${report.instances} instances, ${report.instance} changes: ${report.because}`];
    case "spare.ready":
      return ["debug", `${report.path}: worker ${report.incarnation} is ready as the spare (pid ${report.pid})`];
    case "spare.lost":
      return ["warn", `${report.path}: the spare is lost, and another is started: ${report.crash.describe}`];
    case "worker.draining":
      return [
        "warn",
        `${report.path}: worker ${report.incarnation} got ${report.signal} from outside and finishes its runs`,
      ];
    case "agent.unresponsive":
      return [
        "warn",
        `${report.path}: the event loop of worker ${report.incarnation} has not answered for ${report.forMs} ms`,
      ];
    case "agent.responsive":
      return [
        "info",
        `${report.path}: the event loop of worker ${report.incarnation} answers again after ${report.forMs} ms`,
      ];
    case "worker.killed":
      return ["warn", `${report.path}: ${report.crash.describe}`];
    case "agent.crashed":
      return ["error", `${report.path} crashed: ${report.crash.describe}`];
    case "agent.stopped":
      return ["info", `${report.path} stopped (${report.reason}); ${report.rejectedRuns} waiting runs rejected`];
    case "agent.limited":
      return ["warn", `${report.path}: ${limits[report.by]}: ${report.because}`];
    case "agent.unlimited":
      return ["info", `${report.path}: runs are handed over as they are again, after ${report.forMs} ms`];
    case "run.started":
      return ["debug", `${report.path}: run "${report.runId}" started after ${report.waitedMs} ms`];
    case "run.settled": {
      const why = report.code === undefined ? "" : ` (${report.code})`;
      return ["debug", `${report.path}: run "${report.runId}" ${report.outcome}${why} after ${report.durationMs} ms`];
    }
    case "run.waiting":
      return ["info", `${report.path}: run "${report.runId}" waits for "${report.name}" to be answered`];
    case "run.waited":
      return [
        "info",
        `${report.path}: the wait of run "${report.runId}" for "${report.name}" is ${waitEnds[report.outcome]} after ${report.forMs} ms`,
      ];
    case "run.retried":
      return [
        "warn",
        `${report.path}: run "${report.runId}" waits for its attempt ${report.attempt}: ${report.crash.describe}`,
      ];
    case "run.set_aside":
      return [
        "error",
        `${report.path}: run "${report.runId}" is set aside: ${report.crashes.length} workers in a row have died with it`,
      ];
    case "run.lingers":
      return [
        "warn",
        `${report.path}: run "${report.runId}" goes on in Python ${report.forMs} ms after its caller was answered, and keeps its place`,
      ];
    case "run.gone":
      return [
        "info",
        `${report.path}: run "${report.runId}" has ended, ${report.forMs} ms after its caller was answered`,
      ];
    case "process.crashed":
      return ["error", `process ${report.process} crashed: ${describeExitReason(report.reason)}`];
    case "process.late_error":
      return ["error", `process ${report.process}, which has ended, threw: ${String(report.error)}`];
    case "deadlock":
      return ["error", `deadlock: ${report.because}`];
    case "dead_letter":
      return ["warn", `a message to ${report.to} reached nobody (${report.why})`];
    case "zygote.unfit":
      return ["warn", `workers are started as fresh processes, not forked: ${report.because}`];
    case "zygote.lost":
      return ["error", `a zygote ended without being asked to, and ${report.workers} workers with it`];
    case "inspect.threw":
      return ["warn", "the inspection observer threw"];
    case "inspect.dropped":
      return ["warn", `the inspection observer is too slow: ${report.events} events dropped`];
  }
}
