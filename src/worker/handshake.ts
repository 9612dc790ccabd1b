/**
 * The words of the control channel (fd 3): one JSON object a line, in both directions. What a worker says is checked here, once.
 *
 * Two versions are checked. `framework` counts changes of these lines, `contract` changes of the gRPC service.
 */

import type { WorkerLoadFailure } from "../crash.ts";
import { describeValue } from "../describe-value.ts";
import type { WorkerReady, WorkerSpec } from "./launcher.ts";

/** Version of the control lines that this host speaks. */
export const frameworkVersion = 1;
/** Version of the gRPC contract that this host speaks. */
export const contractVersion = 1;

const loadFailureKinds: readonly string[] = [
  "import_failed",
  "module_missing",
  "module_failed",
  "attribute_missing",
  "not_an_agent",
  "warmup_failed",
  "serve_failed",
] satisfies WorkerLoadFailure["kind"][];

/** What the host tells a worker before anything else. The token travels here and nowhere else. */
export interface HostHello {
  agentId: string;
  incarnation: number;
  socketPath: string;
  /** Hex text of 32 random bytes. */
  token: string;
  hostPid: number;
  maxMessageBytes: number;
  logLevel: "debug" | "info" | "warn" | "error";
  /** When a worker that is not ready is killed, from its spawn: shortly before, it writes down where it hangs. */
  startTimeoutMs: number;
  /** Absent: no limit. */
  memoryLimitBytes?: number;
  tracebacks: boolean;
}

/** What this host tells a worker of `spec`. */
export function hostHello(spec: WorkerSpec, own: { socketPath: string; token: string }): HostHello {
  const { agentId, incarnation, maxMessageBytes, startTimeoutMs, memoryLimitBytes, tracebacks = true } = spec;
  const limit = memoryLimitBytes === undefined ? {} : { memoryLimitBytes };
  const limits = { maxMessageBytes, startTimeoutMs, tracebacks, ...limit };
  return { agentId, incarnation, ...own, hostPid: process.pid, logLevel: "info", ...limits };
}

/** The host's first line. */
export function helloLine(hello: HostHello): string {
  return line({ type: "hello", framework: frameworkVersion, contract: contractVersion, ...hello });
}

/**
 * The line that asks a worker to end within `graceMs` with exit code 0: its runs may finish for `drainMs` of it (unless told, all but the worker's
 * own share for cleaning up), then they are cancelled, and the rest is for cleaning up.
 */
export function shutdownLine(graceMs: number, drainMs?: number): string {
  const count = (ms: number) => Math.min(Math.round(ms), Number.MAX_SAFE_INTEGER);
  return line({
    type: "shutdown",
    graceMs: count(graceMs),
    ...(drainMs === undefined ? {} : { drainMs: count(drainMs) }),
  });
}

/** The answer to a worker that is draining: it may finish its runs, and waits to be told to end. */
export function drainLine(): string {
  return line({ type: "drain" });
}

/** The line that asks a worker which files it has imported. */
export function importsLine(): string {
  return line({ type: "imports" });
}

/** The line that asks a worker for its tasks, and for its threads beside the main one: where each of them stands. */
export function tasksLine(): string {
  return line({ type: "tasks" });
}

function line(message: Record<string, unknown>): string {
  return `${JSON.stringify(message)}\n`;
}

/** What a line of the worker turned out to be. "mismatch" is a line that nobody who speaks this protocol would write. */
export type WorkerMessage =
  | { type: "hello"; python: string }
  /** `dumpsStacks`: at SIGUSR1 it writes the stack of its main thread to stderr and lives on. */
  | { type: "ready"; ready: WorkerReady; dumpsStacks?: true }
  /** A signal that the host has not sent asks it to end; it refuses new runs and waits for the host's word. */
  | { type: "draining"; signal: NodeJS.Signals }
  /** What it does now, on its way out. */
  | { type: "phase"; phase: string }
  /** It will not end in time. */
  | { type: "overdue"; heldBy: readonly string[] }
  /** The files below its working directory that it has imported, as it was asked. */
  | { type: "imports"; files: readonly string[] }
  /** Where each of its threads and tasks stands, because it was asked. */
  | { type: "tasks"; tasks: readonly string[] }
  | { type: "failed"; failure: WorkerLoadFailure }
  | { type: "other"; name: string }
  | { type: "mismatch"; detail: string };

/** What the host knows of the worker and a line must agree with. */
export interface ExpectedWorker {
  pid: number;
  socketPath: string;
  token: string;
}

