/** The typed error of a worker that ended or never began: what its runs, and those who wait for it, are rejected with. */

import type { CrashRecord } from "../crash.ts";
import { CallerError, WorkerError, type WorkerErrorCode } from "../errors.ts";
import { endedAtStart } from "./start-failure.ts";

const loadCodes = {
  import_failed: "worker_import_failed",
  module_missing: "entry_module_missing",
  module_failed: "entry_module_failed",
  attribute_missing: "entry_attribute_missing",
  not_an_agent: "entry_not_an_agent",
  warmup_failed: "entry_warmup_failed",
  serve_failed: "worker_start_failed",
} as const;

/** The code that tells a crash apart. */
function codeOf(crash: CrashRecord): WorkerErrorCode {
  switch (crash.cause) {
    case "load_failed":
      return crash.loadFailure === undefined ? "worker_exited" : loadCodes[crash.loadFailure.kind];
    case "start_timeout":
      return "worker_start_timeout";
    case "spawn_failed":
      return "worker_spawn_failed";
    case "zygote_lost":
      return crash.pid === undefined ? "worker_spawn_failed" : "worker_exited";
    case "protocol_mismatch":
      return "worker_protocol_mismatch";
    case "contract_mismatch":
      return "contract_mismatch";
    case "connection_lost":
      return "worker_connection_lost";
    default:
      return endedAtStart(crash) ? "worker_start_failed" : "worker_exited";
  }
}

/** The error for a run that the worker held, or for a start that failed. */
export function workerError(crash: CrashRecord, runId?: string): WorkerError {
  const { loadFailure, stderrTail } = crash;
  const run = runId === undefined ? "" : ` while it held run "${runId}"`;
  const lines = [`agent "${crash.agentId}": ${crash.describe}${run}`];
  if (loadFailure?.traceback !== undefined) lines.push(loadFailure.traceback.trimEnd());
  else if (stderrTail.length > 0)
    lines.push("last lines of its stderr:", ...stderrTail.slice(-5).map((line) => `  ${line}`));
  if (crash.failedStarts !== undefined && crash.decision !== undefined)
    lines.push(`decision: ${crash.decision.because}`);
  return new WorkerError(codeOf(crash), lines.join("\n"), {
    agentId: crash.agentId,
    crash,
    ...(runId === undefined ? {} : { runId }),
    ...(loadFailure?.pythonType === undefined ? {} : { pythonType: loadFailure.pythonType }),
    ...(loadFailure?.traceback === undefined ? {} : { pythonTraceback: loadFailure.traceback }),
  });
}

/** The error for a run that workers have died with again and again; the last crash is the newest. */
export function poisonedError(crashes: readonly CrashRecord[], runId: string): WorkerError {
  const crash = crashes.at(-1) as CrashRecord;
  const each = crashes.map(({ incarnation, describe }) => `  worker ${incarnation}: ${describe}`);
  const lines = [
    `agent "${crash.agentId}": run "${runId}" was in flight at the deaths of ${crashes.length} workers in a row and is not tried again`,
    ...each,
  ];
  return new WorkerError("run_poisoned", lines.join("\n"), {
    agentId: crash.agentId,
    runId,
    crash,
    crashes,
    cause: workerError(crash, runId),
  });
}

/** The error for calls to an agent that its supervisor leaves down after a crash. */
export function leftDownError(
  crash: CrashRecord,
  code: "restart_intensity_exceeded" | "agent_stopped",
  because: string,
): WorkerError {
  const message = `agent "${crash.agentId}" is not restarted: ${because}; last crash: ${crash.describe}`;
  return new WorkerError(code, message, { agentId: crash.agentId, crash, cause: workerError(crash) });
}

/** The error for a run that its worker held when the agent was stopped; `end` is how the worker ended. */
export function stoppedInRunError(end: CrashRecord, runId: string): WorkerError {
  const message = `agent "${end.agentId}" was stopped while its worker held the run; ${end.describe}`;
  return new WorkerError("agent_stopped", message, {
    agentId: end.agentId,
    crash: end,
    cause: workerError(end),
    runId,
  });
}

/** The error for a run that the agent's own end rejects; `last` is what the agent had crashed with before, if it had. */
export function agentStoppedError(
  agentId: string,
  reason: string,
  last: CrashRecord | undefined,
  runId?: string,
): WorkerError {
  const because = last === undefined ? "" : `; its last crash: ${last.describe}`;
  return new WorkerError("agent_stopped", `agent "${agentId}" is stopped (${reason})${because}`, {
    agentId,
    ...(last === undefined ? {} : { crash: last, cause: workerError(last) }),
    ...(runId === undefined ? {} : { runId }),
  });
}

/** The error for a call to an agent that was stopped by request. */
export function stoppedError(id: string): CallerError {
  return new CallerError("stopped", `agent "${id}" has been stopped; restart() begins it anew`);
}

/** The error for a restart of an agent that is being stopped. */
export function stoppingError(id: string): CallerError {
  return new CallerError("stopped", `agent "${id}" is being stopped; restart it when it has stopped`);
}

/** The error for what an agent cannot answer before its first start. */
export function notStartedError(id: string): CallerError {
  return new CallerError("stopped", `agent "${id}" has not been started`);
}
