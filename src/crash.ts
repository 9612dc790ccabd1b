/**
 * A crash as a value: the same object is in the log, the report, the inspector and the rejected promise (decision D10). This file imports
 * nothing, so that the worker's border, the errors and the agent speak of a worker's end in the same words.
 */

/** Why a worker could not serve its agent, with Python's own words. */
export interface WorkerLoadFailure {
  kind:
    | "import_failed"
    | "module_missing"
    | "module_failed"
    | "attribute_missing"
    | "not_an_agent"
    | "warmup_failed"
    | "serve_failed";
  message: string;
  /** Whether the next start may succeed without anybody's doing. */
  retriable: boolean;
  pythonType: string | undefined;
  traceback: string | undefined;
}

/**
 * What ended a worker.
 * - "exited": it ended by itself with an exit code
 * - "signaled": a signal that we did not send ended it
 * - "zygote_lost": the process that had forked it ended, and it with that one; without a `pid` those that were to fork it ended first, one after the other
 * - "out_of_memory": memory was short: the kernel killed it, or it could get no more and ended
 * - "stopped": it ended after `stop()`, in time
 * - "killed": we killed it, after the grace of `stop()` or by `kill()`
 * - "start_timeout": it was not ready in time and was killed
 * - "load_failed": it told why it could not load its agent and ended
 * - "protocol_mismatch": it spoke another protocol version, or no protocol at all, and was killed
 * - "spawn_failed": the operating system could not start it
 */
export type WorkerExitCause =
  | "exited"
  | "signaled"
  | "zygote_lost"
  | "out_of_memory"
  | "stopped"
  | "killed"
  | "start_timeout"
  | "load_failed"
  | "protocol_mismatch"
  | "spawn_failed";

/** How a worker ended and what was known then. */
export interface CrashRecord {
  agentId: string;
  incarnation: number;
  /** Milliseconds since the Unix epoch. */
  atMs: number;
  /** One sentence: who, how, after how long. */
  describe: string;
  /**
   * The worker's own cause, or what it was killed for: "connection_lost" (the process lived but could not be reached), "hung" (its event loop had not
   * answered for `hungAfterMs`, and it did not work), "contract_mismatch" (its agent is not what the definition expects); or "retired": another worker had
   * taken its place, and it ended in time.
   */
  cause: WorkerExitCause | "connection_lost" | "hung" | "contract_mismatch" | "retired";
  pid?: number;
  exitCode?: number;
  signal?: NodeJS.Signals;
  loadFailure?: WorkerLoadFailure;
  detail?: string;
  /** Of "contract_mismatch": a sentence for each field. */
  contractFaults?: readonly string[];
  /** Of "spawn_failed": the operating system's name for it, such as "EAGAIN". */
  errno?: string;
  /**
   * How many starts in a row have failed, this one included, where the next one may succeed: the policy answers with a pause. Absent for every
   * other end.
   */
  failedStarts?: number;
  /**
   * Ids of runs that this and the worker before died with, which are set aside: the end is theirs, and does not count for the policy. Absent when there is
   * none.
   */
  poisonRuns?: readonly string[];
  /** Last lines of stderr, oldest first. */
  stderrTail: readonly string[];
  /** Of a worker that hung: the stacks of its threads and tasks before it was killed, as lines. */
  stackDump?: readonly string[];
  /** What Python's fault handler wrote when the process crashed in C code, as lines of stderr. */
  faultTrace?: readonly string[];
  /** The most memory that the worker was seen to have at a time, in bytes. */
  peakMemoryBytes?: number;
  /** Whether the worker had been ready. */
  wasReady: boolean;
  /** From spawn to exit, in milliseconds. */
  uptimeMs: number;
  /** Ids of the runs it held. */
  runsInFlight: readonly string[];
  /**
   * What those runs were, in the same order: equal for runs of this agent with the same prompt and options, so that a run that ends its workers can be told. Hashes,
   * which do not tell what was asked.
   */
  runFingerprints: readonly string[];
  /** Types of the last events of the agent's machine, oldest first. */
  lastEvents: readonly string[];
  /**
   * What the supervisor's policy decided and why; absent until it has. It is the OTP core's `RestartDecision`, spelled out because this file
   * imports nothing; a type test keeps the two equal.
   */
  decision?:
    | { type: "restart"; delayMs: number; because: string }
    | { type: "leave"; because: string }
    | { type: "give_up"; because: string };
}