/** Reads one line of the worker. Never throws. Unknown types and unknown members are tolerated, so that a newer worker can say more. */
export function readWorkerLine(text: string, expected: ExpectedWorker): WorkerMessage {
  let message: unknown;
  try {
    message = JSON.parse(text);
  } catch {
    return mismatch(`it wrote a line that is not JSON to its control channel: ${describeValue(text)}`);
  }
  if (!isObject(message) || typeof message.type !== "string") {
    return mismatch(`it wrote a line without a type to its control channel: ${describeValue(text)}`);
  }
  switch (message.type) {
    case "hello":
      return readHello(message, expected);
    case "ready":
      return readReady(message, expected);
    case "failed":
      return readFailed(message, text);
    case "draining":
      return { type: "draining", signal: message.signal === "SIGINT" ? "SIGINT" : "SIGTERM" };
    case "phase":
      return { type: "phase", phase: textOf(message.phase) ?? "unknown" };
    case "imports":
      return { type: "imports", files: textsOf(message.files) };
    case "overdue":
      return { type: "overdue", heldBy: textsOf(message.heldBy) };
    case "tasks":
      return { type: "tasks", tasks: textsOf(message.tasks) };
    default:
      return { type: "other", name: message.type };
  }
}

function readHello(message: Record<string, unknown>, { pid }: ExpectedWorker): WorkerMessage {
  if (message.framework !== frameworkVersion) return wrongVersion("framework", message.framework, frameworkVersion);
  if (message.pid !== pid) {
    return mismatch(
      `process ${describeValue(message.pid)} answered, but process ${pid} was started: the interpreter is a wrapper that does not exec; give the path of the interpreter itself`,
    );
  }
  if (message.pgid !== pid) {
    return mismatch(
      `its process group is ${describeValue(message.pgid)}, not ${pid}, so it could not be killed as one`,
    );
  }
  return { type: "hello", python: textOf(message.python) ?? "unknown" };
}

function readReady(message: Record<string, unknown>, { pid, socketPath, token }: ExpectedWorker): WorkerMessage {
  if (message.framework !== frameworkVersion) return wrongVersion("framework", message.framework, frameworkVersion);
  if (message.contract !== contractVersion) return wrongVersion("contract", message.contract, contractVersion);
  if (message.pid !== pid) {
    return mismatch(`process ${describeValue(message.pid)} says it is ready, but process ${pid} was started`);
  }
  if (message.socketPath !== socketPath) {
    return mismatch(`it serves on ${describeValue(message.socketPath)} instead of ${describeValue(socketPath)}`);
  }
  const versions: Record<string, string> = {};
  if (isObject(message.versions)) {
    for (const [name, version] of Object.entries(message.versions)) {
      if (typeof version === "string") versions[name] = version;
    }
  }
  return {
    type: "ready",
    ...(message.stacks === "SIGUSR1" ? { dumpsStacks: true } : {}),
    ready: {
      pid,
      socketPath,
      token,
      agentName: textOf(message.agentName),
      modelName: textOf(message.modelName),
      ...(message.answersText === true ? { answersText: true } : {}),
      versions,
    },
  };
}

function readFailed(message: Record<string, unknown>, text: string): WorkerMessage {
  const error = isObject(message.error) ? message.error : {};
  const words = textOf(error.message) ?? "it gave no reason";
  if (error.kind === "protocol_mismatch") return mismatch(`it refused this host: ${words}`);
  if (typeof error.kind !== "string" || !loadFailureKinds.includes(error.kind)) {
    return mismatch(`it failed in a way that this host does not know: ${describeValue(text)}`);
  }
  return {
    type: "failed",
    failure: {
      kind: error.kind as WorkerLoadFailure["kind"],
      message: words,
      retriable: error.retriable === true,
      pythonType: textOf(error.pythonType),
      traceback: textOf(error.traceback),
    },
  };
}

function wrongVersion(what: "framework" | "contract", theirs: unknown, ours: number): WorkerMessage {
  return mismatch(
    `it speaks ${what} version ${describeValue(theirs)}, this host speaks ${ours}: install the Python package that belongs to this synapse-otp: npx synapse-otp setup`,
  );
}

function mismatch(detail: string): WorkerMessage {
  return { type: "mismatch", detail };
}

function textOf(value: unknown): string | undefined {
  return typeof value === "string" ? value : undefined;
}

function textsOf(value: unknown): readonly string[] {
  return Array.isArray(value) ? value.filter((item) => typeof item === "string") : [];
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
