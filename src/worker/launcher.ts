/**
 * The border to one OS process, knowing nothing of RPC: a launcher starts a worker, and a worker can be awaited, stopped and killed.
 * One worker is one incarnation of an agent. Failure is a value here ({@link WorkerExit}); the agent turns it into errors.
 */

import type { WorkerExitCause, WorkerLoadFailure } from "../crash.ts";

/** The part of a grace that is kept for cleaning up after runs that had to be cancelled: two fifths of it, 5 seconds at most. */
export function cleanUpShareMs(graceMs: number): number {
  return Math.min((graceMs * 2) / 5, 5_000);
}

/** What a launcher needs to start one worker. All of it is checked by whoever made it. */
export interface WorkerSpec {
  agentId: string;
  /** 1 for the first worker of an agent, then 2, 3, ... */
  incarnation: number;
  /** Absolute path of the Python interpreter. */
  interpreter: string;
  /** "path/to/file.py:agent" or "package.module:agent". */
  entry: string;
  /** How it is started, where a launcher can choose; undefined is "auto". */
  launcher?: "spawn" | "zygote" | "auto";
  /** Working directory of the worker. */
  cwd: string;
  /** The worker's whole environment. */
  env: Readonly<Record<string, string>>;
  /** From spawn to ready; then the worker is killed with cause "start_timeout". */
  startTimeoutMs: number;
  /** How much private memory the worker may reserve, in bytes; undefined: no limit of ours. Only on Linux. */
  memoryLimitBytes?: number | undefined;
  /** Largest request the worker accepts and largest answer it sends, in bytes. */
  maxMessageBytes: number;
  /** Whether tracebacks, and what exceptions of user code say, may leave the worker; default true. */
  tracebacks?: boolean;
  /** Called for every line the worker writes. Must not throw. */
  onLog(record: WorkerLogRecord): void;
  /**
   * Called once when a signal from outside (a service manager's, an out-of-memory daemon's) asks the worker to end. It finishes what it has,
   * refuses new runs unbegun, and waits for `stop`. Must not throw.
   */
  onDraining?(signal: NodeJS.Signals): void;
}

/** One line of the worker's stdout or stderr. JSON log lines arrive parsed, other lines as text. */
export interface WorkerLogRecord {
  stream: "stdout" | "stderr";
  /** A pino level. Plain text on stdout is "info", on stderr "warn". */
  level: "trace" | "debug" | "info" | "warn" | "error" | "fatal";
  message: string;
  /** The other fields of a JSON line; empty for text. */
  fields: Readonly<Record<string, unknown>>;
}

/** What a ready worker said of itself. */
export interface WorkerReady {
  pid: number;
  /** Path of the Unix socket that the worker serves on. */
  socketPath: string;
  /** Hex text of the incarnation's 32-byte token. */
  token: string;
  agentName: string | undefined;
  modelName: string | undefined;
  /** Its agent answers with a text, and nothing else. */
  answersText?: true;
  versions: Readonly<Record<string, string>>;
}

/** What a worker that lives uses, and whether it works. */
export interface WorkerUsage {
  /** Processor time of all its threads since it began, in milliseconds. */
  readonly cpuMs: number;
  /** Whether a signal such as SIGSTOP holds it. */
  readonly stopped: boolean;
  /** Whether a thread of it runs, or waits for a processor: found out when it is read. */
  readonly runnable: boolean;
  /** The most memory that it has had at a time, in bytes. */
  readonly peakMemoryBytes?: number;
}

/** The end of a worker as a value. */
export interface WorkerExit {
  cause: WorkerExitCause;
  pid: number | undefined;
  incarnation: number;
  exitCode: number | undefined;
  signal: NodeJS.Signals | undefined;
  loadFailure: WorkerLoadFailure | undefined;
  /** One sentence for "spawn_failed", "protocol_mismatch" and a worker that was killed because it did not end in time. */
  detail: string | undefined;
  /** The signal from outside that had asked it to end, where there was one. */
  outsideSignal?: NodeJS.Signals;
  /** Of "spawn_failed": the operating system's name for it, such as "EAGAIN". */
  errno?: string | undefined;
  /** Last lines of stderr, oldest first: at most 50 lines and 64 KiB. */
  stderrTail: readonly string[];
  /** Whether it had been ready. */
  wasReady: boolean;
  /** From spawn to exit, in milliseconds. */
  uptimeMs: number;
  /** The most memory that it was seen to have at a time, in bytes; undefined where that cannot be told. */
  peakMemoryBytes?: number | undefined;
  /** What Python's fault handler wrote, as lines of stderr; undefined when the process did not crash in C code. */
  faultTrace?: readonly string[] | undefined;
}

/** One running (or ended) worker process. */
export interface Worker {
  readonly incarnation: number;
  /** Undefined when the process could not be spawned, and of one that is to be forked until it is. */
  readonly pid: number | undefined;
  /** Settles when its `pid` is known, or it is known that there is none. Never rejects. Absent: that is known from the first. */
  readonly spawned?: Promise<void>;
  /** Settles once: ready, or the exit that came first. Never rejects. */
  readonly started: Promise<{ ready: WorkerReady } | { exit: WorkerExit }>;
  /** Resolves when the process is gone and its group is empty. Never rejects. */
  readonly exited: Promise<WorkerExit>;
  /**
   * The files below its working directory that it has imported by now; none when it is gone. Absent where that cannot be asked.
   */
  importedFiles?(): Promise<readonly string[]>;
  /**
   * Removes the socket's directory once the host is connected, so that nothing is left on disk whoever is killed later.
   * Idempotent; the exit does it too.
   */
  releaseSocket(): void;
  /**
   * Asks the worker to end within `graceMs`, then kills its process group. Its runs may finish for `drainMs` of that (default: all of it but the
   * share for cleaning up, {@link cleanUpShareMs}); what still runs then is cancelled and cleans up. Resolves with the exit. Idempotent.
   */
  stop(graceMs: number, drainMs?: number): Promise<WorkerExit>;
  /** SIGKILL to the worker's process group, now. */
  kill(): void;
  /** What it uses at the moment; undefined when it is gone, and where that cannot be told (it can on Linux). */
  usage(): WorkerUsage | undefined;
  /**
   * The Python stacks of its threads, and of its tasks if it can still tell them, as lines; empty when it does not answer within half a second.
   * Never rejects.
   */
  dumpStacks(): Promise<readonly string[]>;
}

/** Starts workers in one way: a fresh interpreter (spawn), or a fork of a warm one (zygote). */
export interface Launcher {
  readonly kind: "spawn" | "zygote";
  /** Never throws: a worker that cannot be spawned is one whose `exited` says "spawn_failed". */
  launch(spec: WorkerSpec): Worker;
  /** Releases what the launcher itself holds. Its workers must have been stopped. */
  close(): Promise<void>;
}
