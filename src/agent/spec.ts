/** What a caller says of an agent, and its checks. */

import type { StandardSchemaV1 } from "@standard-schema/spec";
import { invalidArgument } from "../errors.ts";
import type { RestartType } from "../otp/report/supervisor-report.ts";
import { longestTimerMs } from "../otp/scheduler/clock.ts";

/** How an agent is started, bounded and restarted. */
export interface AgentSpec<Output = string> {
  /** Unique in its system. */
  readonly id: string;
  /**
   * Where the pydantic-ai Agent is: "path/to/file.py:attribute" (relative to the system's `python.cwd`) or
   * "package.module:attribute".
   */
  readonly entry: string;
  /** Default "permanent". */
  readonly restart?: RestartType;
  /**
   * How long the worker has to end when the agent is stopped or restarted, in milliseconds; default 5,000. Its runs may finish, what overstays is
   * cancelled, it cleans up; then it is killed.
   */
  readonly shutdownMs?: number;
  /** From spawn to ready, in milliseconds; default 30,000. */
  readonly startTimeoutMs?: number;
  /** Runs that the worker holds at a time; default 8. */
  readonly maxConcurrency?: number;
  /** Runs that wait beyond those; default 1,000. A run over it is rejected with "queue_full". */
  readonly maxQueue?: number;
  /** Added to the worker's environment. */
  readonly env?: Readonly<Record<string, string>>;
  /** Checks the output of every run (zod, valibot, arktype, …) and gives `Output` its type. */
  readonly output?: StandardSchemaV1<unknown, Output>;
  /** How workers are started; "auto" is "spawn". */
  readonly launcher?: "spawn" | "auto";
}

/** An agent specification with every default filled in. */
export interface NormalAgentSpec {
  readonly id: string;
  readonly entry: string;
  readonly restart: RestartType;
  readonly shutdownMs: number;
  readonly startTimeoutMs: number;
  readonly maxConcurrency: number;
  readonly maxQueue: number;
  readonly env: Readonly<Record<string, string>>;
  readonly output: StandardSchemaV1 | undefined;
}

const known = new Set([
  "id",
  "entry",
  "restart",
  "shutdownMs",
  "startTimeoutMs",
  "maxConcurrency",
  "maxQueue",
  "env",
  "output",
  "launcher",
]);

/**
 * Checks a specification and fills in its defaults; the restart type is checked as part of the child specification.
 * @throws CallerError "invalid_argument" naming the field, the value and the rule
 */
export function normalizeAgentSpec<Output>(spec: AgentSpec<Output>): NormalAgentSpec {
  if (typeof spec !== "object" || spec === null) throw invalidArgument("spec", spec, "an agent spec");
  for (const key of Object.keys(spec)) {
    if (!known.has(key)) {
      throw invalidArgument(`spec.${key}`, spec[key as keyof AgentSpec<Output>], `one of ${[...known].join(", ")}`);
    }
  }
  const { id, entry, shutdownMs = 5_000, startTimeoutMs = 30_000, maxConcurrency = 8, maxQueue = 1_000 } = spec;
  const { env = {}, output, launcher = "auto" } = spec;
  if (typeof id !== "string" || id === "") throw invalidArgument("spec.id", id, "a non-empty string");
  if (typeof entry !== "string" || !/^.+:[A-Za-z_]\w*$/.test(entry)) {
    throw invalidArgument(
      "spec.entry",
      entry,
      `"path/to/file.py:attribute" or "package.module:attribute" (agent "${id}")`,
    );
  }
  checkInteger("spec.shutdownMs", shutdownMs, 0, id);
  checkInteger("spec.startTimeoutMs", startTimeoutMs, 1, id);
  checkInteger("spec.maxConcurrency", maxConcurrency, 1, id);
  checkInteger("spec.maxQueue", maxQueue, 0, id);
  for (const [name, value] of Object.entries(env)) {
    if (typeof value !== "string") throw invalidArgument(`spec.env.${name}`, value, `a string (agent "${id}")`);
  }
  if (output !== undefined && typeof output?.["~standard"]?.validate !== "function") {
    throw invalidArgument("spec.output", output, `a Standard Schema, such as zod's or valibot's (agent "${id}")`);
  }
  if (launcher !== "spawn" && launcher !== "auto") {
    throw invalidArgument("spec.launcher", launcher, `"spawn" or "auto" (agent "${id}")`);
  }
  const { restart = "permanent" } = spec;
  return { id, entry, restart, shutdownMs, startTimeoutMs, maxConcurrency, maxQueue, env, output };
}

function checkInteger(field: string, value: number, least: number, id: string): void {
  if (Number.isInteger(value) && value >= least && value <= longestTimerMs) return;
  throw invalidArgument(field, value, `an integer from ${least} to 2,147,483,647 (agent "${id}")`);
}
