/** The border of a system to its logger: nothing that a logger does comes through, and nothing that a worker writes passes for the host's. */

import type { LogLevel, SystemLogger } from "../logger.ts";
import type { WorkerLogRecord } from "../worker/launcher.ts";

const levels = ["trace", "debug", "info", "warn", "error", "fatal"] as const satisfies LogLevel[];

type Write = SystemLogger[LogLevel];

/** Whether a value is called as a logger is. */
export function isLogger(value: unknown): value is SystemLogger {
  if (typeof value !== "object" || value === null) return false;
  return [...levels, "child"].every((name) => typeof (value as Record<string, unknown>)[name] === "function");
}

/**
 * A logger that never throws. What is lost when the given one throws is told once, as a process warning; whoever logs is in the middle of something
 * else.
 */
export function guardLogger(logger: SystemLogger): SystemLogger {
  let warned = false;
  const warnOnce = (error: unknown): void => {
    if (warned) return;
    warned = true;
    const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
    process.emitWarning(`the logger of a system threw; its other throws stay unreported: ${text}`, "SynapseWarning");
  };
  const guard = (inner: SystemLogger): SystemLogger & { bindings(): object } => {
    const write =
      (level: LogLevel): Write =>
      (fields, message) => {
        try {
          inner[level](fields, message);
        } catch (error) {
          warnOnce(error);
        }
      };
    return {
      trace: write("trace"),
      debug: write("debug"),
      info: write("info"),
      warn: write("warn"),
      error: write("error"),
      fatal: write("fatal"),
      bindings: () => Object.fromEntries([...boundFields(inner)].map((name) => [name, undefined])),
      child(fields) {
        try {
          return guard(inner.child(fields));
        } catch (error) {
          warnOnce(error);
          return guard(inner);
        }
      },
    };
  };
  return guard(logger);
}

/** What every line of the host says of itself, under pino's names and those that loggers are often set to. */
const hostFields = new Set([
  "level",
  "time",
  "pid",
  "hostname",
  "name",
  "msg",
  "message",
  "timestamp",
  "agent",
  "stream",
]);

/**
 * Writes a line of a worker. Its own fields stay beside the host's; those of the same name are the worker's by a prefix: `worker_pid`.
 * @param own further names of the host: the fields of its logger
 */
export function logWorkerLine(
  logger: SystemLogger,
  { level, stream, message, fields }: WorkerLogRecord,
  own: ReadonlySet<string> = new Set(),
): void {
  const line: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(fields)) {
    // The worker's own words for what the host's logger says already.
    if (name === "agent_id" || name === "incarnation") continue;
    line[hostFields.has(name) || own.has(name) ? `worker_${name}` : name] = value;
  }
  logger[level]({ ...line, stream }, message);
}

/** The names of the fields that a logger adds to its lines, as far as it tells (pino's does). Never throws. */
export function boundFields(logger: SystemLogger): ReadonlySet<string> {
  try {
    const { bindings } = logger as { bindings?: () => Record<string, unknown> };
    return new Set(typeof bindings === "function" ? Object.keys(bindings.call(logger)) : []);
  } catch {
    return new Set();
  }
}
