/** What a system writes to: the part of a pino logger that is used. This file imports nothing: every room may import it. */

/** pino's levels, lowest first. */
export type LogLevel = "trace" | "debug" | "info" | "warn" | "error" | "fatal";

/** A pino logger is one. Each level takes facts and a sentence. */
export interface SystemLogger extends Record<LogLevel, (facts: object, message: string) => void> {
  /** A logger whose every line has these facts, too. */
  child(facts: Record<string, unknown>): SystemLogger;
}

const nothing = (): void => undefined;

/** A logger of nothing. */
export const silentLogger: SystemLogger = {
  trace: nothing,
  debug: nothing,
  info: nothing,
  warn: nothing,
  error: nothing,
  fatal: nothing,
  child: () => silentLogger,
};
