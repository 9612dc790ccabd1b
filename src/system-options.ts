/** What a system is told, and its checks. */

import { accessSync, constants, statSync } from "node:fs";
import { resolve } from "node:path";
import { isLogger } from "./agent/guarded-logger.ts";
import { type KeepOptions, normalizeRunLimits } from "./agent/run-limits.ts";
import { checkKnownFields, invalidArgument } from "./errors.ts";
import { isSystemInspector, type SystemInspector } from "./inspect/inspected-system.ts";
import type { Inspector } from "./inspect/observer.ts";
import type { SystemLogger } from "./logger.ts";
import type { AnyRestartPolicy } from "./otp/policy/restart-policy.ts";
import { longestTimerMs } from "./otp/scheduler/clock.ts";
import type { ChildSpec } from "./otp/supervisor/child-spec.ts";
import type { Strategy } from "./otp/supervisor/spec.ts";
import { checkVariables } from "./python/environment.ts";

/** Options of `startSystem`. */
export interface SystemOptions {
  /** Name of the root supervisor; default "system". */
  readonly name?: string | undefined;
  /** Default "one_for_one". */
  readonly strategy?: Strategy | undefined;
  /** Restarts that the root allows within `periodMs`; default 3. With many agents, raise it or give each its own supervisor. */
  readonly maxRestarts?: number | undefined;
  /** Default 5,000 ms. */
  readonly periodMs?: number | undefined;
  /** Started in this order, stopped in reverse: agents, supervisors, any XState logic. */
  readonly children?: readonly ChildSpec[] | undefined;
  /**
   * Takes reports and the workers' log lines: pino's, or any that is called alike, such as Fastify's. What it throws is a process warning, once.
   * Default: lines as pino's on stderr, from level "warn" up; it never waits for who reads stderr.
   */
  readonly logger?: SystemLogger | undefined;
  /**
   * Who looks on, one or a list: inspectors of "synapse-otp/inspect", and observers that see every actor, event and snapshot of the tree, such as the
   * `inspect` of XState's tools. None of them can slow the system down or harm it.
   */
  readonly inspect?: Inspector | SystemInspector | readonly (Inspector | SystemInspector)[] | undefined;
  /** Asked at the root before restart types and intensity: they answer where it passes. */
  readonly policy?: AnyRestartPolicy | undefined;
  /**
   * Stops the system in order at the first SIGTERM or SIGINT, so that the host can end with the conventional code (143, 130); a second one kills it
   * at once, and the host with it. Default false: signals are the host's own business.
   */
  readonly handleSignals?: boolean | undefined;
  /** How many crash records `system.crashes()` keeps, of all agents together; default 100. */
  readonly maxCrashes?: number | undefined;
  /**
   * Whether the program `synapse-otp` may ask this system how it is, show it in the viewer, and restart, stop or kill an agent: over a Unix socket in a directory that only this user
   * can enter. Default false.
   */
  readonly control?: boolean | undefined;
  /** What is kept of the runs that `agent.start` begins, and how long. */
  readonly runs?: KeepOptions | undefined;
  readonly python?: PythonOptions | undefined;
}

/** Where Python and the agents' code are. */
export interface PythonOptions {
  /**
   * The interpreter: a path, or a name on PATH. Default: the environment variable PYTHON_EXEC, then the virtual environment of the project
   * (`python/.venv`, `.venv`), then the active one (`VIRTUAL_ENV`, `CONDA_PREFIX`), then the one beside this package, then PATH.
   */
  readonly interpreter?: string | undefined;
  /** Working directory of the workers, where relative entries start; it must exist. Default: the host's. */
  readonly cwd?: string | undefined;
  /** Added to the environment of every worker. */
  readonly env?: Readonly<Record<string, string>> | undefined;
  /** Modules that a zygote imports before it forks workers, beside pydantic-ai and grpc. Default: none. */
  readonly preload?: readonly string[] | undefined;
  /** Largest request and answer in bytes, on both ends; default 64 MiB. */
  readonly maxMessageBytes?: number | undefined;
  /**
   * Whether Python's tracebacks, and what exceptions of the agents' own code say, leave the workers: into errors, crash records, reports and logs.
   * Default: true, and false where NODE_ENV is "production".
   */
  readonly tracebacks?: boolean | undefined;
}

/** How a system is stopped. */
export interface StopOptions {
  /**
   * When this passes, everything that still runs is killed; agents know it and cancel their runs in time. Milliseconds; default: as long as the
   * children's own `shutdownMs` take.
   */
  readonly timeoutMs?: number | undefined;
}

const knownOptions = new Set([
  "name",
  "strategy",
  "maxRestarts",
  "periodMs",
  "children",
  "logger",
  "inspect",
  "policy",
  "handleSignals",
  "maxCrashes",
  "control",
  "runs",
  "python",
]);
/** A record may hold some 100 KiB of stacks and lines. */
const mostCrashes = 100_000;
const knownStop: ReadonlySet<string> = new Set(["timeoutMs"] satisfies (keyof StopOptions)[]);
const knownPython = new Set(["interpreter", "cwd", "env", "preload", "maxMessageBytes", "tracebacks"]);

