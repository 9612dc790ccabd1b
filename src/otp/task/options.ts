/** What tasks are told, and what is checked of it. */

import { CallerError, invalidArgument } from "../../errors.ts";
import { checkObject } from "../process/argument.ts";
import type { Runtime } from "../process/process.ts";
import type { Shutdown } from "../report/supervisor-report.ts";
import { checkTimeout, type Patience, patienceMs } from "../request/timeout.ts";
import type { StartChildSpec } from "../supervisor/child-spec.ts";

/** Options of a task. */
export interface TaskOptions {
  /** What reports call it; default: "task" and the name of its code. */
  readonly label?: string;
  /** Default: the runtime of the process that starts it, or the default one. */
  readonly runtime?: Runtime;
}

/** How long to wait; 0 ms looks at what is there. `timeoutMs` is 5,000 by default. */
export type AwaitOptions = Patience;

/** How long to wait for several tasks. */
export interface YieldManyOptions extends AwaitOptions {
  /** How many outcomes are enough; an integer of 1 or more. Default: all. */
  readonly limit?: number;
  /** What becomes of tasks without an outcome: they stay as they are, are ignored, or killed. Default "nothing". */
  readonly onTimeout?: "nothing" | "ignore" | "kill_task";
}

/** How long a task may take for its end. */
export interface TaskShutdownOptions {
  /** Default 5,000. */
  readonly shutdownMs?: Shutdown;
}

/** A task as a child of a supervisor. */
export type TaskChildOptions = TaskOptions & Partial<Omit<StartChildSpec, "start" | "type">>;

/** How many tasks of a stream run at a time, how long each may take, and what its outcomes look like. */
export interface AsyncStreamOptions {
  /** Items at a time, from when one is read until its outcome is handed out; an integer of 1 or more. Default 8. */
  readonly maxConcurrency?: number;
  /** Outcomes in the order of the items, or as they come. Default true: outcomes behind a slow one wait in their places. */
  readonly ordered?: boolean;
  /** Milliseconds for each task; default 5,000. */
  readonly timeoutMs?: number | "infinity";
  /** A task that takes longer ends the stream with ProcessError "timeout", or is killed and has the outcome `{ exit: "timeout" }`. Default "exit". */
  readonly onTimeout?: "exit" | "kill_task";
  /** Whether a failure tells its item: `{ exit: { input, reason } }`. Default false. */
  readonly zipInputOnExit?: boolean;
}

/** Milliseconds that waits take by default. */
const defaultTaskTimeoutMs = 5_000;

/** @throws CallerError "invalid_argument" */
export function checkCode(code: unknown): void {
  if (typeof code !== "function") throw invalidArgument("code", code, "a function");
}

/** The checked timeout. @throws CallerError "invalid_argument" */
export function timeoutOf(options: AwaitOptions): number | "infinity" {
  return patienceMs(options, defaultTaskTimeoutMs);
}

/** The checked time for an end. @throws CallerError "invalid_argument" */
export function shutdownOf(options: TaskShutdownOptions): Shutdown {
  checkObject("options", options);
  const { shutdownMs = defaultTaskTimeoutMs } = options;
  if (shutdownMs === "brutal_kill") return shutdownMs;
  try {
    checkTimeout("options.shutdownMs", shutdownMs);
  } catch (error) {
    if (!(error instanceof CallerError)) throw error;
    throw invalidArgument("options.shutdownMs", shutdownMs, `${error.rule} or "brutal_kill"`);
  }
  return shutdownMs;
}

/** @throws CallerError "invalid_argument" */
export function checkYieldMany({ limit, onTimeout = "nothing" }: YieldManyOptions): void {
  if (limit !== undefined && !isCount(limit)) throw invalidArgument("options.limit", limit, "an integer of 1 or more");
  if (!["nothing", "ignore", "kill_task"].includes(onTimeout)) {
    throw invalidArgument("options.onTimeout", onTimeout, '"nothing", "ignore" or "kill_task"');
  }
}

/** The options of a stream with every default filled in. @throws CallerError "invalid_argument" */
export function normalizeStreamOptions(options: AsyncStreamOptions): Required<AsyncStreamOptions> {
  if (typeof options !== "object" || options === null) throw invalidArgument("options", options, "options of a stream");
  const { maxConcurrency = 8, ordered = true, onTimeout = "exit", zipInputOnExit = false } = options;
  const timeoutMs = timeoutOf(options);
  if (!isCount(maxConcurrency)) {
    throw invalidArgument("options.maxConcurrency", maxConcurrency, "an integer of 1 or more");
  }
  if (onTimeout !== "exit" && onTimeout !== "kill_task") {
    throw invalidArgument("options.onTimeout", onTimeout, '"exit" or "kill_task"');
  }
  for (const [field, value] of Object.entries({ ordered, zipInputOnExit })) {
    if (typeof value !== "boolean") throw invalidArgument(`options.${field}`, value, "true or false");
  }
  return { maxConcurrency, ordered, timeoutMs, onTimeout, zipInputOnExit };
}

function isCount(value: unknown): boolean {
  return Number.isInteger(value) && (value as number) >= 1;
}
