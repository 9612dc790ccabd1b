/** What an error is to a client of an HTTP service that runs agents: a status for every code, and for the kinds of a failed run that differ. */

import { type ErrorCode, RunError, type RunErrorKind, SynapseError } from "./errors.ts";

/** The status of every code. */
export const httpStatuses: Readonly<Record<ErrorCode, number>> = {
  invalid_argument: 400,
  not_found: 404,
  already_started: 409,
  already_present: 409,
  queue_full: 503,
  conversation_busy: 409,
  conversation_conflict: 409,
  idempotency_conflict: 409,
  events_expired: 410,
  already_resumed: 409,
  message_too_large: 413,
  stopped: 503,
  run_failed: 500,
  run_cancelled: 499,
  deadline_exceeded: 504,
  budget_exceeded: 503,
  output_invalid: 500,
  unauthenticated: 500,
  protocol_violation: 500,
  worker_exited: 503,
  run_poisoned: 500,
  worker_connection_lost: 503,
  worker_start_timeout: 503,
  worker_spawn_failed: 503,
  worker_protocol_mismatch: 500,
  contract_mismatch: 500,
  worker_import_failed: 500,
  worker_start_failed: 500,
  entry_module_missing: 500,
  entry_module_failed: 500,
  entry_attribute_missing: 500,
  entry_not_an_agent: 500,
  entry_warmup_failed: 500,
  python_missing: 500,
  python_too_old: 500,
  python_package_missing: 500,
  python_package_mismatch: 500,
  agent_stopped: 503,
  restart_intensity_exceeded: 503,
  noproc: 503,
  timeout: 504,
  calling_self: 500,
  aborted: 499,
  exited: 503,
  start_failed: 503,
  ignored: 503,
};

/** The status of a `run_failed` of these kinds; the others are 500. */
export const httpStatusesOfKinds: Readonly<Partial<Record<RunErrorKind, number>>> = {
  validation: 400,
  usage_limit_exceeded: 429,
  concurrency_limit: 503,
  model_http: 502,
  model_api: 502,
  model_rate_limit: 503,
  model_quota: 503,
  model_unavailable: 503,
  model_overloaded: 503,
  model_server: 502,
  model_connection: 502,
  model_timeout: 504,
  model_rejected: 502,
  model_authentication: 502,
  model_not_found: 502,
  context_window: 413,
  output_token_limit: 502,
  conversation_conflict: 409,
  content_filter: 422,
  fallback: 502,
  draining: 503,
  interrupted: 503,
  out_of_memory: 503,
  frontend_request: 422,
};

/**
 * The HTTP status to answer with for whatever was thrown: by its code and, of a run, its kind; 500 for what is no error of Synapse. 499 is nginx's for a
 * client that has left. A provider that asks to be left alone (429) makes 503: it is not this client who asks too often.
 */
export function httpStatusOf(error: unknown): number {
  if (!(error instanceof SynapseError)) return 500;
  if (error instanceof RunError && error.code === "run_failed") {
    if (error.kind === "model_http" && error.httpStatus === 429) return 503;
    return httpStatusesOfKinds[error.kind] ?? httpStatuses.run_failed;
  }
  return httpStatuses[error.code] ?? 500;
}