/**
 * Checks the options that the system itself uses; the root supervisor checks its own.
 * @throws CallerError "invalid_argument" naming the field, the value and the rule
 */
export function checkSystemOptions(options: SystemOptions): void {
  if (typeof options !== "object" || options === null) throw invalidArgument("options", options, "an object");
  checkKnownFields("options", options, knownOptions);
  const { name, logger, inspect, handleSignals, maxCrashes, control, python } = options;
  if (name !== undefined && (typeof name !== "string" || name === "")) {
    throw invalidArgument("options.name", name, "a non-empty string");
  }
  if (logger !== undefined && !isLogger(logger)) {
    throw invalidArgument("options.logger", logger, "a logger with pino's levels and child()");
  }
  if (Array.isArray(inspect)) {
    for (const [index, one] of inspect.entries()) checkInspector(`options.inspect[${index}]`, one);
  } else if (inspect !== undefined) checkInspector("options.inspect", inspect);
  if (handleSignals !== undefined && typeof handleSignals !== "boolean") {
    throw invalidArgument("options.handleSignals", handleSignals, "true or false");
  }
  if (control !== undefined && typeof control !== "boolean") {
    throw invalidArgument("options.control", control, "true or false");
  }
  if (maxCrashes !== undefined && !(Number.isInteger(maxCrashes) && maxCrashes >= 0 && maxCrashes <= mostCrashes)) {
    throw invalidArgument("options.maxCrashes", maxCrashes, "an integer from 0 to 100,000");
  }
  normalizeRunLimits("options.runs", options.runs);
  if (python === undefined) return;
  if (typeof python !== "object" || python === null) throw invalidArgument("options.python", python, "an object");
  checkKnownFields("options.python", python, knownPython);
  for (const field of ["interpreter", "cwd"] as const) {
    const value = python[field];
    if (value !== undefined && (typeof value !== "string" || !/^[^\0]+$/.test(value))) {
      throw invalidArgument(`options.python.${field}`, value, "a non-empty string without NUL characters");
    }
  }
  if (python.cwd !== undefined) workingDirectory(python.cwd);
  if (python.env !== undefined) checkVariables("options.python.env", python.env);
  checkPreload(python.preload);
  const { maxMessageBytes, tracebacks } = python;
  if (tracebacks !== undefined && typeof tracebacks !== "boolean") {
    throw invalidArgument("options.python.tracebacks", tracebacks, "true or false");
  }
  if (
    maxMessageBytes !== undefined &&
    !(Number.isInteger(maxMessageBytes) && maxMessageBytes >= 1_024 && maxMessageBytes <= 0x7fff_ffff)
  ) {
    throw invalidArgument(
      "options.python.maxMessageBytes",
      maxMessageBytes,
      "an integer from 1,024 to 2,147,483,647 bytes",
    );
  }
}

/** @throws CallerError "invalid_argument" */
export function checkStopOptions(options: StopOptions): StopOptions {
  if (typeof options !== "object" || options === null) throw invalidArgument("options", options, "an object");
  checkKnownFields("options", options, knownStop);
  const { timeoutMs } = options;
  if (timeoutMs === undefined) return options;
  if (Number.isInteger(timeoutMs) && timeoutMs >= 0 && timeoutMs <= longestTimerMs) return options;
  throw invalidArgument("options.timeoutMs", timeoutMs, "an integer from 0 to 2,147,483,647 milliseconds");
}

/** @throws CallerError "invalid_argument" */
export function checkInspector(field: string, inspector: unknown): void {
  if (typeof inspector === "function" || isSystemInspector(inspector)) return;
  const next = typeof inspector === "object" && inspector !== null && "next" in inspector ? inspector.next : undefined;
  if (typeof next !== "function") {
    throw invalidArgument(
      field,
      inspector,
      "a function, an observer with next(), or an inspector with attach() and detach()",
    );
  }
}

function checkPreload(preload: unknown): void {
  const field = "options.python.preload";
  if (preload === undefined) return;
  if (!Array.isArray(preload)) throw invalidArgument(field, preload, "a list of module names");
  for (const [index, name] of preload.entries()) {
    const isName = typeof name === "string" && /^[\p{L}_][\p{L}\p{N}_]*(\.[\p{L}_][\p{L}\p{N}_]*)*$/u.test(name);
    if (!isName) throw invalidArgument(`${field}[${index}]`, name, 'a module name such as "openai" or "my.tools"');
  }
}

/**
 * The working directory of the workers, absolute. Looked at before anything starts: of a process that could not be started in it the system
 * would only say ENOENT, as if the interpreter were missing.
 * @throws CallerError "invalid_argument" when it is no directory that may be entered
 */
export function workingDirectory(given: string | undefined): string {
  const field = "options.python.cwd";
  let directory: string;
  try {
    directory = resolve(given ?? process.cwd());
  } catch (cause) {
    throw invalidArgument(field, given, "given, because this process's directory is gone", cause);
  }
  let rule = "a directory";
  try {
    if (statSync(directory).isDirectory()) {
      rule = "a directory that may be entered";
      accessSync(directory, constants.X_OK);
      return directory;
    }
  } catch (cause) {
    throw invalidArgument(field, directory, `${rule}: ${(cause as Error).message}`, cause);
  }
  throw invalidArgument(field, directory, rule);
}
