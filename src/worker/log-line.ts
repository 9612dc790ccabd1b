/** One line of a worker's output as a log record: JSON log lines by their own level, any other line as text. */

import type { WorkerLogRecord } from "./launcher.ts";

type Level = WorkerLogRecord["level"];

/** Names that Python's logging, structlog and pino give to levels, in lower case. */
const levelOfName: Readonly<Record<string, Level>> = {
  trace: "trace",
  notset: "trace",
  debug: "debug",
  info: "info",
  notice: "info",
  warn: "warn",
  warning: "warn",
  error: "error",
  exception: "error",
  critical: "fatal",
  fatal: "fatal",
};

const levelKeys = ["level", "levelname", "severity"] as const;
const messageKeys = ["msg", "message", "event"] as const;

/**
 * Reads a line. A JSON object with a text in `msg`, `message` or `event` is a log line: its level is taken from `level`, `levelname` or
 * `severity` (a name, or pino's numbers 10 to 60), its other members become `fields`. Every other line is text: "info" on stdout, "warn"
 * on stderr. Never throws.
 */
export function readLogLine(stream: WorkerLogRecord["stream"], line: string): WorkerLogRecord {
  const level: Level = stream === "stdout" ? "info" : "warn";
  const entry = parseObject(line);
  const messageKey = entry && messageKeys.find((key) => typeof entry[key] === "string");
  if (entry === undefined || messageKey === undefined) return { stream, level, message: line, fields: {} };

  const levelKey = levelKeys.find((key) => levelOf(entry[key]) !== undefined);
  const fields: Record<string, unknown> = {};
  for (const [key, value] of Object.entries(entry)) {
    if (key !== messageKey && key !== levelKey && key !== "__proto__") fields[key] = value;
  }
  return {
    stream,
    level: (levelKey && levelOf(entry[levelKey])) ?? level,
    message: String(entry[messageKey]),
    fields,
  };
}

function parseObject(line: string): Record<string, unknown> | undefined {
  if (!line.startsWith("{")) return undefined;
  try {
    const value: unknown = JSON.parse(line);
    return typeof value === "object" && value !== null ? (value as Record<string, unknown>) : undefined;
  } catch {
    return undefined; // Text that happens to begin with a brace.
  }
}

function levelOf(value: unknown): Level | undefined {
  if (typeof value === "string") {
    const name = value.toLowerCase();
    return Object.hasOwn(levelOfName, name) ? levelOfName[name] : undefined;
  }
  if (typeof value !== "number") return undefined;
  if (value >= 60) return "fatal";
  if (value >= 50) return "error";
  if (value >= 40) return "warn";
  if (value >= 30) return "info";
  return value >= 20 ? "debug" : "trace";
}
