/**
 * The logger of a system that is given none: pino's lines, from level "warn" up, on stderr. It is not pino itself, which cannot be bundled into
 * an ES module ("Dynamic require of …") and resolves files of its own at run time: whoever wants more of it hands a pino logger over.
 */

import { hostname } from "node:os";
import { describeValue } from "./describe-value.ts";
import type { LogLevel, SystemLogger } from "./logger.ts";
import { writeToStderr } from "./stderr.ts";

/** pino's numbers. */
const numberOf: Readonly<Record<LogLevel, number>> = { trace: 10, debug: 20, info: 30, warn: 40, error: 50, fatal: 60 };

/**
 * Creates the logger.
 * @param name of the system
 * @param write takes each line, with its end; default: stderr
 */
export function createDefaultLogger(name: string, write: (line: string) => void = writeToStderr): SystemLogger {
  return createLogger({ pid: process.pid, hostname: hostname(), name }, write);
}

function createLogger(base: Record<string, unknown>, write: (line: string) => void): SystemLogger {
  const silent = (): void => undefined;
  const at =
    (level: LogLevel): SystemLogger[LogLevel] =>
    (facts, message) =>
      write(`${format({ level: numberOf[level], time: Date.now(), ...base, ...facts, msg: message })}\n`);
  return {
    trace: silent,
    debug: silent,
    info: silent,
    warn: at("warn"),
    error: at("error"),
    fatal: at("fatal"),
    child: (facts) => createLogger({ ...base, ...facts }, write),
  };
}

/** JSON in any case: a value that cannot be written is described. */
function format(line: Record<string, unknown>): string {
  try {
    return JSON.stringify(line, showErrors);
  } catch {
    return JSON.stringify(Object.fromEntries(Object.entries(line).map(([key, value]) => [key, writable(value)])));
  }
}

function writable(value: unknown): unknown {
  try {
    JSON.stringify(value, showErrors);
    return value;
  } catch {
    return describeValue(value);
  }
}

/**
 * An error has little that JSON would show; here its type, message and stack, its facts, and its cause, which is shown alike. `value` is what the
 * error makes of itself, where it does.
 */
function showErrors(this: unknown, key: string, value: unknown): unknown {
  const error = (this as Readonly<Record<string, unknown>>)[key];
  if (!(error instanceof Error)) return value;
  const { name: type, message, stack, cause } = error;
  const { name: _name, ...facts } = { ...(value as object) } as { name?: unknown };
  return { ...facts, type, message, stack, ...(cause === undefined ? {} : { cause }) };
}
