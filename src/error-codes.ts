/** The codes of errors, by the subclass that carries them. */

/** The caller's mistake: thrown or rejected at once, nothing was started. */
export type CallerErrorCode =
  /** An option or argument breaks its rule; `field`, `value` and `rule` say which. */
  | "invalid_argument"
  /** No agent, child or name of this kind is known. */
  | "not_found"
  /** The id or name is taken by something that runs. */
  | "already_started"
  /** The id is kept by a child that does not run. */
  | "already_present"
  /** The agent's queue holds `maxQueue` runs already. */
  | "queue_full"
  /** Another run of the conversation runs, and this one does not wait. */
  | "conversation_busy"
  /** Somebody else has written the conversation: what was read is not what is stored. */
  | "conversation_conflict"
  /** The idempotency key is that of a run that was asked for something else. */
  | "idempotency_conflict"
  /** The events that were asked for are not kept any more; `firstSeq` is the first that is. */
  | "events_expired"
  /** The paused run goes on already, or its conversation has gone on without it: `runId` says with which run. A token is good once. */
  | "already_resumed"
  /** The request is larger than the message limit. */
  | "message_too_large"
  /** The system or the agent has been stopped. */
  | "stopped";

/** The agent's answer: the run ended without a result, the worker lives on. */
export type RunErrorCode =
  /** The agent run failed; `kind` says how pydantic-ai ended it. */
  | "run_failed"
  /** The caller cancelled the run. */
  | "run_cancelled"
  /** `timeoutMs` passed. */
  | "deadline_exceeded"
  /** A policy refuses the run, because its agent has used its budget; `retryAfterMs` says when there is room again, where time alone makes it. */
  | "budget_exceeded"
  /** The answer does not fit the `output` schema of the agent's definition, or its rule for unsafe numbers. */
  | "output_invalid"
  /** The worker refused the incarnation's token. */
  | "unauthenticated"
  /** The worker answered with something that is not in the contract. */
  | "protocol_violation";

/** A worker or its agent ended or never began. */
export type WorkerErrorCode =
  /** The worker's process ended while it held the run; `crash` has the exit. */
  | "worker_exited"
  /** The run was in flight at the deaths of two workers in a row, and is not tried again; `crashes` has both. */
  | "run_poisoned"
  /** The process lives but its connection is lost; it is killed. */
  | "worker_connection_lost"
  /** The worker was not ready within `startTimeoutMs`. */
  | "worker_start_timeout"
  /** The operating system could not start the process. */
  | "worker_spawn_failed"
  /** The process ended by itself before it was ready, or its socket could not be served; the message has its last words. */
  | "worker_start_failed"
  /** What a worker needs (pydantic-ai, grpc, protobuf) is installed and cannot be imported. */
  | "worker_import_failed"
  /** The worker speaks another version of the protocol. */
  | "worker_protocol_mismatch"
  /** The agent is not what its definition expects of it: the message names the fields, `crash.contractFaults` lists them. */
  | "contract_mismatch"
  /** The entry's module does not exist. */
  | "entry_module_missing"
  /** The entry's module raised while it was imported. */
  | "entry_module_failed"
  /** The entry's module has no such attribute. */
  | "entry_attribute_missing"
  /** The entry's attribute is not a pydantic-ai Agent. */
  | "entry_not_an_agent"
  /** The agent loaded, and `async with agent` failed. */
  | "entry_warmup_failed"
  /** No Python interpreter was found. */
  | "python_missing"
  /** The interpreter is older than Synapse needs. */
  | "python_too_old"
  /** The interpreter lacks the Python package synapse-otp or one that it needs, or another project's package lies in its place. */
  | "python_package_missing"
  /** The interpreter has the Python package synapse-otp, or one that it needs, in a version that does not fit. */
  | "python_package_mismatch"
  /** The agent was stopped by its caller or supervisor while the run waited or ran. */
  | "agent_stopped"
  /** The supervisor gave up: more than `maxRestarts` restarts in `periodMs`. */
  | "restart_intensity_exceeded";

/** An OTP process ended, or did not answer. */
export type ProcessErrorCode =
  /** It is dead, or no process has the name. */
  | "noproc"
  /** It did not answer, or begin, in time. */
  | "timeout"
  /** A process waits for a reply of its own, which could never come. */
  | "calling_self"
  /** The caller's `signal` was aborted. */
  | "aborted"
  /** It ended, or crashed, instead of answering; `reason` says how. */
  | "exited"
  /** Its start failed; `reason` says why. */
  | "start_failed"
  /** Its init chose not to start. */
  | "ignored";

/** Every code that a {@link SynapseError} can carry. */
export type ErrorCode = CallerErrorCode | RunErrorCode | WorkerErrorCode | ProcessErrorCode;
