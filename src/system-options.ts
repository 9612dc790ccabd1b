/** What a system is told, and its checks. */

import type { Logger } from "pino";
import { invalidArgument } from "./errors.ts";
import type { Inspector } from "./inspect/observer.ts";
import type { ChildSpec } from "./otp/supervisor/child-spec.ts";
import type { RestartPolicy } from "./otp/supervisor/restart-policy.ts";
import type { Strategy } from "./otp/supervisor/spec.ts";

/** Options of `startSystem`. */
export interface SystemOptions {
  /** Name of the root supervisor; default "system". */
  readonly name?: string;
  /** Default "one_for_one". */
  readonly strategy?: Strategy;
  /** Restarts that the root allows within `periodMs`; default 3. With many agents, raise it or give each its own supervisor. */
  readonly maxRestarts?: number;
  /** Default 5,000 ms. */
  readonly periodMs?: number;
  /** Started in this order, stopped in reverse: agents, supervisors, any XState logic. */
  readonly children?: readonly ChildSpec[];
  /** Takes reports and the workers' log lines; default: pino on stderr, from level "warn" up. */
  readonly logger?: Logger;
  /** Sees every actor, event and snapshot of the tree: an XState inspection observer, such as @statelyai/inspect's `inspect`. */
  readonly inspect?: Inspector;
  /** Replaces restart types and intensity at the root. */
  readonly policy?: RestartPolicy;
  /**
   * Stops the system in order at the first SIGTERM or SIGINT, so that the host can end with the conventional code (143, 130); a second one kills it
   * at once, and the host with it. Default false: signals are the host's own business.
   */
  readonly handleSignals?: boolean;
  readonly python?: PythonOptions;
}

/** Where Python and the agents' code are. */
export interface PythonOptions {
  /**
   * The interpreter: a path, or a name on PATH. Default: the environment variable PYTHON_EXEC, then the virtual environment of the project
   * (`python/.venv`, `.venv`), then the active one, then the one beside this package.
   */
  readonly interpreter?: string;
  /** Working directory of the workers, where relative entries start; default: the host's. */
  readonly cwd?: string;
  /** Added to the environment of every worker. */
  readonly env?: Readonly<Record<string, string>>;
  /** Largest request and answer in bytes, on both ends; default 64 MiB. */
  readonly maxMessageBytes?: number;
}

/** How a system is stopped. */
export interface StopOptions {
  /**
   * When this passes, everything that still runs is killed; agents know it and cancel their runs in time. Milliseconds; default: as long as the
   * children's own `shutdownMs` take.
   */
  readonly timeoutMs?: number;
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
  "python",
]);
const knownPython = new Set(["interpreter", "cwd", "env", "maxMessageBytes"]);

/**
 * Checks the options that the system itself uses; the root supervisor checks its own.
 * @throws CallerError "invalid_argument" naming the field, the value and the rule
 */
export function checkSystemOptions(options: SystemOptions): void {
  if (typeof options !== "object" || options === null) throw invalidArgument("options", options, "an object");
  checkKnown("options", options, knownOptions);
  const { name, logger, inspect, handleSignals, python } = options;
  if (name !== undefined && (typeof name !== "string" || name === "")) {
    throw invalidArgument("options.name", name, "a non-empty string");
  }
  if (logger !== undefined && typeof logger?.child !== "function") {
    throw invalidArgument("options.logger", logger, "a pino logger");
  }
  if (inspect !== undefined && typeof inspect !== "function" && typeof inspect?.next !== "function") {
    throw invalidArgument("options.inspect", inspect, "a function or an observer with next()");
  }
  if (handleSignals !== undefined && typeof handleSignals !== "boolean") {
    throw invalidArgument("options.handleSignals", handleSignals, "true or false");
  }
  if (python === undefined) return;
  if (typeof python !== "object" || python === null) throw invalidArgument("options.python", python, "an object");
  checkKnown("options.python", python, knownPython);
  for (const field of ["interpreter", "cwd"] as const) {
    const value = python[field];
    if (value !== undefined && (typeof value !== "string" || value === "")) {
      throw invalidArgument(`options.python.${field}`, value, "a non-empty string");
    }
  }
  for (const [variable, value] of Object.entries(python.env ?? {})) {
    if (typeof value !== "string") throw invalidArgument(`options.python.env.${variable}`, value, "a string");
  }
  const { maxMessageBytes } = python;
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

function checkKnown(field: string, value: object, known: ReadonlySet<string>): void {
  for (const key of Object.keys(value)) {
    if (known.has(key)) continue;
    throw invalidArgument(`${field}.${key}`, value[key as keyof typeof value], `one of ${[...known].join(", ")}`);
  }
}
